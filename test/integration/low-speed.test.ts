/** `--low-speed`: a connection that stays too slow is replaced, and a download that stays so ends. */
import { expect } from 'chai';
import { StreamDownload } from '../../src/transfer/stream.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import { RateLimit } from '../../src/engine/rate-limit.js';
import { LowSpeedWatch } from '../../src/lease/low-speed.js';

const MIB = 1024 * 1024;
const SIZE = 4 * MIB;
const REFERENCE = { seed: 1, size: SIZE };
const lowSpeed = { bytesPerSecond: 200_000, ms: 200 };

describe('low speed', () => {
  const bench = benchPerTest();

  it('is below the rate for all of the time, and what is held back does not count', () => {
    const watch = new LowSpeedWatch({ bytesPerSecond: 1000, ms: 3000 }, 0);
    const bytes = [500, 1000, 2500, 2600, 2700, 2800];
    const over = bytes.map((sum, at) => watch.isOver(sum, false, (at + 1) * 1000));
    expect(over).deep.equal([false, false, false, false, false, true]);
    const held = new LowSpeedWatch({ bytesPerSecond: 1000, ms: 3000 }, 0);
    for (let at = 1; at < 9; at++) {
      expect(held.isOver(0, true, at * 1000 - 500)).equal(false);
      expect(held.isOver(0, false, at * 1000)).equal(false);
    }
  });

  it('a slow connection is replaced, and the download goes on', async () => {
    const rate = ({ number }: { number: number }): number => (number === 0 ? 50_000 : 40 * MIB);
    const origin = await bench.origin({ ...REFERENCE, rate });
    const engine = bench.engine({ connections: 1, deadlines: { lowSpeed } });
    const run = await engine.get(origin.url);
    expectDone(run, REFERENCE);
    expect(run.events.filter((each) => each.type === 'retry' && each.code === 'LOW_SPEED')).length(
      1,
    );
  });

  for (const [what, connections, ranges] of [
    ['one connection', 1, true],
    ['several', 3, true],
    ['a server without ranges', 1, false],
  ] as const)
    it(`all connections too slow, in spite of retries: exit status 4 (${what})`, async () => {
      const origin = await bench.origin({ ...REFERENCE, rate: 30_000, ranges });
      const engine = bench.engine({ connections, retries: 1, deadlines: { lowSpeed } });
      const last = expectFailed(await engine.get(origin.url), 'LOW_SPEED');
      expect(last.exitStatus).equal(4);
    });

  it('P23: a reader is told as well', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 30_000 });
    const given = { connections: 2, retries: 0, deadlines: { lowSpeed } };
    const output = { write: () => Promise.resolve(), close: () => undefined };
    const options = bench.engine(given).options(origin.url);
    const last = await new StreamDownload(options, output, MIB).run();
    expect(last).include({ type: 'error', code: 'LOW_SPEED' });
  });

  it('a rate that was asked for is not low', async () => {
    const origin = await bench.origin({ ...REFERENCE, size: MIB / 4 });
    const rateLimit = new RateLimit(150_000);
    const engine = bench.engine({ connections: 1, retries: 0, rateLimit, deadlines: { lowSpeed } });
    expectDone(await engine.get(origin.url), { ...REFERENCE, size: MIB / 4 });
  });
});
