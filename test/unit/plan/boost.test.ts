/** Short leases for the start on a far link. */
import { expect } from 'chai';
import { activeLease } from '../../helpers/planning.js';
import * as fc from 'fast-check';
import { BOOST_LANES, boost } from '../../../src/plan/boost.js';
import type { ActiveLease, Costs, Move, Span } from '../../../src/plan/moves.js';

const MIB = 1024 * 1024;
const costs = (change: Partial<Costs> = {}): Costs => ({
  requestMs: 160,
  roundTripMs: 80,
  usualRate: null,
  bestRate: null,
  ownRate: null,
  isWarm: false,
  seams: { splits: 30, all: 40 },
  inOrder: false,
  mayDouble: false,
  ...change,
});
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
    expect(boost([lease(0, 50 * MIB)], costs({ ownRate: 10 * MIB }))).equal(null);
    expect(boost([], costs())).equal(null);
  });

  it('takes nothing that ends anyway, and nothing that costs a seam too much (P5)', () => {
    expect(boost([{ ...lease(0, 200 * MIB), givenUp: true }], costs())).equal(null);
    const left = (splits: number, ownRate: number | null): Move | null =>
      boost([lease(0, 200 * MIB)], costs({ ownRate, seams: { splits, all: 40 } }));
    expect([left(0, null), left(BOOST_LANES, 1)]).deep.equal([null, null]);
    expect(left(1, null)).not.equal(null);
    expect(left(BOOST_LANES + 1, 1)).not.equal(null);
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
