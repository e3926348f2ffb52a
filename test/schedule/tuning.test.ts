/** Each number of the scheduler matters: moved far, it changes a named world. */
import { expect } from 'chai';
import { TUNING } from '../../src/schedule/tuning.js';
import type { Tuning } from '../../src/schedule/tuning.js';
import { NAMED } from './named.js';
import { play } from './player.js';
import { decideWith } from './scheduler-decider.js';
import { COLUMNS, readTable } from './table.js';

/** A number, moved, and how many times as long the world takes then. */
const MOVED: ReadonlyArray<readonly [keyof Tuning, moved: number, world: string, times: number]> = [
  ['tickMs', 100, 'CUBIC, far, 0.1 % loss', 1.05],
  ['reserve', 0.05, 'CUBIC, far, 0.1 % loss', 1.2],
  ['leastBytes', 256 * 1024, 'CUBIC, a short queue', 1.01],
  ['windowBytes', 10_000_000, 'one in four 20 times slower, far', 1.05],
  ['farMs', 40, '300 Mbit/s 8 ms, 4 MB/s each', 1.05],
  ['startFar', 4, 'CUBIC, far, 0.1 % loss', 1.2],
  ['startNear', 1, 'nginx 50 MB/s each', 1.05],
  ['most', 4, 'CUBIC, far, 0.1 % loss', 4],
  ['windowMs', 200, 'nginx 50 MB/s each', 1.1],
  ['gain', 1.9, 'B5 one in eight 100 times slower', 1.4],
  ['fullFactor', 3, 'thinks for 500 ms', 1.02],
  ['busyPart', 3, 'loopback', 1.02],
  ['slowFactor', 20, 'CUBIC, far, 0.1 % loss', 1.1],
  ['overheadPart', 0.04, 'CUBIC, far, 0.1 % loss', 1.05],
  ['overheadBytes', 256 * 1024, 'cliff 66 MB', 1.02],
];

/** These decide when is looked again, and cost little or gain little in each of the named worlds alone. */
const OF_ALL_WORLDS = ['windowRoundTrips', 'holdMs'];

describe("the scheduler's numbers", () => {
  it('each have a world', () => {
    const named = [...MOVED.map(([name]) => name), ...OF_ALL_WORLDS];
    expect([...named].sort()).deep.equal(Object.keys(TUNING).sort());
  });

  for (const [name, moved, world, times] of MOVED)
    it(`${name} of ${moved} makes "${world}" slower`, () => {
      const spec = NAMED.find((each) => each.name === world);
      if (spec === undefined) return expect.fail(`there is no world ${world}`);
      const usual = readTable()[world]?.[COLUMNS.indexOf('auto')] as number;
      const decide = decideWith({ ...TUNING, [name]: moved });
      expect(play(spec, decide, { connections: 'auto' }).ms).above(usual * times);
    });
});
