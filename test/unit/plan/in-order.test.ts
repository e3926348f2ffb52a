/** What is different while a hash follows the contiguous front. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { activeLease } from '../../helpers/planning.js';
import { nextMove } from '../../../src/plan/grant.js';
import type { ActiveLease, Costs, Move } from '../../../src/plan/moves.js';
import { cutFront, isHindrance } from '../../../src/plan/in-order.js';

const MIB = 1024 * 1024;
const KIB = 1024;
const costs = (change: Partial<Costs> = {}): Costs => ({
  requestMs: 10,
  roundTripMs: 1,
  usualRate: 10 * MIB,
  bestRate: 400 * MIB,
  ownRate: 400 * MIB,
  isWarm: true,
  seams: { splits: 100, start: 100, all: 100 },
  inOrder: true,
  mayDouble: false,
  ...change,
});
const lease = (change: Partial<ActiveLease> = {}): ActiveLease =>
  activeLease({ end: 8 * MIB, rate: null, ageMs: 50, ...change });
const gap = { start: 64 * MIB, end: 512 * MIB };
const move = (active: ActiveLease[], given: Costs, gaps = [gap]): Move | null =>
  nextMove({ gaps, missing: 448 * MIB, active }, 8, given);

describe('while a hash follows', () => {
  it('the first of the leases that hold it up is cut for a fast connection, before a gap is begun', () => {
    const active = [lease({ lease: 3, position: 9 * MIB + 1, end: 16 * MIB }), lease({ lease: 2 })];
    const span = { start: 128 * KIB, end: 8 * MIB };
    expect(move(active, costs())).deep.equal({ kind: 'cut', lease: 2, span });
    expect(move(active.slice(0, 1), costs())).deep.equal({
      kind: 'cut',
      lease: 3,
      span: { start: 9 * MIB + 128 * KIB, end: 16 * MIB },
    });
  });

  it('nobody is cut without a hash, and the gap goes on from its start', () => {
    expect(move([lease()], costs({ inOrder: false }))).deep.include({ kind: 'take' });
    expect(move([lease()], costs({ inOrder: false }))?.kind).equal('take');
  });

  it('only a connection whose rate is known, and seams beyond those for rescues, cut the front', () => {
    expect(cutFront([lease()], gap.start, costs({ ownRate: null }))).equal(null);
    expect(cutFront([lease()], gap.start, costs({ seams: { splits: 0, start: 0, all: 2 } }))).equal(
      null,
    );
    expect(
      cutFront([lease()], gap.start, costs({ seams: { splits: 0, start: 0, all: 3 } })),
    ).not.equal(null);
  });

  it('a lease is in the way when another connection would need less than a quarter of its time', () => {
    const left = { requestMs: 0, ownRate: 40 * MIB };
    expect(cutFront([lease({ meanRate: 10 * MIB - 1 })], gap.start, costs(left))).not.equal(null);
    expect(cutFront([lease({ meanRate: 10 * MIB })], gap.start, costs(left))).equal(null);
    expect(cutFront([lease({ meanRate: 0 })], gap.start, costs(left))).not.equal(null);
  });

  it('the young, the short, the fixed, the given up and what lies behind the gap are left alone', () => {
    for (const change of [
      { ageMs: 39 },
      { end: 256 * KIB - 1 },
      { fixed: true },
      { givenUp: true },
      { position: gap.start, end: gap.start + 8 * MIB },
    ])
      expect(cutFront([lease(change)], gap.start, costs()), JSON.stringify(change)).equal(null);
    for (const change of [{ ageMs: 40 }, { end: 256 * KIB, meanRate: 1 }])
      expect(cutFront([lease(change)], gap.start, costs())?.lease).equal(1);
    const quick = costs({ requestMs: 1 });
    expect(cutFront([lease({ ageMs: 19 })], gap.start, quick)).equal(null);
    expect(cutFront([lease({ ageMs: 20 })], gap.start, quick)?.lease).equal(1);
  });

  it('a connection far slower than the fastest works from the end of the last gap', () => {
    const slow = costs({ ownRate: 10 * MIB });
    const gaps = [gap, { start: 600 * MIB, end: 700 * MIB }];
    expect(move([], slow, gaps)).deep.equal({
      kind: 'take',
      span: { start: 692 * MIB, end: 700 * MIB },
    });
    expect(move([], costs(), gaps)).deep.include({
      span: { start: 64 * MIB, end: 72 * MIB },
    });
  });

  it('a hindrance is four times slower than the fastest', () => {
    expect(isHindrance(costs({ ownRate: 100 * MIB }))).equal(false);
    expect(isHindrance(costs({ ownRate: 100 * MIB - 1 }))).equal(true);
    expect(isHindrance(costs({ ownRate: 1, inOrder: false }))).equal(false);
    expect(isHindrance(costs({ ownRate: null }))).equal(false);
    expect(isHindrance(costs({ ownRate: 1, bestRate: null }))).equal(false);
  });

  it('P1: what is taken lies in a gap, whoever asks', () => {
    fc.assert(
      fc.property(
        fc.nat(1e9),
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 1, max: 4e8 }),
        (start, length, ownRate) => {
          const only = { start, end: start + length };
          const books = { gaps: [only], missing: length, active: [] };
          const { span } = nextMove(books, 8, costs({ ownRate })) as Extract<
            Move,
            { kind: 'take' }
          >;
          expect(span.start).least(start).and.below(span.end);
          expect(span.end).most(only.end);
          if (isHindrance(costs({ ownRate }))) expect(span.end).equal(only.end);
          else expect(span.start).equal(start);
        },
      ),
    );
  });
});
