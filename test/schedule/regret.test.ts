/** Whether `auto` does well in worlds that nobody thought of; `npm run regret` plays more of them. */
import { expect } from 'chai';
import { DECIDERS, PRESENT } from './deciders.js';
import type { Decide } from './decider.js';
import { drawWorld } from './draw.js';
import { regretOf, summarise } from './regret.js';

/** Worlds of this seed. */
const SEED = 20;
const WORLDS = 30;

/** What is asked of them: parts within 1.05 and 1.10 of the best fixed number, and the worst. */
const BAR = { within5: 0.75, within10: 0.8, worst: 12 };

describe('auto in random worlds', () => {
  it('is about as fast as the best fixed number of connections', () => {
    const regrets = Array.from({ length: WORLDS }, (_, index) =>
      regretOf(drawWorld(SEED, index), DECIDERS[PRESENT] as Decide, index),
    ).flatMap((regret) => (regret === null ? [] : [regret]));
    const { within5, within10, worst } = summarise(regrets);
    const slowest = regrets.find(({ ratio }) => ratio === worst);
    const again = `npm run regret -- --seed ${SEED} --worlds ${WORLDS}; --trace ${SEED}/${slowest?.index}`;
    expect(within5, again).least(BAR.within5);
    expect(within10, again).least(BAR.within10);
    expect(worst, again).most(BAR.worst);
  });
});
