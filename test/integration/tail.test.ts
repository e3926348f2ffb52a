/** The end of a download, when one connection falls silent in it. */
import { expect } from 'chai';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import { SLAB_BYTES } from '../../src/net/connection.js';
import type { EngineRun } from '../helpers/engine.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 1, size: 64 * MIB };
/** What the silent connection keeps back. */
const KEPT_BACK = 50_000;

describe('the tail', () => {
  const bench = benchPerTest();

  /** The first answer that reaches the end of the file stops shortly before it, for good. */
  async function fetchWithSilentEnd(options: OriginOptions): Promise<[EngineRun, Origin]> {
    const origin = await bench.origin({ ...REFERENCE, rate: 16 * MIB, ...options });
    let length = 0;
    const fault = {
      kind: 'stall' as const,
      get at() {
        return length - KEPT_BACK;
      },
    };
    origin.fault({
      when: ({ range }) => {
        if (range === null || range.start === 0 || range.end !== REFERENCE.size) return false;
        length = range.end - range.start;
        return length > 2 * KEPT_BACK;
      },
      fault,
    });
    const engine = bench.engine({ connections: 4, deadlines: { stallMs: 20_000 } });
    return [await engine.get(origin.url), origin];
  }

  it('P1: a connection that falls silent at the end is overtaken, long before it stalls', async () => {
    const [run, origin] = await fetchWithSilentEnd({ etag: '"strong"' });
    expectDone(run, REFERENCE);
    expect(run.ms, 'not the deadline of the silent one').below(10_000);
    const again = origin.requests.filter(
      ({ range }) => range?.end === REFERENCE.size && range.start > REFERENCE.size - 2 * KEPT_BACK,
    );
    expect(again).length(1);
    // Seams, and what the silent one had received and not yet written.
    expect((run.last as { fetched: number }).fetched).below(REFERENCE.size * 1.001 + SLAB_BYTES);
  });

  it('P6: without a strong validator it is given up first, and its rest fetched again', async () => {
    const [run] = await fetchWithSilentEnd({ etag: 'none', lastModified: null });
    expectDone(run, REFERENCE);
    expect(run.ms).below(15_000);
  });
});
