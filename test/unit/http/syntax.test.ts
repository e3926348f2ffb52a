import { expect } from 'chai';
import { decodeUtf8, excerpt, parseDigits, trimOws } from '../../../src/http/syntax.js';

describe('http/syntax', () => {
  it('trimOws takes SP and HTAB off both ends, and nothing else', () => {
    expect(trimOws(' \t a \t b\t ')).to.equal('a \t b');
    expect(trimOws(' \t ')).to.equal('');
    expect(trimOws('')).to.equal('');
    expect(trimOws('\xa0a\n')).to.equal('\xa0a\n');
  });

  it('excerpt cuts after 60 characters', () => {
    expect(excerpt('x'.repeat(60))).to.equal('x'.repeat(60));
    expect(excerpt('x'.repeat(61))).to.equal(`${'x'.repeat(60)}...`);
  });

  it('parseDigits reads decimal numbers up to 2^53 - 1', () => {
    expect(parseDigits('007')).to.equal(7);
    expect(parseDigits('9007199254740991')).to.equal(Number.MAX_SAFE_INTEGER);
    for (const text of ['', '9007199254740992', '-1', '+1', '1.0', '1e1', ' 1', '1 ', '0x1']) {
      expect(parseDigits(text), text).to.equal(null);
    }
  });

  it('decodeUtf8 is null for what is not UTF-8', () => {
    expect(decodeUtf8(Buffer.from('\u20ac'))).to.equal('\u20ac');
    expect(decodeUtf8(Buffer.from([0xe2, 0x82]))).to.equal(null);
    expect(decodeUtf8(Buffer.from([0xed, 0xa0, 0x80]))).to.equal(null);
  });
});
