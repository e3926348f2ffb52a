/** The end of a download, when one connection falls silent in it. */
import { expect } from 'chai';
import type { RecordedRequest } from '../helpers/fault-server.js';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import { SLAB_BYTES } from '../../src/net/slab.js';
import type { EngineRun } from '../helpers/engine.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 1, size: 64 * MIB };
/** What the silent connection keeps back. */
const KEPT_BACK = 50_000;

describe('the tail', () => {
  const bench = benchPerTest();

  /** Answers that `when` chooses stop shortly before their end, for good. */
  async function fetchWithSilence(
    when: (request: RecordedRequest) => boolean,
    options: OriginOptions,
    latencyMs = 0,
  ): Promise<[EngineRun, Origin]> {
    const origin = await bench.origin({ ...REFERENCE, rate: 16 * MIB, ...options });
    if (latencyMs > 0) origin.fault({ times: Infinity, fault: { kind: 'latency', ms: latencyMs } });
    let length = 0;
    const fault = {
      kind: 'stall' as const,
      get at() {
        return length - KEPT_BACK;
      },
    };
    origin.fault({
      when: (request) => {
        length = (request.range?.end ?? 0) - (request.range?.start ?? 0);
        return length > 2 * KEPT_BACK && when(request);
      },
      times: Infinity,
      fault,
    });
    const engine = bench.engine({ connections: 4, deadlines: { stallMs: 20_000 } });
    return [await engine.get(origin.url), origin];
  }

  /** Whatever reaches the end of the file, for whoever is cut never gets so far. */
  const fetchWithSilentEnd = (options: OriginOptions): Promise<[EngineRun, Origin]> =>
    fetchWithSilence(
      ({ range }) => range !== null && range.start > 0 && range.end === REFERENCE.size,
      options,
    );

  it('P1: a connection that falls silent at the end is overtaken, long before it stalls', async () => {
    const [run, origin] = await fetchWithSilentEnd({ etag: '"strong"' });
    expectDone(run, REFERENCE);
    expect(run.ms, 'not the deadline of the silent one').below(10_000);
    const again = origin.requests.filter(
      ({ range }) => range?.end === REFERENCE.size && range.start > REFERENCE.size - 2 * KEPT_BACK,
    );
    expect(again.length).within(1, 3);
    // Seams, and what the silent one had received and not yet written.
    expect((run.last as { fetched: number }).fetched).below(REFERENCE.size * 1.001 + SLAB_BYTES);
  });

  it('P6: without a strong validator it is given up first, and its rest fetched again', async () => {
    const [run] = await fetchWithSilentEnd({ etag: 'none', lastModified: null });
    expectDone(run, REFERENCE);
    expect(run.ms).below(15_000);
  });

  /** Whether there was one is told by the log: on a busy machine it may be asked for too late. */
  async function fallsSilentWithOneBehind(): Promise<boolean> {
    let first: number | null = null;
    const [run] = await fetchWithSilence(
      ({ number, pipelined }) => pipelined && (first ??= number) === number,
      {},
      60,
    );
    expectDone(run, REFERENCE);
    expect(run.ms, 'not the deadline of the silent one').below(15_000);
    return run.leases.some(({ pipelined }) => pipelined === 'excused');
  }

  it('P1: one that falls silent with another lease asked for behind it keeps neither', async () => {
    let seen = false;
    for (let attempt = 0; attempt < 8 && !seen; attempt++) seen = await fallsSilentWithOneBehind();
    expect(seen, 'one was asked for behind it').equal(true);
  });
});
