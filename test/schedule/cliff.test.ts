/** What the start of a far link spends, and what it teaches. */
import { expect } from 'chai';
import { NAMED } from './named.js';
import { play } from './player.js';
import { decideAsScheduled } from './scheduler-decider.js';

/** `auto` may take so many times longer than sixteen connections, which are the best here; over the cliff it took 2.3 to 5.8 times longer. */
const WITHIN = 1.6;

describe('a far server that limits each connection', () => {
  for (const world of NAMED.filter(({ name }) => /^cliff/.test(name)))
    it(`${world.name}: auto is as fast as many connections`, () => {
      const seconds = (connections: 16 | 'auto'): number =>
        play(world, decideAsScheduled, { connections }).ms / 1000;
      expect(seconds('auto')).below(seconds(16) * WITHIN);
    });
});
