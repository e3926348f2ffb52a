/** Which range an idle connection gets. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import {
  MIN_STEAL_BYTES,
  SEAM_FRIENDLY_BYTES,
  grantByCut,
  grantFromGaps,
  leaseLength,
  slowTail,
  smallestLease,
  stragglers,
  timeLeftMs,
} from '../../../src/plan/grant.js';
import type { ActiveLease, Costs } from '../../../src/plan/grant.js';

const MIB = 1024 * 1024;
const costs = (change: Partial<Costs> = {}): Costs => ({
  requestMs: 50,
  roundTripMs: 10,
  usualRate: 10 * MIB,
  ownRate: null,
  seamAllowed: true,
  inOrder: false,
  ...change,
});
const active = (change: Partial<ActiveLease> = {}): ActiveLease => ({
  lease: 1,
  position: 0,
  end: 100 * MIB,
  rate: 10 * MIB,
  ...change,
});

const anyCosts = fc.record({
  requestMs: fc.integer({ min: 0, max: 2000 }),
  roundTripMs: fc.integer({ min: 0, max: 500 }),
  usualRate: fc.option(fc.integer({ min: 1, max: 1e9 })),
  ownRate: fc.option(fc.integer({ min: 0, max: 1e9 })),
  seamAllowed: fc.boolean(),
  inOrder: fc.boolean(),
});

describe('grants from gaps', () => {
  it('P1: a grant begins its gap, lies in it and is never empty', () => {
    fc.assert(
      fc.property(
        fc.nat(1e12),
        fc.integer({ min: 1, max: 1e12 }),
        fc.integer({ min: 1, max: 64 }),
        anyCosts,
        (start, length, lanes, given) => {
          const gap = { start, end: start + length };
          const span = grantFromGaps([gap], length, lanes, given);
          expect(span.start).equal(start);
          expect(span.end).above(start).most(gap.end);
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
    expect(smallestLease(costs({ seamAllowed: false }))).equal(SEAM_FRIENDLY_BYTES);
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
        const leases = list.map(({ length, ...rest }) => ({
          ...rest,
          end: rest.position + length,
        }));
        const grant = grantByCut(leases, given);
        if (grant === null) return;
        const { cut, span } = grant;
        const victim = leases.find(
          ({ lease: number, end }) => number === cut?.lease && end === span.end,
        );
        expect(victim).not.equal(undefined);
        expect(span.start).equal(cut?.end);
        expect(span.start).least((victim?.position ?? 0) + MIN_STEAL_BYTES);
        expect(span.end - span.start).least(MIN_STEAL_BYTES);
      }),
    );
  });

  it('halves a lease between equals, and leaves the slow one less', () => {
    const even = grantByCut([active()], costs({ requestMs: 0 }));
    expect(even?.cut).deep.equal({ lease: 1, end: 50 * MIB });
    expect(even?.span).deep.equal({ start: 50 * MIB, end: 100 * MIB });
    const slow = grantByCut(
      [active({ rate: 10 * MIB })],
      costs({ requestMs: 0, usualRate: 90 * MIB }),
    );
    expect(slow?.cut?.end).equal(10 * MIB);
  });

  it('takes from the lease that would end last', () => {
    const leases = [active({ lease: 1, rate: 20 * MIB }), active({ lease: 2, rate: MIB })];
    expect(grantByCut(leases, costs())?.cut?.lease).equal(2);
    expect(grantByCut([...leases].reverse(), costs())?.cut?.lease).equal(2);
  });

  it('a lease that does not move keeps the least that is cut', () => {
    const grant = grantByCut([active({ rate: 0 })], costs());
    expect(grant?.cut?.end).equal(MIN_STEAL_BYTES);
  });

  it('takes nothing that is not worth a request', () => {
    expect(grantByCut([], costs())).equal(null);
    expect(grantByCut([active({ end: 2 * MIN_STEAL_BYTES - 1 })], costs())).equal(null);
    expect(grantByCut([active({ end: MIB })], costs({ requestMs: 200 }))).equal(null);
    expect(grantByCut([active({ end: 4 * MIB })], costs({ seamAllowed: false }))).equal(null);
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
    expect(slowTail([active({ ...rest, rate: 1 })], costs())).equal(1);
    expect(slowTail([active({ ...rest, rate: 0 })], costs())).equal(1);
    expect(slowTail([active({ ...rest, rate: 10 * MIB })], costs())).equal(null);
    expect(slowTail([active({ ...rest, rate: null })], costs())).equal(null);
    expect(slowTail([active({ ...rest, rate: 1 })], costs({ usualRate: null }))).equal(null);
    expect(slowTail([active({ position: 5, end: 5, rate: 1 })], costs())).equal(null);
    expect(slowTail([active({ end: 2 * MIN_STEAL_BYTES, rate: 1 })], costs())).equal(null);
    const second = active({ ...rest, lease: 7, rate: 1 });
    expect(slowTail([active({ rate: 10 * MIB }), second], costs())).equal(7);
  });

  it('stragglers are a fifth as fast as the usual, among three at least', () => {
    const fast = [active({ lease: 1 }), active({ lease: 2 })];
    const slow = active({ lease: 3, rate: 2 * MIB - 1 });
    expect(stragglers([...fast, slow], costs())).deep.equal([3]);
    expect(stragglers([...fast, active({ lease: 3, rate: 2 * MIB })], costs())).deep.equal([]);
    expect(stragglers([...fast, active({ lease: 3, rate: null })], costs())).deep.equal([]);
    expect(stragglers([active(), slow], costs())).deep.equal([]);
    expect(stragglers([...fast, slow], costs({ usualRate: null }))).deep.equal([]);
    expect(stragglers([...fast, { ...slow, end: MIB }], costs())).deep.equal([]);
  });
});
