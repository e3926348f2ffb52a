/** What a download says held it back is what the world was that was played. */
import { expect } from 'chai';
import { NAMED } from './named.js';
import { play } from './player.js';
import { decideAsScheduled } from './scheduler-decider.js';

/** The scarcest thing of each world, by what the world is made of. */
const SCARCE: ReadonlyArray<readonly [world: string, connections: number | 'auto', by: string]> = [
  ['60 Mbit/s 149 ms, 1.2 MB/s each', 'auto', 'link'],
  ['60 Mbit/s 149 ms, 1.2 MB/s each', 4, 'server'],
  ['32 Mbit/s 65 ms, 0.3 MB/s each', 'auto', 'link'],
  ['32 Mbit/s 65 ms, 0.3 MB/s each', 4, 'server'],
  ['cliff 160 MB', 'auto', 'link'],
  ['B3 16 x 20 MB/s', 'auto', 'server'],
  ['B4 200 Mbit/s 80 ms', 'auto', 'link'],
  ['B4 200 Mbit/s 80 ms', 4, 'link'],
  ['loopback', 'auto', 'processor'],
  ['at most 4 connections: 503', 'auto', 'server'],
  ['a slow disk', 'auto', 'disk'],
  ['a slow disk', 4, 'disk'],
];

describe('what is said to hold a download back', () => {
  for (const [name, connections, by] of SCARCE)
    it(`${name}, ${connections} connections: ${by}`, () => {
      const world = NAMED.find((each) => each.name === name);
      if (world === undefined) return expect.fail(`there is no world ${name}`);
      expect(play(world, decideAsScheduled, { connections }).limitedBy).equal(by);
    });
});
