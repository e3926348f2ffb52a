/** What a free connection is given of what nobody works on. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { fromGaps, fromOpenEnd, lengthFor } from '../../../src/schedule/assign.js';
import type { Stock } from '../../../src/schedule/assign.js';
import { finishMs, horizonMs } from '../../../src/schedule/forecast.js';
import type { Flow, Path } from '../../../src/schedule/forecast.js';
import { SEAM_BYTES } from '../../../src/schedule/overhead.js';
import { TUNING } from '../../../src/schedule/tuning.js';
import type { Span } from '../../../src/schedule/types.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const LEAST = TUNING.leastBytes;

const NEAR: Path = { roundTripMs: 1, window: 2_500_000, capacity: null };

/** A connection that is at its speed. */
const steady = (plateau: number, startMs = 0): Flow => ({
  startMs,
  window: 2_500_000,
  plateau,
  path: NEAR,
});

const stockOf = (missing: number, more: Partial<Stock> = {}): Stock => ({
  gaps: missing > 0 ? [{ start: 0, end: missing }] : [],
  missing,
  horizonMs: 1000,
  connections: 1,
  requestMs: 1,
  overheadLeft: 10 * MIB,
  longest: Infinity,
  ...more,
});

interface Given extends Span {
  connection: number;
  endsMs: number;
}

/** Connections take what they are given, one lease after the other, until nothing is missing. */
function shareOut(rates: readonly number[], total: number, more: Partial<Stock> = {}): Given[] {
  const given: Given[] = [];
  const present = new Map<number, Given>();
  let from = 0;
  let nowMs = 0;
  while (from < total) {
    const left = (connection: number): number => {
      const lease = present.get(connection);
      return lease === undefined ? 0 : (lease.endsMs - nowMs) * (rates[connection] as number);
    };
    const leftAll = total - from + rates.reduce((sum, _, each) => sum + left(each), 0);
    const flows = rates.map((rate) => steady(rate));
    const free = rates.findIndex((_, each) => (present.get(each)?.endsMs ?? 0) <= nowMs);
    if (free < 0) {
      nowMs = Math.min(...[...present.values()].map(({ endsMs }) => endsMs));
      continue;
    }
    const stock = stockOf(0, {
      gaps: [{ start: from, end: total }],
      missing: total - from,
      horizonMs: horizonMs(leftAll, flows),
      connections: rates.length,
      ...more,
    });
    const flow = flows[free] as Flow;
    const span = fromGaps(flow, stock, TUNING) as Span;
    expect(span.start, 'in order of offset').equal(from);
    expect(span.end).within(span.start + 1, total);
    const endsMs = nowMs + finishMs(flow, span.end - span.start);
    const lease = { ...span, connection: free, endsMs };
    present.set(free, lease);
    given.push(lease);
    from = span.end;
  }
  return given;
}

const lengths = (given: readonly Given[]): number[] => given.map(({ start, end }) => end - start);

describe('what a free connection is given', () => {
  it('shrinks towards the end, so that all connections end together', () => {
    const given = shareOut(Array<number>(8).fill(10_000), 800 * MIB);
    const sizes = lengths(given);
    expect(sizes[0], 'what it brings within the horizon, less a reserve').closeTo(
      0.6 * 100 * MIB,
      LEAST,
    );
    for (const [at, size] of sizes.entries())
      if (at >= 8) expect(size, `lease ${at}`).most((sizes[at - 8] as number) + LEAST);
    const ends = Array.from({ length: 8 }, (_, connection) =>
      Math.max(...given.filter((each) => each.connection === connection).map((e) => e.endsMs)),
    );
    expect(Math.max(...ends) - Math.min(...ends)).below(2 * TUNING.tickMs);
    expect(given.length, 'few requests').below(8 * 12);
  });

  it('is all of the file in the end, whatever the connections and the budget', () => {
    const rate = fc.double({ min: 1, max: 1e5, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(rate, { minLength: 1, maxLength: 16 }),
        fc.integer({ min: 1, max: 1e9 }),
        fc.constantFrom(0, MIB, 100 * MIB),
        fc.constantFrom(MIB, Infinity),
        (rates, total, overheadLeft, longest) => {
          const given = shareOut(rates, total, { overheadLeft, longest });
          expect(given.at(-1)?.end).equal(total);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is less for a slow connection than for a fast one', () => {
    const stock = stockOf(1000 * MIB, { horizonMs: 10_000, connections: 2 });
    const fast = lengthFor(steady(20_000), 1000 * MIB, stock, TUNING);
    const slow = lengthFor(steady(2000), 1000 * MIB, stock, TUNING);
    expect(fast / slow).closeTo(10, 0.2);
  });

  it('is less for one that has yet to be opened', () => {
    const stock = stockOf(1000 * MIB, { horizonMs: 10_000 });
    expect(lengthFor(steady(10_000), 1e9, stock, TUNING)).closeTo(60e6, LEAST);
    expect(lengthFor(steady(10_000, 5000), 1e9, stock, TUNING)).closeTo(30e6, LEAST);
  });

  it('is a share of the last round, where no further request would be worth its time', () => {
    const stock = stockOf(8 * MIB, { horizonMs: 100, connections: 8, requestMs: 80 });
    expect(lengthFor(steady(100), 8 * MIB, stock, TUNING)).equal(MIB);
    const sooner = { ...stock, requestMs: 1 };
    expect(lengthFor(steady(10_000), 8 * MIB, sooner, TUNING), 'time for another').below(MIB);
  });

  it('is no less than the least, a multiple of it, and no splinter is left', () => {
    const stock = stockOf(100 * MIB, { overheadLeft: 1000 * MIB });
    expect(lengthFor(steady(0.1), 100 * MIB, stock, TUNING)).equal(LEAST);
    expect(lengthFor(steady(100_000), 1e9, stock, TUNING) % LEAST).equal(0);
    expect(lengthFor(steady(0.1), 2 * LEAST - 1, stock, TUNING)).equal(2 * LEAST - 1);
    expect(lengthFor(steady(0.1), 2 * LEAST, stock, TUNING)).equal(LEAST);
    expect(lengthFor(steady(0.1), 5, stock, TUNING)).equal(5);
    const gaps = [
      { start: 10, end: 10 + LEAST + 1 },
      { start: 90 * MIB, end: 100 * MIB },
    ];
    const span = fromGaps(steady(0.1), { ...stock, gaps }, TUNING);
    expect(span, 'to the end of the gap').deep.equal({ start: 10, end: 10 + LEAST + 1 });
    expect(fromGaps(steady(1000), stockOf(0), TUNING)).equal(null);
  });

  it('P23: lies close to the front where somebody reads the file in order', () => {
    const stock = stockOf(1000 * MIB, { horizonMs: 100_000, longest: 8 * MIB });
    expect(fromGaps(steady(100_000), stock, TUNING)).deep.equal({ start: 0, end: 8 * MIB });
  });

  it('P5: is longer where little may be spent on seams', () => {
    const given = (overheadLeft: number): number =>
      lengthFor(steady(1), 1000 * MIB, stockOf(1000 * MIB, { overheadLeft }), TUNING);
    expect(given(10 * MIB)).equal(Math.ceil((1000 * SEAM_BYTES) / 5 / LEAST) * LEAST);
    expect(given(SEAM_BYTES)).equal(1000 * MIB);
    expect(given(0), 'nothing is divided any more').equal(1000 * MIB);
  });

  it('P5: dividing what is missing again and again stays within what may be spent', () => {
    const rate = fc.double({ min: 0.1, max: 1e5, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(rate, { minLength: 1, maxLength: 16 }),
        fc.integer({ min: MIB, max: 1e9 }),
        (rates, total) => {
          let left = Math.max(MIB, total / 100);
          const budget = left;
          for (let from = 0, at = 0; from < total; at++) {
            const flow = steady(rates[at % rates.length] as number);
            const stock = stockOf(0, {
              gaps: [{ start: from, end: total }],
              missing: total - from,
              overheadLeft: left,
            });
            from = (fromGaps(flow, stock, TUNING) as Span).end;
            left -= SEAM_BYTES;
          }
          expect(budget - left).most(budget);
        },
      ),
    );
  });
});

describe('what is given off the end of the first answer', () => {
  const open = (mib: number, flow: Flow): { position: number; end: number; flow: Flow } => ({
    position: 0,
    end: Math.floor(mib * MIB),
    flow,
  });
  const stock = stockOf(0, { horizonMs: 5000, connections: 2 });

  it('is the end of it, up to half', () => {
    const span = fromOpenEnd(steady(1000), open(100, steady(10_000)), stock, TUNING) as Span;
    expect(span.end).equal(100 * MIB);
    expect(span.end - span.start).closeTo(3e6, LEAST);
    const half = fromOpenEnd(steady(1e6), open(100, steady(10_000)), stock, TUNING) as Span;
    expect(half.start).closeTo(50 * MIB, LEAST);
  });

  it('is nothing where the first answer is there as soon by itself', () => {
    const first = open(10, steady(100_000));
    expect(fromOpenEnd(steady(100_000, 500), first, stock, TUNING)).equal(null);
    expect(fromOpenEnd(steady(100_000), open(0.06, steady(10)), stock, TUNING)).equal(null);
  });

  it('is never what the first answer has brought', () => {
    fc.assert(
      fc.property(fc.nat(100 * MIB), fc.nat(100 * MIB), (a, b) => {
        const [position, end] = [Math.min(a, b), Math.max(a, b)];
        const span = fromOpenEnd(
          steady(1e5),
          { position, end, flow: steady(10) },
          { ...stock, horizonMs: 1e6 },
          TUNING,
        );
        if (span === null) return;
        expect(span.start).within(position + LEAST, end - 1);
        expect(span.end).equal(end);
      }),
    );
  });
});
