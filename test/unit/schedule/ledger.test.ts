/** The books: written, leased and missing always make up the whole. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import { ExtentSet } from '../../../src/schedule/extents.js';
import { Ledger } from '../../../src/schedule/ledger.js';
import type { BookedLease } from '../../../src/schedule/ledger.js';

/** Every byte is written, out or missing, and in only one of these; writing beyond a cut apart. */
function checkWhole(ledger: Ledger): void {
  const leases = [...ledger.leases].reduce((sum, { start, end }) => sum + end - start, 0);
  expect(ledger.written.total() + leases + ledger.missing.total()).equal(ledger.total);
  const all = new ExtentSet(ledger.written.toArray());
  for (const { start, end } of ledger.missing.toArray()) all.add(start, end);
  for (const { start, end } of ledger.leases) all.add(start, end);
  expect(all.total()).equal(ledger.total);
}

describe('the ledger', () => {
  it('P1: the books balance through random histories', () => {
    const step = fc.tuple(fc.nat(5), fc.nat(1000), fc.nat(1000));
    fc.assert(
      fc.property(fc.nat(500), fc.array(step, { maxLength: 60 }), (size, steps) => {
        const total = size + 1;
        const ledger = new Ledger(total, new ExtentSet([{ start: 0, end: Math.floor(total / 3) }]));
        let number = 1;
        for (const [what, a, b] of steps) {
          const out = [...ledger.leases];
          const lease = out[a % Math.max(1, out.length)];
          const [gap] = ledger.gaps();
          if (what <= 1 && gap !== undefined) {
            const end = Math.min(gap.end, gap.start + 1 + (b % 100));
            ledger.open(number, number % 4, { start: gap.start, end });
            number++;
          } else if (what === 2 && lease !== undefined && lease.end - lease.start > 1) {
            ledger.cut(lease.lease, lease.start + 1 + (b % (lease.end - lease.start - 1)));
          } else if (what <= 4 && lease !== undefined) {
            ledger.close(lease.lease, lease.start + (b % (lease.end - lease.start + 2)));
          } else if (what === 5) {
            const start = a % total;
            ledger.forget({ start, end: Math.min(total, start + 1 + (b % 20)) });
          }
          checkWhole(ledger);
        }
      }),
    );
  });

  const fresh = (): Ledger => new Ledger(100, new ExtentSet());

  it('is complete when nothing is out or missing', () => {
    const ledger = fresh();
    expect(ledger.isComplete).equal(false);
    ledger.open(1, 0, { start: 0, end: 100 });
    expect(ledger.leasesOut).equal(1);
    expect(ledger.lease(1)).include({ lease: 1, slot: 0, start: 0, end: 100 });
    expect(ledger.isComplete).equal(false);
    ledger.close(1, 100);
    expect(ledger.isComplete).equal(true);
    expect(new Ledger(0, new ExtentSet()).isComplete).equal(true);
  });

  it('a lease that wrote beyond its lowered end keeps only its own', () => {
    const ledger = fresh();
    ledger.open(1, 0, { start: 0, end: 100 });
    ledger.cut(1, 40);
    ledger.open(2, 1, { start: 40, end: 100 });
    ledger.close(1, 70);
    expect(ledger.written.toArray()).deep.equal([{ start: 0, end: 40 }]);
    expect(ledger.gaps()).deep.equal([]);
    ledger.close(2, 60);
    expect(ledger.gaps()).deep.equal([{ start: 60, end: 100 }]);
  });

  it('a lease that wrote nothing leaves everything missing', () => {
    const ledger = fresh();
    ledger.open(1, 0, { start: 10, end: 20 });
    ledger.close(1, 10);
    expect(ledger.written.total()).equal(0);
    expect(ledger.gaps()).deep.equal([{ start: 0, end: 100 }]);
    expect(ledger.lease(1)).equal(undefined);
  });

  it('extends a lease over what is missing behind it', () => {
    const ledger = fresh();
    ledger.open(1, 3, { start: 0, end: 100 });
    ledger.cut(1, 10);
    ledger.extend(1, 100);
    expect(ledger.lease(1)).include({ lease: 1, slot: 3, start: 0, end: 100 });
    expect(ledger.missing.total()).equal(0);
  });

  it('ends where the server ended', () => {
    const ledger = fresh();
    ledger.open(1, 0, { start: 0, end: 100 });
    ledger.close(1, 30);
    ledger.endAt(30);
    expect(ledger.total).equal(30);
    expect(ledger.isComplete).equal(true);
    ledger.endAt(30);
    expect(ledger.total, 'where it was known to end').equal(30);
  });

  it('does not change what the caller gave', () => {
    const kept = new ExtentSet([{ start: 0, end: 10 }]);
    const ledger = new Ledger(20, kept);
    ledger.forget({ start: 0, end: 10 });
    expect(kept.total()).equal(10);
  });

  it('P5: what is taken back is no longer written, and is asked for again', () => {
    const ledger = new Ledger(100, new ExtentSet([{ start: 0, end: 50 }]));
    ledger.open(1, 0, { start: 50, end: 60 });
    ledger.forget({ start: 40, end: 55 });
    expect(ledger.written.toArray()).deep.equal([{ start: 0, end: 40 }]);
    expect(ledger.gaps(), 'a lease is out on the rest').deep.equal([
      { start: 40, end: 50 },
      { start: 60, end: 100 },
    ]);
  });

  const misuse: Array<[string, (ledger: Ledger) => void]> = [
    ['a lease on bytes that are out', (ledger) => ledger.open(2, 0, { start: 49, end: 60 })],
    ['an empty lease', (ledger) => ledger.open(2, 0, { start: 60, end: 60 })],
    ['a cut at the start', (ledger) => ledger.cut(1, 10)],
    ['a cut at the end', (ledger) => ledger.cut(1, 50)],
    ['a cut of nothing', (ledger) => ledger.cut(9, 20)],
    ['a close before the start', (ledger) => ledger.close(1, 9)],
    ['a close of nothing', (ledger) => ledger.close(9, 20)],
    ['an extension of nothing', (ledger) => ledger.extend(9, 60)],
    ['an end while a lease is out', (ledger) => ledger.endAt(100)],
  ];
  for (const [what, act] of misuse) {
    it(`${what} is a defect`, () => {
      const ledger = fresh();
      ledger.open(1, 0, { start: 10, end: 50 });
      expect(() => act(ledger))
        .throw(SluiceError)
        .include({ code: 'DEFECT' });
      expect([...ledger.leases], 'nothing has changed').deep.equal([
        { lease: 1, slot: 0, start: 10, end: 50, givenUp: false, doubled: false },
      ]);
      checkWhole(ledger);
    });
  }

  it('an extension over another lease, an end beyond the whole are defects', () => {
    const ledger = fresh();
    ledger.open(1, 0, { start: 0, end: 10 });
    ledger.open(2, 0, { start: 10, end: 20 });
    expect(() => ledger.extend(1, 20)).throw(SluiceError);
    expect(() => fresh().endAt(101)).throw(SluiceError, 'end at 101');
  });
});

describe('the end of a lease that is fetched twice', () => {
  /** Lease 1 on `[0, 1000)` of 2000, lease 2 on its end from 600, lease 3 on the rest. */
  function twice(): Ledger {
    const ledger = new Ledger(2000, new ExtentSet());
    ledger.open(1, 0, { start: 0, end: 1000 });
    ledger.open(3, 2, { start: 1000, end: 2000 });
    ledger.double(2, 1, 1, { start: 600, end: 1000 });
    return ledger;
  }

  it('P1: the first copy counts, and nothing of it is missing', () => {
    const ledger = twice();
    ledger.close(2, 1000);
    expect(ledger.gaps()).deep.equal([]);
    ledger.close(1, 700);
    expect(ledger.gaps()).deep.equal([]);
    expect(ledger.written.toArray()).deep.equal([{ start: 0, end: 1000 }]);
  });

  it('P1: what neither has fetched is missing once both have ended', () => {
    const ledger = twice();
    ledger.close(2, 800);
    expect(ledger.gaps(), 'the first one is still at it').deep.equal([]);
    ledger.close(1, 500);
    expect(ledger.gaps()).deep.equal([
      { start: 500, end: 600 },
      { start: 800, end: 1000 },
    ]);
  });

  it('P1: what the second one still fetches is not missing', () => {
    const ledger = twice();
    ledger.close(1, 500);
    expect(ledger.gaps()).deep.equal([{ start: 500, end: 600 }]);
    ledger.close(2, 1000);
    expect(ledger.gaps()).deep.equal([{ start: 500, end: 600 }]);
  });

  it('a lease is superseded when all that it has yet to bring is there', () => {
    const ledger = twice();
    const [first, third] = [1, 3].map((lease) => ledger.lease(lease) as BookedLease);
    if (first === undefined || third === undefined) throw new Error('they are out');
    expect(ledger.isSuperseded(first, 600)).equal(false);
    ledger.close(2, 1000);
    expect(ledger.isSuperseded(first, 599)).equal(false);
    expect(ledger.isSuperseded(first, 600)).equal(true);
    expect(ledger.isSuperseded(first, 1000), 'it ends by itself').equal(false);
    expect(ledger.isSuperseded(third, 2000)).equal(false);
  });

  it('is neither cut nor fetched a third time', () => {
    const ledger = twice();
    expect(() => ledger.cut(1, 800)).throw(SluiceError);
    expect(() => ledger.cut(2, 800)).throw(SluiceError);
    expect(() => ledger.double(4, 3, 1, { start: 700, end: 1000 })).throw(SluiceError);
    expect(() => ledger.double(4, 3, 3, { start: 1500, end: 1600 })).throw(SluiceError);
  });
});
