/** What an idle connection does, by the stage of the download. */
import { expect } from 'chai';
import { activeLease } from '../../helpers/planning.js';
import { chooseMove, firstShare } from '../../../src/plan/choice.js';
import type { Stage } from '../../../src/plan/choice.js';
import type { ActiveLease, Books, Costs, Move } from '../../../src/plan/moves.js';

const MIB = 1024 * 1024;
const known: Costs = {
  requestMs: 100,
  roundTripMs: 80,
  usualRate: 10 * MIB,
  bestRate: 10 * MIB,
  ownRate: null,
  isWarm: false,
  seams: { splits: 100, start: 100, all: 200 },
  inOrder: false,
  mayDouble: false,
};
const lease = (change: Partial<ActiveLease> = {}): ActiveLease =>
  activeLease({ end: 1000 * MIB, ...change });
const gap = { start: 1000 * MIB, end: 1200 * MIB };
const stage: Stage = { lanes: 4, isBoosting: false, open: 1, isBusy: false };
const full: Books = { gaps: [], missing: 0, active: [lease()] };
const withGap: Books = { gaps: [gap], missing: 200 * MIB, active: [lease()] };
const lengthOf = (move: Move | null): number =>
  move === null || move.kind === 'give-up' ? 0 : (move.span.end - move.span.start) / MIB;

describe('what a connection does', () => {
  it('takes from a gap first, in every stage', () => {
    for (const change of [{}, { isBoosting: true }, { isBusy: true }, { open: null }])
      expect(chooseMove(withGap, { ...stage, ...change }, known)?.kind).equal('take');
  });

  it('takes a short lease off the end while a link is filled, and none behind another one', () => {
    const boosting = { ...stage, isBoosting: true };
    expect(lengthOf(chooseMove(full, boosting, known))).within(0.1, 1);
    expect(chooseMove(full, { ...boosting, isBusy: true }, known)).equal(null);
  });

  it('takes its share off the end of the first lease while that keeps its answer', () => {
    const share = { kind: 'cut', lease: 1, span: { start: 850 * MIB, end: 1000 * MIB } };
    expect(chooseMove(full, stage, known)).deep.equal(share);
    expect(chooseMove(full, { ...stage, isBusy: true }, known)).deep.equal(share);
    const one = { ...full, active: [lease({ end: 18 * MIB })] };
    expect(lengthOf(chooseMove(one, { ...stage, lanes: 8 }, { ...known, usualRate: null }))).equal(
      2,
    );
  });

  it('else cuts where both end together, and never behind another lease', () => {
    const shared = { ...stage, open: null };
    expect(lengthOf(chooseMove(full, shared, known))).within(480, 500);
    expect(chooseMove(full, { ...shared, isBusy: true }, known)).equal(null);
  });

  it('cuts the first lease like any other when little is left of it', () => {
    const little = { ...full, active: [lease({ position: 993 * MIB, rate: MIB })] };
    const own = { ...known, ownRate: 10 * MIB, isWarm: true };
    expect(chooseMove(little, stage, own)?.kind).equal('cut');
    expect(chooseMove(little, { ...stage, isBusy: true }, own)).equal(null);
  });
});

describe('the share of the first lease', () => {
  const costs = { ...known, usualRate: null };

  it('is what it would get out of a gap', () => {
    expect(firstShare({ position: 0, end: 1000 * MIB }, 0, 4, costs)).equal(150 * MIB);
    expect(firstShare({ position: 0, end: 500 * MIB }, 500 * MIB, 4, costs)).equal(150 * MIB);
  });

  it('is all of it where dividing is not worth it, or its share is longer', () => {
    const at = (length: number, missing = 0): number | null =>
      firstShare({ position: 0, end: length }, missing, 4, costs);
    expect([at(8 * MIB - 1), at(8 * MIB)]).deep.equal([null, 4 * MIB]);
    expect(at(100 * MIB, 900 * MIB)).equal(null);
    const dear = { ...costs, seams: { splits: 0, start: 0, all: 9 } };
    expect(firstShare({ position: 0, end: 1000 * MIB }, 0, 4, dear)).equal(null);
  });
});
