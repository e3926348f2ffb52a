/** Answers that are cut: at each kind of place, in each way, first answers and leases. */
import { expect } from 'chai';
import { benchPerTest, expectDone, expectFailed, expectOnTime } from '../helpers/engine.js';
import type { Fault } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 6 * MIB + 1;
const REFERENCE = { seed: 1, size: SIZE };
const DEADLINES = { stallMs: 1200, firstByteMs: 1200 };

/** Places in a body: its first bytes, inside a seam, a slab's end and beside it, its last bytes. */
const BODY = [0, 1, 4095, 4096, 64 * 1024, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, 1_500_000];
const HEAD = [0, 1, 8, 9, 17, 40, 120];

type Cut = 'reset' | 'early-end' | 'stall' | 'reset-head' | 'end-head' | 'stall-head';
const CUTS: Array<[Cut, number[]]> = [
  ['reset', [...BODY, SIZE - 1]],
  ['early-end', [...BODY, SIZE - 1]],
  ['stall', BODY],
  ['reset-head', HEAD],
  ['end-head', HEAD],
  ['stall-head', HEAD],
];

describe('cuts', () => {
  const bench = benchPerTest();

  for (const [kind, places] of CUTS) {
    for (const connections of [1, 4]) {
      it(`P1: ${kind} at ${places.length} places, once, ${connections} connections`, async () => {
        const tries = places.map(async (at) => {
          const origin = await bench.origin(REFERENCE);
          const fault: Fault = { kind, at };
          origin.fault({ request: 0, fault });
          origin.fault({ request: 2, fault });
          const engine = bench.engine({ connections, retries: 5, deadlines: DEADLINES });
          expectDone(await engine.get(origin.url), REFERENCE);
        });
        await Promise.all(tries);
      });
    }

    it(`P1: ${kind} to every answer: it ends, and nothing gets the name`, async () => {
      const at = kind.endsWith('head') ? 17 : 0;
      const origin = await bench.origin(REFERENCE);
      origin.fault({ times: Infinity, fault: { kind, at } });
      const engine = bench.engine({ connections: 4, retries: 1, deadlines: DEADLINES });
      expect(expectFailed(await engine.get(origin.url)).exitStatus).equal(4);
      expect(origin.requests.length).below(12);
    });
  }

  it('P1: every answer is cut after 500 kB: many small steps still arrive', async () => {
    const tries = (['reset', 'early-end'] as const).map(async (kind) => {
      const origin = await bench.origin(REFERENCE);
      origin.fault({ times: Infinity, fault: { kind, at: 500_000 } });
      const run = await bench.engine({ connections: 4, retries: 2 }).get(origin.url);
      expectDone(run, REFERENCE);
      expect((run.last as { fetched: number }).fetched).below(SIZE * 1.2);
    });
    await Promise.all(tries);
  });

  it('P16: peers that vanish without a word: noticed in time, kept, and gone on with', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 4 * MIB });
    const engine = bench.engine({ connections: 4, retries: 1, deadlines: DEADLINES });
    const running = engine.start(origin.url);
    await origin.server.until(({ bodyBytes }) => bodyBytes > 3 * MIB);
    origin.server.admit(() => 'silent');
    origin.server.vanishAll();
    const began = performance.now();
    const run = await running.ended;
    expect(expectFailed(run, 'STALLED', 'FIRST_BYTE_TIMEOUT').exitStatus).equal(4);
    const ms = performance.now() - began - run.lateMs;
    expect(ms, 'three deadlines, backoffs, and a second').below(6500);
    expect(engine.hasPart).equal(true);
    origin.server.admit(() => 'serve');
    const again = await engine.resume();
    expectDone(again, REFERENCE);
    expect((again.last as { fetched: number }).fetched, 'over 3 MiB were kept').below(SIZE);
  });

  it('P16: peers that vanish once, with a server that is there again: the rest is asked for anew', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 4 * MIB });
    const running = bench.engine({ connections: 4, deadlines: DEADLINES }).start(origin.url);
    await origin.server.until(({ bodyBytes }) => bodyBytes > 2 * MIB);
    origin.server.vanishAll();
    expectDone(await running.ended, REFERENCE);
  });

  it('P16: one byte a second is slow and no stall; --max-time ends it, with what came kept', async () => {
    const slow = await bench.origin({ seed: 1, size: 3, rate: 1 });
    const engine = bench.engine({ connections: 4, maxTimeMs: 3000 });
    const large = await bench.origin({ ...REFERENCE, rate: 1 });
    const [whole, cut] = await Promise.all([
      bench.engine({ deadlines: { stallMs: 4000 } }).get(slow.url),
      engine.get(large.url, { deadlines: { stallMs: 20_000 } }),
    ]);
    expectDone(whole, { seed: 1, size: 3 });
    expectFailed(cut, 'MAX_TIME');
    expectOnTime(cut, 3000);
    expect(engine.hasPart).equal(true);
  });
});
