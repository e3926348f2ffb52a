import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { crc32Combine } from '../../../src/disk/crc.js';

describe('disk/crc', () => {
  it('combines the CRCs of two strings into that of both', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const both = crc32(Buffer.concat([a, b]));
        expect(crc32Combine(crc32(a), crc32(b), b.length)).to.equal(both);
      }),
    );
  });

  it('is associative over lengths that no test can hold', () => {
    const crc = fc.nat(0xffffffff);
    const length = fc.maxSafeNat().map((n) => Math.floor(n / 4));
    fc.assert(
      fc.property(crc, crc, crc, length, length, (a, b, c, lengthB, lengthC) => {
        const left = crc32Combine(crc32Combine(a, b, lengthB), c, lengthC);
        const right = crc32Combine(a, crc32Combine(b, c, lengthC), lengthB + lengthC);
        expect(left).to.equal(right);
      }),
    );
  });

  it('is right for a length beyond one slab', () => {
    const zeros = Buffer.alloc(3 * 1024 * 1024 + 1);
    const head = Buffer.from('head');
    const both = crc32(zeros, crc32(head));
    expect(crc32Combine(crc32(head), crc32(zeros), zeros.length)).to.equal(both);
  });
});
