/** What a free connection does when nothing is left to assign. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { finishMs } from '../../../src/schedule/forecast.js';
import type { Flow, Path } from '../../../src/schedule/forecast.js';
import { SEAM_BYTES } from '../../../src/schedule/overhead.js';
import { rebalance, stragglers } from '../../../src/schedule/rebalance.js';
import type { Move, Pace, Target } from '../../../src/schedule/rebalance.js';
import { TUNING } from '../../../src/schedule/tuning.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const ALIGN = 16 * KIB;

const PATH: Path = { roundTripMs: 1, window: 2_500_000, capacity: null };
const steady = (plateau: number, startMs = 0): Flow => ({
  startMs,
  window: 2_500_000,
  plateau,
  path: PATH,
});

const target = (more: Partial<Target> = {}): Target => ({
  lease: 1,
  position: 0,
  written: 0,
  end: 10 * MIB,
  flow: steady(1000),
  underWay: 14_600,
  isFixed: false,
  ...more,
});

const FREE = { mayHedge: true, priceMs: (_bytes: number): number => 0 };

const move = (flow: Flow, targets: readonly Target[], options = FREE): Move | null =>
  rebalance(flow, targets, options, TUNING);

describe('what a free connection takes from another one', () => {
  it('is cut off where both end together', () => {
    const rate = fc.double({ min: 10, max: 1e5, noNaN: true });
    const startMs = fc.double({ min: 0, max: 1000, noNaN: true });
    fc.assert(
      fc.property(
        rate,
        rate,
        startMs,
        fc.integer({ min: MIB, max: 1000 * MIB }),
        (theirs, ours, start, end) => {
          const victim = target({ end, flow: steady(theirs) });
          const flow = steady(ours, start);
          const found = move(flow, [victim]);
          if (found?.kind !== 'cut') return;
          expect(found.from % ALIGN).equal(0);
          expect(found.from).within(1, end - 1);
          const here = finishMs(victim.flow, found.from);
          const there = finishMs(flow, end - found.from);
          const aligned = (ALIGN + end * 2e-5) * (1 / theirs + 1 / ours);
          expect(Math.abs(here - there)).most(aligned + 1);
          expect(found.endsMs).equal(Math.max(here, there));
          const alone = finishMs(victim.flow, end);
          expect(alone - found.endsMs, 'worth it').above(TUNING.tickMs);
        },
      ),
    );
  });

  it('comes from the one that would end last', () => {
    const targets = [
      target({ lease: 1, end: 50 * MIB, flow: steady(10_000) }),
      target({ lease: 2, flow: steady(500) }),
      target({ lease: 3, flow: steady(1000) }),
    ];
    expect(move(steady(1000), targets)).include({ kind: 'cut', lease: 2 });
    expect(move(steady(1000), [...targets].reverse())).include({ kind: 'cut', lease: 2 });
  });

  it('counts what the next byte is at, not what was asked for', () => {
    const [position, end] = [6 * MIB, 10 * MIB];
    const found = move(steady(1000), [target({ position, end })]) as Move;
    expect(found.from).closeTo(8 * MIB, ALIGN);
  });

  it('P5: costs a seam and what is under way beyond the cut', () => {
    const found = move(steady(1000), [target({ underWay: 500_000 })]) as Move;
    expect(found.bytes).equal(500_000 + SEAM_BYTES);
    const short = move(steady(1000), [target({ underWay: 1e9 })]) as Move;
    expect(short.bytes, 'no more than there is').equal(10 * MIB - short.from + SEAM_BYTES);
  });

  it('P5: is nothing whose gain is below its price, or below what a look takes', () => {
    const priceMs = (bytes: number): number => bytes;
    expect(move(steady(1000), [target()], { ...FREE, priceMs })).equal(null);
    expect(move(steady(1000), [target()], { ...FREE, priceMs: () => Infinity })).equal(null);
    const gains = 10 * MIB * (1 / 1000 - 1 / 2000);
    expect(move(steady(1000), [target()], { ...FREE, priceMs: () => gains * 0.99 })).not.equal(
      null,
    );
    expect(move(steady(1000), [target()], { ...FREE, priceMs: () => gains * 1.01 })).equal(null);
    const soon = target({ end: 20 * KIB, flow: steady(1000) });
    expect(move(steady(1e6), [soon]), 'over in 20 ms').equal(null);
  });

  it('is nothing where it would be later than the other one alone', () => {
    expect(move(steady(1000, 60_000), [target()])).equal(null);
    expect(move(steady(1000), [])).equal(null);
    expect(move(steady(0), [target()])).equal(null);
  });

  it('is nothing of a lease whose end stays', () => {
    const fixed = target({ lease: 2, flow: steady(10), isFixed: true });
    expect(move(steady(1000), [fixed])).equal(null);
  });
});

describe('a rest that is too small to divide', () => {
  const rest = target({ position: 90 * KIB, written: 80 * KIB, end: 200 * KIB, flow: steady(1) });

  it('is fetched twice, from what is in the file on', () => {
    expect(move(steady(1000), [rest])).deep.equal({
      kind: 'hedge',
      lease: 1,
      from: 80 * KIB,
      endsMs: finishMs(steady(1000), 120 * KIB),
      bytes: 120 * KIB,
    });
  });

  it('P6: is not fetched twice where two answers may differ', () => {
    expect(move(steady(1000), [rest], { ...FREE, mayHedge: false })).equal(null);
  });

  it('begins at 128 KiB', () => {
    const slow = { flow: steady(1), position: 0 };
    expect(move(steady(1000), [target({ ...slow, end: 128 * KIB })])?.kind).equal('hedge');
    expect(move(steady(1000), [target({ ...slow, end: 128 * KIB + 1 })])?.kind).equal('cut');
  });

  it('is what is left of a large one that brings next to nothing', () => {
    const slow = target({ flow: steady(0.001), position: 3 * MIB, written: 3 * MIB });
    const found = move(steady(1000), [slow]) as Move;
    expect(found.from, 'nearly all of it').within(3 * MIB, 3 * MIB + ALIGN);
    const rest = target({ ...slow, end: found.from });
    expect(move(steady(1000), [rest])).include({ kind: 'hedge', from: 3 * MIB });
  });
});

describe('a connection far below its peers', () => {
  const pace = (more: Partial<Pace> = {}): Pace => ({
    lease: 1,
    rate: 10,
    left: MIB,
    silentMs: 0,
    ...more,
  });
  const given = (paces: readonly Pace[], freshMs = 100): number[] =>
    stragglers(paces, 1000, freshMs, TUNING);

  it('is given up when a new one would have its bytes far sooner', () => {
    expect(given([pace(), pace({ lease: 2, rate: 900 }), pace({ lease: 3, rate: 0 })])).deep.equal([
      1, 3,
    ]);
  });

  it('is one with less than a fifth of what is usual', () => {
    expect(given([pace({ rate: 199, left: 1e9 })])).deep.equal([1]);
    expect(given([pace({ rate: 200, left: 1e9 })])).deep.equal([]);
  });

  it('may bring what is there sooner than another one would be opened', () => {
    // 4600 bytes take 460 ms; twice the 104.6 ms of a new connection and ten looks are 459.2 ms.
    expect(given([pace({ left: 4500 })])).deep.equal([]);
    expect(given([pace({ left: 4600 })])).deep.equal([1]);
    expect(given([pace({ left: 4600 })], 1000)).deep.equal([]);
  });

  it('may be silent for as long again as it has been', () => {
    expect(given([pace({ left: 1000, silentMs: 1000 })])).deep.equal([1]);
  });
});
