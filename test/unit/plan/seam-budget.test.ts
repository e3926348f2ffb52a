/** What seams may cost: the planner is driven through downloads of unlike connections, without a network. */
import { expect } from 'chai';
import { activeLease } from '../../helpers/planning.js';
import * as fc from 'fast-check';
import { ExtentSet } from '../../../src/plan/extents.js';
import { nextMove, stragglers } from '../../../src/plan/grant.js';
import type { ActiveLease, Costs } from '../../../src/plan/moves.js';
import { Ledger } from '../../../src/plan/ledger.js';
import { RESCUE_SEAMS, SEAM_BYTES, seamBudget, seamsLeft } from '../../../src/plan/seam-budget.js';
import { fastest, median } from '../../../src/plan/meter.js';
import { Dice } from '../../helpers/dice.js';

const MIB = 1024 * 1024;
const TICK_S = 0.05;

/** A connection of the model: its rate changes, and its lease may break. */
interface ModelLane {
  lease: number | null;
  position: number;
  ageS: number;
  rate: number;
  /** Bytes per second that are seen of it; null when its lease is too young. */
  seen: number | null;
}

interface Model {
  total: number;
  lanes: number;
  seed: number;
  /** Bytes per second of a usual connection. */
  rate: number;
  /** How much rates are apart: 1 is not at all. */
  spread: number;
  /** Leases that break in a thousand ticks. */
  breaks: number;
  /** What an earlier run left. */
  kept?: ExtentSet;
}

/** Plays one download to its end; what it cost. */
class Play {
  readonly ledger: Ledger;
  private readonly dice: Dice;
  private readonly lanes: ModelLane[];
  /** Where whole samples are held. */
  private readonly samples = new Set<number>();
  private next = 1;
  breaks = 0;
  ticks = 0;

  constructor(private readonly model: Model) {
    this.dice = new Dice(model.seed);
    this.ledger = new Ledger(model.total, model.kept ?? new ExtentSet());
    this.lanes = Array.from({ length: model.lanes }, () => this.idle());
    this.lanes.forEach((lane) => this.reroll(lane));
  }

  private idle(): ModelLane {
    return { lease: null, position: 0, ageS: 0, rate: 0, seen: null };
  }

  private reroll(lane: ModelLane): void {
    const { rate, spread } = this.model;
    lane.rate = rate * spread ** (2 * this.dice.next() - 1);
    if (this.dice.next() < 0.01) lane.rate /= 100;
  }

  run(): this {
    while (!this.ledger.isComplete) {
      this.move();
      this.hand();
      if (++this.ticks > 1e6) throw new Error('the download does not end');
    }
    return this;
  }

  /** Every connection receives for a tick; leases end, break or are found to be given up. */
  private move(): void {
    for (const lane of this.lanes) {
      if (this.dice.next() < 0.01 * Math.log10(this.model.spread + 1)) this.reroll(lane);
      const booked = lane.lease === null ? undefined : this.ledger.lease(lane.lease);
      if (booked === undefined) continue;
      lane.ageS += TICK_S;
      lane.position = Math.min(booked.end, lane.position + Math.ceil(lane.rate * TICK_S));
      if (lane.ageS > 0.6) lane.seen = lane.rate;
      const broken = this.dice.next() * 1000 < this.model.breaks;
      if (lane.position >= booked.end) this.samples.add(booked.end);
      else if (broken) this.breaks++;
      else if (!booked.givenUp) continue;
      this.ledger.close(booked.lease, lane.position);
      lane.lease = null;
    }
  }

  private costs(lane: ModelLane | null): Costs {
    const { total, lanes } = this.model;
    const rates = this.lanes.flatMap(({ seen }) => (seen === null ? [] : [seen]));
    const { seamBytes: spent, owedSeamBytes: owed } = this.ledger;
    return {
      requestMs: 20,
      roundTripMs: 10,
      usualRate: median(rates),
      bestRate: fastest(rates),
      ownRate: lane?.seen ?? null,
      isWarm: false,
      seams: seamsLeft({ total, spent, owed }, lanes),
      inOrder: this.model.seed % 3 === 0,
      mayDouble: false,
    };
  }

  private active(): ActiveLease[] {
    return this.lanes.flatMap(({ lease, position, ageS, seen, rate: now }) => {
      const booked = lease === null ? undefined : this.ledger.lease(lease);
      if (booked === undefined) return [];
      const rate = ageS > 0.6 ? seen : null;
      const { end, givenUp, doubled } = booked;
      return [
        activeLease({
          lease: booked.lease,
          position,
          end,
          rate,
          meanRate: now,
          ageMs: ageS * 1000,
          givenUp,
          fixed: doubled,
        }),
      ];
    });
  }

  /** Does what the crew does in a tick. */
  private hand(): void {
    const { ledger } = this;
    for (const lease of stragglers(this.active(), this.costs(null))) this.giveUp(lease);
    for (const lane of this.lanes) {
      if (lane.lease !== null) continue;
      const books = {
        gaps: ledger.gaps(),
        missing: ledger.missing.total(),
        active: this.active(),
      };
      const move = nextMove(books, this.lanes.length, this.costs(lane));
      if (move === null) return;
      if (move.kind === 'give-up') return this.giveUp(move.lease);
      if (move.kind === 'cut') ledger.cut(move.lease, move.span.start);
      const { start } = move.span;
      const tied = ledger.isReachedAt(start) || this.samples.has(start);
      const known = !tied && start > 0 && ledger.written.has(start - 1, start);
      ledger.open(this.next, 0, move.span, known ? SEAM_BYTES : 0);
      Object.assign(lane, { lease: this.next++, position: start, ageS: 0 });
    }
  }

  private giveUp(lease: number): void {
    this.ledger.giveUp(lease);
  }
}

const anyModel = fc.record({
  total: fc.integer({ min: 64 * MIB, max: 600 * MIB }),
  lanes: fc.integer({ min: 1, max: 64 }),
  seed: fc.nat(),
  rate: fc.integer({ min: 100_000, max: 50_000_000 }),
  spread: fc.integer({ min: 1, max: 20 }),
});

/** The last lease, given up, is cut: once spent 111 seams of 110. */
const GIVEN_UP_AND_CUT = { total: 450_560_000, lanes: 64, seed: 8, rate: 100_000, spread: 2 };

describe('the budget of seams', () => {
  it('P5: from 64 MiB on never more than 0.1 %, whatever the connections yield', () => {
    fc.assert(
      fc.property(anyModel, (model) => {
        const { ledger } = new Play({ ...model, breaks: 0 }).run();
        expect(ledger.seamBytes).most(model.total * 0.001);
      }),
      {
        numRuns: 60,
        examples: [
          [GIVEN_UP_AND_CUT],
          [{ total: 122_880_000, lanes: 64, seed: 5, rate: 120_410, spread: 4 }],
        ],
      },
    );
  });

  it('P5: leases that break cost their own seams and no others', () => {
    fc.assert(
      fc.property(anyModel, fc.integer({ min: 1, max: 30 }), (model, breaks) => {
        const play = new Play({ ...model, breaks }).run();
        const own = play.breaks * RESCUE_SEAMS * SEAM_BYTES;
        expect(play.ledger.seamBytes).most(model.total * 0.001 + own);
      }),
      { numRuns: 40 },
    );
  });

  it('P5: gaps that an earlier run left are paid, and nothing beside them that is too much', () => {
    fc.assert(
      fc.property(anyModel, fc.array(fc.nat(599 * MIB), { maxLength: 60 }), (model, holes) => {
        const kept = new ExtentSet([{ start: 0, end: model.total }]);
        for (const at of holes)
          kept.remove(at % model.total, Math.min(model.total, (at % model.total) + MIB));
        const least = new Ledger(model.total, kept).owedSeamBytes;
        const { ledger } = new Play({ ...model, breaks: 0, kept }).run();
        expect(ledger.seamBytes).most(Math.max(least, model.total * 0.001));
      }),
      { numRuns: 40 },
    );
  });

  it('P5: a small file costs at most 16 seams, or four a connection', () => {
    fc.assert(
      fc.property(anyModel, fc.integer({ min: 1, max: 64 * MIB - 1 }), (model, total) => {
        const { ledger } = new Play({ ...model, total, breaks: 0 }).run();
        const most = Math.max(16, 4 * model.lanes) * SEAM_BYTES;
        expect(ledger.seamBytes).most(Math.max(most, total * 0.001));
      }),
      { numRuns: 40 },
    );
  });

  it('P5: nothing is cut or given up for a seam too many; the last are for the far too slow', () => {
    const lease = activeLease({ rate: 1e6, meanRate: 0 });
    const fast = { ...lease, lease: 2, end: 1000, rate: 1e7 };
    const tail = { ...lease, end: 100_000, rate: 1000 };
    const move = (active: ActiveLease[], all: number): string | null => {
      const seams = { splits: 0, start: 0, all };
      const known = {
        requestMs: 0,
        roundTripMs: 0,
        usualRate: 4e6,
        bestRate: null,
        ownRate: null,
        isWarm: false,
        seams,
      };
      const costs = { ...known, inOrder: false, mayDouble: false };
      return nextMove({ gaps: [], missing: 0, active }, 2, costs)?.kind ?? null;
    };
    expect(move([lease, fast], 3)).equal('cut');
    expect(move([lease, fast], 2)).equal(null);
    expect(move([{ ...lease, rate: 1e5 }, fast], 1), 'a straggler').equal('cut');
    expect(move([{ ...lease, rate: 1e5 }, fast], 0)).equal(null);
    expect(move([{ ...lease, rate: 1e5, givenUp: true }, fast], 2), 'at a new end').equal('cut');
    expect(move([{ ...lease, rate: 1e5, givenUp: true }, fast], 1)).equal(null);
    expect(move([tail, fast], 2)).equal('give-up');
    expect(move([tail, fast], 1)).equal(null);
    expect(move([{ ...tail, givenUp: true }, fast], 2), 'once').equal(null);
    expect(move([{ ...lease, givenUp: true }, fast], 3), 'its thread may be stuck').equal('cut');
  });

  it('P5: no more slow connections are replaced at once than can be paid', () => {
    const active = [1, 2, 3, 4].map((lease) =>
      activeLease({
        lease,
        rate: lease === 4 ? 1e7 : 1e4,
        meanRate: 0,
        givenUp: lease === 1,
      }),
    );
    const replaced = (all: number): number[] =>
      stragglers(active, {
        requestMs: 0,
        roundTripMs: 0,
        usualRate: 1e7,
        bestRate: null,
        ownRate: null,
        isWarm: false,
        seams: { splits: 0, start: 0, all },
        inOrder: false,
        mayDouble: false,
      });
    expect(replaced(5)).deep.equal([2, 3]);
    expect(replaced(3)).deep.equal([2]);
    expect(replaced(1)).deep.equal([]);
  });

  it('P5: the books count what is asked for beside leases, once', () => {
    const ledger = new Ledger(MIB, new ExtentSet([{ start: 0, end: 1000 }]));
    expect(ledger.owedSeamBytes, 'before the gap').equal(SEAM_BYTES);
    ledger.open(1, 0, { start: 1000, end: MIB }, 1000);
    expect([ledger.seamBytes, ledger.owedSeamBytes]).deep.equal([1000, 0]);
    ledger.cut(1, 600_000);
    expect(ledger.seamBytes, 'behind the new end').equal(1000 + SEAM_BYTES);
    expect(ledger.owedSeamBytes, 'what was cut off ends the file').equal(0);
    ledger.cut(1, 500_000);
    expect(ledger.seamBytes, 'the sample has moved').equal(1000 + SEAM_BYTES);
    expect(ledger.isReachedAt(500_000)).equal(true);
    expect(ledger.isReachedAt(600_000)).equal(false);
    ledger.giveUp(1);
    expect(ledger.owedSeamBytes, 'before and behind what it leaves').equal(2 * SEAM_BYTES);
    ledger.close(1, 2000);
    expect(ledger.owedSeamBytes, 'one gap again').equal(SEAM_BYTES);
    ledger.open(2, 0, { start: 2000, end: MIB - 10 });
    expect(ledger.seamBytes, 'not beyond the end of the file').equal(1000 + SEAM_BYTES + 10);
    expect(() => ledger.giveUp(1)).throw('giving up lease 1');
  });

  it('the budget is 0.1 %, and what connections need in a small file', () => {
    expect(seamBudget(64 * MIB, 64)).equal(64 * MIB * 0.001);
    expect(seamBudget(64 * MIB - 1, 64)).equal(256 * SEAM_BYTES);
    expect(seamBudget(10 * MIB, 4)).equal(16 * SEAM_BYTES);
    expect(seamBudget(63 * MIB, 1)).equal(63 * MIB * 0.001);
  });

  it('dividing leaves a third for those who turn out slow; what is owed counts as spent', () => {
    const total = 1000 * SEAM_BYTES * 100;
    expect(seamsLeft({ total, spent: 0, owed: 0 }, 4)).deep.equal({
      splits: 65,
      start: 21,
      all: 100,
    });
    const each = seamsLeft({ total: total / 5, spent: 0, owed: 0 }, 15);
    expect(each, 'one lease for each connection').deep.equal({ splits: 14, start: 4, all: 20 });
    const most = seamsLeft({ total: total / 5, spent: 0, owed: 0 }, 64);
    expect(most, 'but never all').deep.equal({ splits: 16, start: 5, all: 20 });
    const small = seamsLeft({ total: 24 * MIB, spent: 0, owed: 0 }, 6);
    expect(small, 'of a small file, too').deep.equal({ splits: 15, start: 5, all: 24 });
    const used = { total, spent: 50 * SEAM_BYTES, owed: 30 * SEAM_BYTES + 1 };
    expect(seamsLeft(used, 4)).deep.equal({ splits: 0, start: 0, all: 19 });
    expect(seamsLeft({ ...used, spent: total }, 4)).deep.equal({ splits: 0, start: 0, all: 0 });
  });
});
