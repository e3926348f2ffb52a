import { expect } from 'chai';
import fc from 'fast-check';
import { cutEnd, cutMiddle, padEnd, visibleWidth } from '../../../src/cli/width.js';

const anyText = fc.string({ unit: 'grapheme', maxLength: 40 });

describe('cli/width', () => {
  it('counts wide characters twice and combining marks not at all', () => {
    expect(visibleWidth('abc')).to.equal(3);
    expect(visibleWidth('\u65e5\u672c')).to.equal(4);
    expect(visibleWidth('e\u0301')).to.equal(1);
    expect(visibleWidth('\u{1f600}')).to.equal(2);
    expect(visibleWidth('\u2588\u2501\u00b7')).to.equal(3);
  });

  it('cuts in the middle and keeps the end, which tells the type', () => {
    expect(cutMiddle('debian-13.1.0-amd64-netinst.iso', 16)).to.equal('debian-...st.iso');
    expect(cutMiddle('short', 16)).to.equal('short');
    expect(cutMiddle('abcdef', 3)).to.equal('abc');
    expect(cutMiddle('\u65e5\u672c\u8a9e\u540d', 6, '\u2026')).to.equal('\u65e5\u2026\u540d');
  });

  it('never makes a text wider than asked, and leaves one that fits', () => {
    fc.assert(
      fc.property(anyText, fc.nat(30), (text, columns) => {
        for (const cut of [cutEnd(text, columns), cutMiddle(text, columns)]) {
          expect(visibleWidth(cut)).to.be.at.most(columns);
          if (visibleWidth(text) <= columns) expect(cut).to.equal(text);
        }
      }),
    );
  });

  it('fills by columns, not by characters', () => {
    expect(padEnd('\u65e5', 4)).to.equal('\u65e5  ');
    expect(padEnd('abcde', 4)).to.equal('abcde');
  });
});
