/** Which range an idle connection gets. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { activeLease } from '../../helpers/planning.js';
import { SluiceError } from '../../../src/errors.js';
import {
  MIN_STEAL_BYTES,
  SEAM_FRIENDLY_BYTES,
  grantByCut,
  grantFromEnd,
  grantFromGaps,
  leaseLength,
  nextMove,
  slowTail,
  smallestLease,
  stragglers,
  timeLeftMs,
} from '../../../src/plan/grant.js';
import type { ActiveLease, Costs } from '../../../src/plan/moves.js';

const MIB = 1024 * 1024;
const PLENTY = { splits: 1e6, start: 1e6, all: 1e6 };
const FEW = { splits: 0, start: 0, all: 10 };
const costs = (change: Partial<Costs> = {}): Costs => ({
  requestMs: 50,
  roundTripMs: 10,
  usualRate: 10 * MIB,
  bestRate: null,
  ownRate: null,
  isWarm: false,
  seams: PLENTY,
  inOrder: false,
  mayDouble: false,
  ...change,
});
const active = activeLease;

const anyCosts = fc.record({
  requestMs: fc.integer({ min: 0, max: 2000 }),
  roundTripMs: fc.integer({ min: 0, max: 500 }),
  usualRate: fc.option(fc.integer({ min: 1, max: 1e9 })),
  bestRate: fc.option(fc.integer({ min: 0, max: 1e9 })),
  ownRate: fc.option(fc.integer({ min: 0, max: 1e9 })),
  seams: fc.record({ splits: fc.nat(300), start: fc.nat(300), all: fc.nat(300) }),
  isWarm: fc.boolean(),
  inOrder: fc.boolean(),
  mayDouble: fc.boolean(),
});

describe('grants from gaps', () => {
  it('P1: a grant begins its gap, or ends it, lies in it and is never empty', () => {
    fc.assert(
      fc.property(
        fc.nat(1e12),
        fc.integer({ min: 1, max: 1e12 }),
        fc.integer({ min: 1, max: 64 }),
        anyCosts,
        (start, length, lanes, given) => {
          const gap = { start, end: start + length };
          const span = grantFromGaps([gap], length, lanes, given);
          expect(span.start).least(start);
          expect(span.end).above(span.start).most(gap.end);
          if (span.start !== start) expect([given.inOrder, span.end]).deep.equal([true, gap.end]);
        },
      ),
    );
  });

  it('P1: granting again and again covers the whole, in few enough leases', () => {
    for (const lanes of [1, 4, 16, 64]) {
      const total = 1024 * MIB + 777;
      let at = 0;
      let leases = 0;
      while (at < total) {
        const span = grantFromGaps([{ start: at, end: total }], total - at, lanes, costs());
        at = span.end;
        leases++;
      }
      expect(at).equal(total);
      expect(leases, `${lanes} lanes`).below(350);
    }
  });

  it('P5: leases are no shorter than seams allow while rates are unknown', () => {
    expect(smallestLease(costs({ usualRate: null }))).equal(SEAM_FRIENDLY_BYTES);
    expect(smallestLease(costs({ usualRate: 1 }))).equal(MIN_STEAL_BYTES);
    expect(smallestLease(costs({ usualRate: 1e12 }))).equal(SEAM_FRIENDLY_BYTES);
    expect(smallestLease(costs({ usualRate: 5 * MIB }))).equal(2 * MIB);
  });

  it('a share shrinks with the number of connections, on whole blocks', () => {
    expect(leaseLength(1000 * MIB, 10, costs())).equal(60 * MIB);
    expect(leaseLength(1000 * MIB, 20, costs())).equal(30 * MIB);
    expect(leaseLength(1, 20, costs({ usualRate: null }))).equal(SEAM_FRIENDLY_BYTES);
    const half = costs({ ownRate: 5 * MIB });
    expect(leaseLength(1000 * MIB, 10, half), 'half as fast, half as long').equal(30 * MIB);
    const stuck = costs({ ownRate: 0 });
    expect(leaseLength(1000 * MIB, 10, stuck)).equal(7.5 * MIB);
    const fast = costs({ ownRate: 100 * MIB });
    expect(leaseLength(1000 * MIB, 10, fast), 'at most twice its share').equal(120 * MIB);
    expect(leaseLength(1000 * MIB + 1, 10, costs()) % MIN_STEAL_BYTES).equal(0);
  });

  it('takes the first gap, and all of it when what would be left is not worth a lease', () => {
    const gaps = [
      { start: 5, end: 10 },
      { start: 20, end: 90 * MIB },
    ];
    expect(grantFromGaps(gaps, 90 * MIB, 4, costs())).deep.equal({ start: 5, end: 10 });
    const gap = { start: 0, end: 5 * MIB };
    expect(grantFromGaps([gap], 5 * MIB, 4, costs())).deep.equal(gap);
    const long = { start: 0, end: 100 * MIB };
    expect(grantFromGaps([long], 100 * MIB, 6, costs())).deep.equal({ start: 0, end: 10 * MIB });
  });

  it('no gap, an empty gap or no connection is a defect', () => {
    const gap = { start: 0, end: 5 };
    expect(() => grantFromGaps([], 0, 1, costs())).throw(SluiceError);
    expect(() => grantFromGaps([{ start: 5, end: 5 }], 0, 1, costs())).throw(SluiceError);
    expect(() => grantFromGaps([gap], 5, 0, costs())).throw(SluiceError);
  });
});

describe('grants by cutting', () => {
  it('P1: a cut lies within its lease, and what is cut off is what is granted', () => {
    const lease = fc.record({
      lease: fc.nat(100),
      position: fc.nat(1e9),
      length: fc.integer({ min: 0, max: 1e9 }),
      rate: fc.option(fc.integer({ min: 0, max: 1e9 })),
    });
    fc.assert(
      fc.property(fc.array(lease, { maxLength: 8 }), anyCosts, (list, given) => {
        const leases = list.map(({ length, ...rest }) =>
          active({ ...rest, end: rest.position + length, meanRate: 0 }),
        );
        const grant = grantByCut(leases, given);
        if (grant === null) return;
        const { lease: number, span } = grant;
        const victim = leases.find((each) => each.lease === number && each.end === span.end);
        expect(victim).not.equal(undefined);
        expect(span.start).least((victim?.position ?? 0) + MIN_STEAL_BYTES);
        expect(span.end - span.start).least(MIN_STEAL_BYTES);
      }),
    );
  });

  it('halves a lease between equals, and leaves the slow one less', () => {
    const even = grantByCut([active()], costs({ requestMs: 0 }));
    expect(even?.lease).equal(1);
    expect(even?.span).deep.equal({ start: 50 * MIB, end: 100 * MIB });
    const slow = grantByCut(
      [active({ rate: 10 * MIB })],
      costs({ requestMs: 0, usualRate: 90 * MIB }),
    );
    expect(slow?.span.start).equal(10 * MIB);
  });

  it('takes from the lease that would end last', () => {
    const leases = [active({ lease: 1, rate: 20 * MIB }), active({ lease: 2, rate: MIB })];
    expect(grantByCut(leases, costs())?.lease).equal(2);
    expect(grantByCut([...leases].reverse(), costs())?.lease).equal(2);
  });

  it('a lease that does not move keeps the least that is cut', () => {
    const grant = grantByCut([active({ rate: 0 })], costs());
    expect(grant?.span.start).equal(MIN_STEAL_BYTES);
  });

  it('takes nothing that is not worth a request', () => {
    expect(grantByCut([], costs())).equal(null);
    expect(grantByCut([active({ end: 2 * MIN_STEAL_BYTES - 1 })], costs())).equal(null);
    expect(grantByCut([active({ end: MIB })], costs({ requestMs: 200 }))).equal(null);
    expect(grantByCut([active({ end: 4 * MIB })], costs({ seams: FEW }))).equal(null);
    expect(grantByCut([active({ end: 4 * MIB })], costs())).not.equal(null);
  });
});

describe('the slow', () => {
  it('time left is by the own rate, else by the usual one', () => {
    expect(timeLeftMs(active({ end: 10 * MIB, rate: 5 * MIB }), costs())).equal(2000);
    expect(timeLeftMs(active({ end: 10 * MIB, rate: null }), costs())).equal(1000);
    expect(timeLeftMs(active({ position: 5, end: 5 }), costs())).equal(0);
    expect(timeLeftMs(active({ position: 9, end: 5 }), costs())).equal(0);
    expect(timeLeftMs(active({ rate: 0 }), costs())).equal(Number.MAX_SAFE_INTEGER);
    expect(timeLeftMs(active({ end: 1e6, rate: null }), costs({ usualRate: null }))).equal(1);
  });

  it('a short rest is fetched by another connection when that is far quicker', () => {
    const rest = { position: 0, end: 100_000 };
    expect(slowTail([active({ ...rest, rate: 1 })], costs())).deep.equal({
      kind: 'give-up',
      lease: 1,
    });
    expect(slowTail([active({ ...rest, rate: 0 })], costs())).deep.include({ lease: 1 });
    expect(slowTail([active({ ...rest, rate: 10 * MIB })], costs())).equal(null);
    expect(slowTail([active({ ...rest, rate: null })], costs())).equal(null);
    expect(slowTail([active({ ...rest, rate: 1 })], costs({ usualRate: null }))).equal(null);
    expect(slowTail([active({ position: 5, end: 5, rate: 1 })], costs())).equal(null);
    expect(slowTail([active({ end: 2 * MIN_STEAL_BYTES, rate: 1 })], costs())).equal(null);
    const second = active({ ...rest, lease: 7, rate: 1 });
    expect(slowTail([active({ rate: 10 * MIB }), second], costs())).deep.include({ lease: 7 });
  });

  it('the first copy wins: asked for early where two answers bring the same bytes', () => {
    const rest = active({ position: MIB, end: MIB + 100_000, rate: 1e8 / 200 });
    const sure = costs({ mayDouble: true });
    const span = { start: MIB, end: MIB + 100_000 };
    expect(slowTail([rest], sure)).deep.equal({ kind: 'double', lease: 1, span });
    expect(slowTail([{ ...rest, rate: 1e8 / 160 }], sure)).equal(null);
    expect(slowTail([{ ...rest, fixed: true }], sure)).equal(null);
    expect(slowTail([{ ...rest, givenUp: true }], sure)).equal(null);
    expect(slowTail([rest], { ...sure, seams: FEW }), 'ten are enough').not.equal(null);
    expect(slowTail([rest], { ...sure, seams: { splits: 9, start: 9, all: 1 } })).equal(null);
  });

  it('one with another lease behind it is given up whole when it is hopeless', () => {
    for (const mayDouble of [true, false]) {
      const known = costs({ mayDouble });
      const after = (rate: number | null, change: Partial<ActiveLease> = {}): unknown =>
        slowTail(
          [active({ end: 5 * MIB, rate, silentMs: 1000, fixed: true, followed: true, ...change })],
          known,
        );
      expect(after(0)).deep.equal({ kind: 'give-up', lease: 1 });
      // Half a second, and four times 550 ms: the request and the bytes.
      expect(after((5 * MIB) / 2.71)).deep.equal({ kind: 'give-up', lease: 1 });
      expect(after((5 * MIB) / 2.69)).equal(null);
      expect(after(null)).equal(null);
      expect(after(0, { silentMs: 999 }), 'it may be a pause').equal(null);
      expect(after(1, { silentMs: 0 })).deep.equal({ kind: 'give-up', lease: 1 });
      expect(after(0, { givenUp: true })).equal(null);
      expect(after(0, { position: 5 * MIB })).equal(null);
      expect(after(0, { followed: false }), 'a second copy is under way').equal(null);
    }
  });

  it('a lease that has fallen silent counts as stopped, however fast it was', () => {
    const rest = active({ position: MIB, end: MIB + 100_000, rate: 10 * MIB });
    const move = (silentMs: number): string | undefined =>
      nextMove(
        { gaps: [], missing: 0, active: [{ ...rest, silentMs }] },
        4,
        costs({ mayDouble: true }),
      )?.kind;
    expect(move(350)).equal(undefined);
    expect(move(351)).equal('double');
  });

  it('what is fetched twice is not cut', () => {
    expect(grantByCut([active({ fixed: true })], costs())).equal(null);
  });

  it('stragglers are a fifth as fast as the usual, among three at least', () => {
    const fast = [active({ lease: 1 }), active({ lease: 2 })];
    const slow = active({ lease: 3, rate: 2 * MIB - 1 });
    expect(stragglers([...fast, slow], costs())).deep.equal([3]);
    expect(stragglers([...fast, active({ lease: 3, rate: 2 * MIB })], costs())).deep.equal([]);
    expect(stragglers([...fast, active({ lease: 3, rate: null })], costs())).deep.equal([]);
    for (const [requestMs, fair] of [
      [10, 600],
      [60, 600],
      [70, 700],
      [300, 3000],
      [2000, 3000],
    ] as const) {
      const after = (ageMs: number): number[] =>
        stragglers([...fast, { ...slow, ageMs }], costs({ requestMs }));
      expect(after(fair - 1), 'no share yet').deep.equal([]);
      expect(after(fair)).deep.equal([3]);
    }
    expect(stragglers([active(), slow], costs())).deep.equal([]);
    expect(stragglers([...fast, slow], costs({ usualRate: null }))).deep.equal([]);
    expect(stragglers([...fast, { ...slow, end: MIB }], costs())).deep.equal([]);
  });
});

describe('what a lease is measured by', () => {
  it('a slow connection may have shorter leases; a usual rate of nothing tells nothing', () => {
    expect(smallestLease(costs({ usualRate: 5 * MIB, ownRate: 2.5 * MIB }))).equal(MIB);
    const unknown = costs({ usualRate: 0, ownRate: 5 * MIB });
    expect(leaseLength(1000 * MIB, 10, unknown)).equal(60 * MIB);
  });

  it('in order, a lease is 8 MiB, or what comes in ten round trips, at least in 100 ms', () => {
    const ordered = (usualRate: number | null, roundTripMs: number): number =>
      leaseLength(1000 * MIB, 1, costs({ inOrder: true, usualRate, roundTripMs })) / MIB;
    expect(ordered(null, 10)).equal(8);
    expect(ordered(10 * MIB, 10)).equal(8);
    expect(ordered(200 * MIB, 1)).equal(20);
    expect(ordered(200 * MIB, 50)).equal(100);
    const few = costs({ inOrder: true });
    expect(leaseLength(50 * MIB, 6, few), 'never more than its share').equal(5 * MIB);
  });

  it('a gap is divided when half a smallest lease is left at least', () => {
    const divided = (length: number): number =>
      grantFromGaps([{ start: 0, end: length }], length, 64, costs()).end;
    expect(divided(6 * MIB - 1)).equal(6 * MIB - 1);
    expect(divided(6 * MIB)).equal(4 * MIB);
    expect(divided(7 * MIB)).equal(4 * MIB);
  });

  it('no lease of a divided gap is shorter than the least, wherever the gap starts', () => {
    const span = grantFromGaps([{ start: 5, end: MIB }], MIB, 64, costs({ usualRate: 1 }));
    expect(span).deep.equal({ start: 5, end: 5 + MIN_STEAL_BYTES });
  });
});

describe('what is worth a cut', () => {
  const free = (change: Partial<Costs> = {}): Costs =>
    costs({ requestMs: 0, roundTripMs: 0, ...change });

  it('cuts fall on whole blocks, also right behind the least that is kept', () => {
    const odd = grantByCut([active({ end: 100 * MIB + 12_345 })], free());
    expect((odd?.span.start ?? 1) % MIN_STEAL_BYTES).equal(0);
    expect(grantByCut([active({ rate: 10_000 })], free())?.span.start).equal(MIN_STEAL_BYTES);
  });

  it('of those that are worth a cut, the one that would end last', () => {
    const sooner = active({ lease: 1 });
    const later = active({ lease: 2, end: 150 * MIB });
    const tail = active({ lease: 3, end: 1000, rate: 1 });
    for (const leases of [
      [sooner, later, tail],
      [tail, later, sooner],
    ]) {
      expect(grantByCut(leases, free())?.lease).equal(2);
    }
  });

  it('what is left must make two leases of the least size', () => {
    const at = 100 * MIB;
    const rest = (length: number): ActiveLease =>
      active({ position: at, end: at + length, rate: 1 });
    expect(grantByCut([rest(2 * MIN_STEAL_BYTES - 1)], free())).equal(null);
    const end = at + MIN_STEAL_BYTES;
    expect(grantByCut([rest(2 * MIN_STEAL_BYTES)], free())?.span.start).equal(end);
  });

  it('never cuts off less than the least, however fast the lease is', () => {
    const length = 2 * MIN_STEAL_BYTES + 4096;
    const lease = active({ position: 5000, end: 5000 + length, rate: 11 * MIB });
    const span = grantByCut([lease], free())?.span;
    expect(span).deep.equal({ start: 5000 + length - MIN_STEAL_BYTES, end: 5000 + length });
  });

  it('P5: a seam is not spent on little that is soon done', () => {
    const dear = free({ seams: FEW });
    const least = 2 * SEAM_FRIENDLY_BYTES;
    const others = [2, 3, 4, 5].map((lease) => active({ lease, end: 1000 }));
    const cut = (lease: Partial<ActiveLease>): number | undefined =>
      grantByCut([active(lease), ...others], dear)?.lease;
    expect(cut({ end: least - 1 })).equal(undefined);
    expect(cut({ end: least })).equal(1);
    expect(cut({ end: 4 * MIB, rate: MIB })).equal(1);
  });

  it('P5: seams are kept for the end, when all wait for few', () => {
    const others = [2, 3, 4].map((lease) => active({ lease, end: 1000 }));
    const lease = active({ end: 6 * MIB });
    const cut = (all: number, count: number, end = lease.end): number | undefined => {
      const few = [{ ...lease, end }, ...others.slice(0, count)];
      const more = [active({ lease: 9, end: 500 }), active({ lease: 8, givenUp: true, end: 500 })];
      const leases = count > 3 ? [...few, ...more] : few;
      return grantByCut(leases, free({ seams: { splits: 0, start: 0, all } }))?.lease;
    };
    expect([cut(3, 3), cut(2, 3)], 'four are out').deep.equal([1, undefined]);
    expect([cut(5, 4, 16 * MIB), cut(4, 4, 16 * MIB)], 'five').deep.equal([1, undefined]);
    expect(cut(9, 3, 5 * MIB - 1), 'soon done').equal(undefined);
  });

  it('the thief must be done well before the victim would be', () => {
    expect(grantByCut([active({ rate: 20 * MIB })], free()), 'by its rate').equal(null);
    const lease = active({ end: 2 * MIB, rate: 4 * MIB });
    expect(grantByCut([lease], free())).not.equal(null);
    expect(grantByCut([lease], free({ roundTripMs: 80 })), 'slow start').equal(null);
    expect(grantByCut([lease], free({ roundTripMs: 80, isWarm: true }))).not.equal(null);
    expect(grantByCut([lease], free({ requestMs: 250 })), 'the request').equal(null);
  });

  it('far away, who began late may catch up: only a connection that is warm cuts its lease', () => {
    const far = (change: Partial<Costs> = {}): Costs =>
      free({ requestMs: 160, roundTripMs: 80, usualRate: 2 * MIB, ...change });
    const late = active({ end: 2 * MIB, rate: MIB / 2, ageMs: 1500 });
    expect(grantByCut([late], far())).equal(null);
    expect(grantByCut([late], far({ isWarm: true }))).not.equal(null);
    expect(grantByCut([{ ...late, ageMs: 1600 }], far()), 'it had its time').not.equal(null);
    expect(grantByCut([{ ...late, silentMs: 681 }], far()), 'it has stopped').not.equal(null);
    expect(grantByCut([late], far({ requestMs: 10, roundTripMs: 9 })), 'nearby').not.equal(null);
    const fast = { ...late, end: 8 * MIB };
    expect(grantByCut([fast], far()), 'the usual rate is no help').not.equal(null);
    expect(grantByCut([fast], far({ ownRate: 20 * MIB })), 'this one was faster').equal(null);
  });

  it('nothing is cut while nothing moves at all', () => {
    expect(grantByCut([active({ rate: 0 })], free({ usualRate: 0 }))).equal(null);
  });
});

describe('who is slow', () => {
  it('nothing left takes no time, at any rate', () => {
    expect(timeLeftMs(active({ position: 5, end: 5, rate: 0 }), costs())).equal(0);
  });

  it('a tail is slow beyond half a second and four times what fetching it again takes', () => {
    const tail = (ms: number): ActiveLease =>
      active({ position: MIB, end: MIB + 100_000, rate: 100_000_000 / ms });
    // Again: 50 ms for the request, 9.5 ms for the bytes.
    expect(slowTail([tail(720)], costs())).equal(null);
    expect(slowTail([tail(760)], costs())?.kind).equal('give-up');
  });

  it('a straggler has more than a second and two requests to go', () => {
    const slow = (ms: number): ActiveLease[] => [
      active({ lease: 1 }),
      active({ lease: 2 }),
      active({ lease: 3, end: (MIB * ms) / 1000, rate: MIB }),
    ];
    expect(stragglers(slow(1050), costs())).deep.equal([]);
    expect(stragglers(slow(1150), costs())).deep.equal([3]);
  });
});

describe('leases off the end of the first one', () => {
  const open = (change: Partial<ActiveLease> = {}): ActiveLease =>
    active({ end: 1000 * MIB, ...change });

  it('are as long as they would be out of a gap, and at most half of what is left', () => {
    const span = (lanes: number, given = costs({ ownRate: 10 * MIB })): unknown =>
      grantFromEnd(open(), lanes, lanes, given)?.span;
    expect(span(16)).deep.equal({ start: 962.5 * MIB, end: 1000 * MIB });
    expect(span(1)).deep.equal({ start: 500 * MIB, end: 1000 * MIB });
    expect(
      span(4, costs({ ownRate: 10 * MIB, seams: { splits: 1, start: 1, all: 9 } })),
    ).deep.equal({
      start: 500 * MIB,
      end: 1000 * MIB,
    });
  });

  it('are not made of little, of what has to stay, or for a seam too many (P5)', () => {
    const left = (bytes: number): unknown =>
      grantFromEnd(open({ position: 1000 * MIB - bytes }), 4, 4, costs({ ownRate: 10 * MIB }));
    expect(left(8 * MIB - 2)).equal(null);
    expect(left(8 * MIB)).not.equal(null);
    expect(grantFromEnd(open({ fixed: true }), 4, 1, costs())).equal(null);
    expect(grantFromEnd(open({ givenUp: true }), 4, 1, costs())).equal(null);
    expect(grantFromEnd(open(), 4, 1, costs({ seams: { splits: 0, start: 0, all: 9 } }))).equal(
      null,
    );
  });

  it('give every connection that is new a share of a file that is short, and the first one two', () => {
    const of = (bytes: number, out: number, given = costs({ usualRate: null })): number => {
      const cut = grantFromEnd(active({ end: bytes }), 8, out, given);
      return cut === null ? 0 : cut.span.end - cut.span.start;
    };
    expect(of(18 * MIB, 1)).equal(2 * MIB);
    expect(of(16 * MIB, 2)).equal(2 * MIB);
    expect(of(6 * MIB, 7)).equal(2 * MIB);
    expect(of(1000 * MIB, 1), 'a long one is not short').equal(75 * MIB);
    expect(of(2 * MIB, 1), 'nothing is worth so little').equal(0);
    const late = costs({ usualRate: MIB, requestMs: 160, roundTripMs: 80 });
    const rest = (rate: number): unknown =>
      grantFromEnd(active({ end: 18 * MIB, rate }), 8, 1, late);
    expect(rest(20 * MIB), 'it is there as soon without').equal(null);
    expect(rest(5 * MIB)).not.equal(null);
    const long = active({ end: 64 * MIB, rate: 36 * MIB });
    expect(grantFromEnd(long, 8, 1, late), 'it lasts longer than slow start').not.equal(null);
    const two = costs({ usualRate: null, seams: { splits: 2, start: 2, all: 9 } });
    expect(of(18 * MIB, 1, two), 'no more than seams last for').equal(6 * MIB);
  });

  it('P1: leave something to the first one, and end where it ended', () => {
    fc.assert(
      fc.property(
        fc.nat(1e10),
        fc.nat(1e10),
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 80 }),
        anyCosts,
        (position, length, lanes, out, given) => {
          const end = position + length;
          const span = grantFromEnd(open({ position, end }), lanes, out, given)?.span;
          if (span === undefined) return;
          expect(span.end).equal(end);
          expect(span.start)
            .least(position + MIN_STEAL_BYTES)
            .below(end);
        },
      ),
    );
  });
});
