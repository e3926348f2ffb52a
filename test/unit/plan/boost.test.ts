/** Short leases for the start on a far link. */
import { expect } from 'chai';
import { activeLease } from '../../helpers/planning.js';
import * as fc from 'fast-check';
import { BOOST_LANES, boost as boostFor, farShare } from '../../../src/plan/boost.js';
import type { ActiveLease, Costs, Move, Span } from '../../../src/plan/moves.js';

const MIB = 1024 * 1024;
const costs = (change: Partial<Costs> = {}): Costs => ({
  requestMs: 160,
  roundTripMs: 80,
  usualRate: null,
  bestRate: null,
  ownRate: null,
  isWarm: false,
  seams: { splits: 30, start: 30, all: 40 },
  inOrder: false,
  mayDouble: false,
  ...change,
});
const idle = { open: 1, isBusy: false };
const busy = { open: 1, isBusy: true };
const boost = (active: ActiveLease[], given: Costs, stage = idle): Move | null =>
  boostFor(active, stage, given);
const lease = (position: number, end: number, number = 1): ActiveLease =>
  activeLease({ lease: number, position, end, rate: null, meanRate: 0 });

describe('the start on a far link', () => {
  const KIB = 1024;

  it('takes 192 KiB off the end of the longest lease, and 64 KiB more for each that is out', () => {
    const first = lease(0, 190 * MIB, 1);
    const taken = (others: ActiveLease[]): Move | null => boost([first, ...others], costs());
    expect(taken([])).deep.equal({
      kind: 'cut',
      lease: 1,
      span: { start: 190 * MIB - 192 * KIB, end: 190 * MIB },
    });
    const longer = lease(190 * MIB, 390 * MIB, 2);
    expect(taken([longer, lease(390 * MIB, 391 * MIB, 3)])).deep.equal({
      kind: 'cut',
      lease: 2,
      span: { start: 390 * MIB - 320 * KIB, end: 390 * MIB },
    });
  });

  it('takes less where round trips are short, and more where they are long, within bounds', () => {
    const taken = (roundTripMs: number): number => {
      const move = boost([lease(0, 200 * MIB)], costs({ roundTripMs })) as { span: Span };
      return (200 * MIB - move.span.start) / KIB;
    };
    expect([10, 27, 40, 80, 160, 200, 900].map(taken)).deep.equal([
      64, 128, 128, 192, 384, 512, 512,
    ]);
  });

  it('gives a connection that is not new 512 KiB at least', () => {
    const move = boost([lease(0, 200 * MIB)], costs({ ownRate: 1 }));
    expect(move).deep.include({ span: { start: 199.5 * MIB, end: 200 * MIB } });
  });

  it('gives a connection what it fetches in four round trips, once it is fast', () => {
    const move = boost([lease(0, 200 * MIB)], costs({ ownRate: 10 * MIB }));
    expect(move).deep.include({ span: { start: 196.75 * MIB, end: 200 * MIB } });
  });

  it('leaves most of the lease, and short ones alone', () => {
    expect(boost([lease(0, 6 * MIB)], costs())).not.equal(null);
    expect(boost([lease(1, 6 * MIB)], costs())).equal(null);
    expect(boost([lease(0, 29 * MIB)], costs({ ownRate: 10 * MIB }))).equal(null);
    expect(boost([], costs())).equal(null);
  });

  /** A file that no connection brings within a second, too short for the leases of a long one. */
  describe('of a file that is over soon', () => {
    const far = (change: Partial<Costs> = {}): Costs => costs({ roundTripMs: 200, ...change });
    const size = (move: Move | null): number =>
      move?.kind === 'cut' ? (move.span.end - move.span.start) / KIB : 0;
    const out = (count: number): ActiveLease[] =>
      Array.from({ length: count - 1 }, (_, i) => lease(40 * MIB + i, 40 * MIB + i + 1, i + 2));

    it('takes 128 KiB at first, for eight connections, while that is little of it', () => {
      const first = lease(0, 14 * MIB);
      const taken = (count: number): number => size(boost([first, ...out(count)], far()));
      expect([1, 2, 7, 8].map(taken)).deep.equal([128, 128, 128, 0]);
      expect(size(boost([lease(0, 13 * MIB), ...out(7)], far({ roundTripMs: 250 })))).equal(128);
      expect(size(boost([lease(0, 6 * MIB), ...out(7)], far({ roundTripMs: 500 })))).equal(0);
    });

    it('then takes what all can end together with, from those that are busy still, too', () => {
      const active = [lease(0, 20 * MIB), ...out(8)];
      const own = far({ ownRate: MIB });
      expect(size(boost(active, own))).equal((20 * KIB) / 10);
      expect(size(boost(active, own, busy))).equal((20 * KIB) / 10);
      expect(farShare(20 * MIB, 8)).equal(2 * MIB);
    });

    it('takes nothing that one connection brings within a second, nor from any but the first', () => {
      expect(boost([lease(0, 11 * MIB)], far())).equal(null);
      expect(boost([lease(0, 30 * MIB, 2)], far({ ownRate: MIB }))).equal(null);
    });
  });

  it('asks nothing of a busy connection while the file is long', () => {
    expect(boost([lease(0, 200 * MIB)], costs({ ownRate: 1 }), busy)).equal(null);
  });

  it('takes nothing that ends anyway, and nothing that costs a seam too much (P5)', () => {
    expect(boost([{ ...lease(0, 200 * MIB), givenUp: true }], costs())).equal(null);
    const left = (splits: number, ownRate: number | null, start = splits): Move | null =>
      boost([lease(0, 200 * MIB)], costs({ ownRate, seams: { splits, start, all: 40 } }));
    expect([left(0, null), left(BOOST_LANES, 1)]).deep.equal([null, null]);
    expect(left(1, null)).not.equal(null);
    expect(left(BOOST_LANES + 1, 1)).not.equal(null);
    expect([left(30, null, 0), left(30, 1, 0)], 'the start has spent its part').deep.equal([
      null,
      null,
    ]);
  });

  it('P1: what it takes lies in the lease, behind what is received', () => {
    fc.assert(
      fc.property(fc.nat(1e12), fc.nat(1e12), fc.option(fc.nat(1e9)), (start, length, ownRate) => {
        const move = boost([lease(start, start + length)], costs({ ownRate }));
        if (move === null || move.kind !== 'cut') return;
        expect(move.span.end).equal(start + length);
        expect(move.span.start).above(start).below(move.span.end);
      }),
    );
  });
});
