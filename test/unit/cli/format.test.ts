import { expect } from 'chai';
import fc from 'fast-check';
import * as format from '../../../src/cli/format.js';

describe('cli/format', () => {
  it('writes bytes with three digits and binary units', () => {
    const cases: [number, string][] = [
      [0, '0 B'],
      [1023, '1023 B'],
      [1024, '1.00 KiB'],
      [1.5 * 2 ** 30, '1.50 GiB'],
      [9.996 * 1024, '10.0 KiB'],
      [99.96 * 1024, '100 KiB'],
      [1023 * 1024, '1023 KiB'],
      [1023.9 * 1024, '1.00 MiB'],
      [2 ** 50, '1.00 PiB'],
    ];
    for (const [n, text] of cases) expect(format.bytes(n)).to.equal(text);
  });

  it('never takes more than 8 columns, and is never off by more than half a digit', () => {
    const unit = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
    fc.assert(
      fc.property(fc.maxSafeNat(), (n) => {
        const [number = '', name = ''] = format.bytes(n).split(' ');
        const value = Number(number) * 1024 ** unit.indexOf(name);
        expect(`${number} ${name}`).to.have.length.at.most(8);
        expect(Math.abs(value - n)).to.be.at.most(n * 0.0051);
      }),
    );
  });

  it('names the unit of a part only where it differs', () => {
    expect(format.bytesOf(1.5 * 2 ** 30, 3.21 * 2 ** 30)).to.equal('1.50 of 3.21 GiB');
    expect(format.bytesOf(512 * 2 ** 20, 2 ** 30)).to.equal('0.50 of 1.00 GiB');
  });

  it('writes seconds as a clock', () => {
    expect([0, 5.4, 59.6, 3723, 100 * 3600].map(format.duration)).to.deep.equal([
      '0:00',
      '0:05',
      '1:00',
      '1:02:03',
      '4 d 04 h',
    ]);
  });

  it('writes 100% only when nothing is missing', () => {
    expect(format.percent(0.99999)).to.equal('99%');
    expect(format.percent(1)).to.equal('100%');
    expect(format.percent(0)).to.equal('0%');
  });

  it('writes delays with their unit', () => {
    expect([250, 1500, 2000, 90_000].map(format.delay)).to.deep.equal([
      '250 ms',
      '1.5 s',
      '2 s',
      '1:30',
    ]);
  });
});
