/** What may be fetched beside the file's own bytes. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { Overhead, SEAM_BYTES } from '../../../src/schedule/overhead.js';
import { TUNING } from '../../../src/schedule/tuning.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

describe('the budget of overhead', () => {
  it('P5: is 1 % of the file, and 1 MiB of a small one', () => {
    const left = (total: number): number => new Overhead(total, TUNING).left;
    expect(left(GIB)).equal(GIB / 100);
    expect(left(0)).equal(MIB);
    expect(left(100 * MIB)).equal(MIB);
    expect(left(101 * MIB)).closeTo(1.01 * MIB, 1);
  });

  it('P5: knows what was spent, and never has less than nothing left', () => {
    const overhead = new Overhead(GIB, TUNING);
    overhead.spend(SEAM_BYTES);
    overhead.spend(6 * MIB);
    expect(overhead.spent).equal(6 * MIB + SEAM_BYTES);
    expect(overhead.left).equal(GIB / 100 - 6 * MIB - SEAM_BYTES);
    overhead.spend(20 * MIB);
    expect(overhead.left).equal(0);
    expect(overhead.spent).equal(26 * MIB + SEAM_BYTES);
  });

  it('P5: what does not fit is not to be had for any gain', () => {
    const overhead = new Overhead(0, TUNING);
    expect(overhead.priceMs(MIB + 1, 1000)).equal(Infinity);
    expect(overhead.priceMs(MIB, 1000)).equal(1000);
    overhead.spend(MIB);
    expect(overhead.priceMs(1, 1000)).equal(Infinity);
  });

  it('asks a price that rises with the bytes, the time, and what was spent before', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(part, part, fc.nat(1e6), (spent, bytes, ms) => {
        const overhead = new Overhead(GIB, TUNING);
        const count = 1 + bytes * MIB;
        const before = overhead.priceMs(count, ms);
        expect(before).equal((count / (GIB / 100)) * ms);
        overhead.spend(spent * 9 * MIB);
        expect(overhead.priceMs(count, ms)).least(before);
        expect(overhead.priceMs(count * 1.1, ms)).least(overhead.priceMs(count, ms));
      }),
    );
  });
});
