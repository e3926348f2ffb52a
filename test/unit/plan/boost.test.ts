/** Short leases for the start on a far link. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { boost } from '../../../src/plan/boost.js';
import type { ActiveLease, Costs } from '../../../src/plan/grant.js';

const MIB = 1024 * 1024;
const costs = (change: Partial<Costs> = {}): Costs => ({
  requestMs: 160,
  roundTripMs: 80,
  usualRate: null,
  bestRate: null,
  ownRate: null,
  isWarm: false,
  seams: { splits: 10, all: 10 },
  inOrder: false,
  mayDouble: false,
  ...change,
});
const lease = (position: number, end: number, number = 1): ActiveLease => ({
  lease: number,
  position,
  end,
  rate: null,
  meanRate: 0,
  ageMs: 10_000,
  silentMs: 0,
  givenUp: false,
  fixed: false,
});

describe('the start on a far link', () => {
  it('takes 512 KiB off the end of the longest lease', () => {
    const move = boost([lease(0, 20 * MIB, 1), lease(20 * MIB, 190 * MIB, 2)], costs());
    const span = { start: 189.5 * MIB, end: 190 * MIB };
    expect(move).deep.equal({ kind: 'cut', lease: 2, span });
  });

  it('gives a connection what it fetches in four round trips, once it is fast', () => {
    const move = boost([lease(0, 200 * MIB)], costs({ ownRate: 10 * MIB }));
    expect(move).deep.include({ span: { start: 196.5 * MIB, end: 200 * MIB } });
  });

  it('leaves most of the lease, and short ones alone', () => {
    expect(boost([lease(0, 8 * MIB)], costs())).not.equal(null);
    expect(boost([lease(1, 8 * MIB)], costs())).equal(null);
    expect(boost([lease(0, 50 * MIB)], costs({ ownRate: 10 * MIB }))).equal(null);
    expect(boost([], costs())).equal(null);
  });

  it('takes nothing that ends anyway, and nothing that costs a seam too much (P5)', () => {
    expect(boost([{ ...lease(0, 200 * MIB), givenUp: true }], costs())).equal(null);
    expect(boost([lease(0, 200 * MIB)], costs({ seams: { splits: 0, all: 10 } }))).equal(null);
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
