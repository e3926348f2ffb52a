/** Servers of which no two answers belong together: one answer has to do, and tries have an end. */
import { expect } from 'chai';
import { benchPerTest, expectDone, expectFailed, interrupt, told } from '../helpers/engine.js';
import type { RecordedRequest } from '../helpers/fault-server.js';

const MIB = 1024 * 1024;
const SIZE = 16 * MIB;
const REFERENCE = { seed: 1, size: SIZE };

const asksForAll = ({ range }: RecordedRequest): boolean => (range?.start ?? 0) === 0;

describe('one answer as a whole', () => {
  const bench = benchPerTest();

  // Which tag answers which request depends on how many came before.
  for (const nodes of [2, 3, 4, 5])
    it(`P6: an ETag that is one of ${nodes} in turn`, async () => {
      const etag = ({ number }: RecordedRequest): string => `"node-${number % nodes}"`;
      const runs = [2, 3, 4, 6].map(async (connections) => {
        const origin = await bench.origin({ ...REFERENCE, rate: 12 * MIB, etag });
        return bench.engine({ connections }).get(origin.url);
      });
      for (const run of await Promise.all(runs)) {
        expectDone(run, REFERENCE);
        expect((run.last as { fetched: number }).fetched, 'one new start').below(2.5 * SIZE);
      }
    });

  it('P6: an earlier run left bytes, and the ETag is another one per request', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 24 * MIB });
    const engine = bench.engine({ connections: 4 });
    origin.allow(8 * MIB);
    await interrupt(engine.start(origin.url), 5 * MIB, origin);
    origin.allow(Infinity);
    origin.set({ etag: 'per-request' });
    expectDone(await engine.get(origin.url), REFERENCE);
  });

  it('P6: the one answer breaks, and the next one is whole', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 24 * MIB, etag: 'per-request' });
    origin.fault({ when: ({ number }) => number > 3, fault: { kind: 'reset', at: 7 * MIB } });
    expectDone(await bench.engine({ connections: 4 }).get(origin.url), REFERENCE);
  });

  it('P6: bytes of the one answer are not gone on with by what came before it', async () => {
    // Two nodes have different files; the second one's is the one answer, and breaks.
    const ofSecond = new Set<number>();
    let wholes = 0;
    const etag = (request: RecordedRequest): string => {
      const { number } = request;
      if (number === 0) return '"a"';
      if (asksForAll(request)) wholes++;
      if (wholes > (asksForAll(request) ? 1 : 0)) return '"a"';
      ofSecond.add(number);
      return '"b"';
    };
    const origin = await bench.origin({ ...REFERENCE, rate: 24 * MIB, etag });
    origin.fault({
      times: Infinity,
      when: ({ number }) => ofSecond.has(number),
      fault: { kind: 'content', seed: 2 },
    });
    let broken = 0;
    origin.fault({
      when: (request) => ofSecond.has(request.number) && asksForAll(request) && ++broken > 0,
      fault: { kind: 'reset', at: 7 * MIB },
    });
    const run = await bench.engine({ connections: 4 }).get(origin.url);
    expect(broken, 'the one answer broke').equal(1);
    expectDone(run, REFERENCE);
  });

  for (const [what, options] of [
    ['without ranges', { ranges: false }],
    ['with an ETag per request', { etag: 'per-request' }],
  ] as const)
    it(`P16: a server ${what} that breaks each answer at the same place is given up`, async () => {
      const origin = await bench.origin({ ...REFERENCE, rate: 48 * MIB, ...options });
      origin.fault({ times: Infinity, fault: { kind: 'early-end', at: 3 * MIB } });
      const run = await bench.engine({ connections: 4, retries: 2 }).get(origin.url);
      expectFailed(run, 'CONNECTION_LOST');
      expect(origin.requests.length, told(run)).below(30);
    });

  it('P16: a server without ranges that comes further each time is asked on', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 48 * MIB, ranges: false });
    // Not a reset: that takes back what the client has been too busy to receive, so it may come less far than before.
    for (let request = 0; request < 5; request++)
      origin.fault({ request, fault: { kind: 'early-end', at: (request + 1) * MIB } });
    expectDone(await bench.engine({ connections: 4, retries: 1 }).get(origin.url), REFERENCE);
  });
});
