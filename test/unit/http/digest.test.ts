import { expect } from 'chai';
import { parseDigestFields } from '../../../src/http/digest.js';
import { headOf } from './support.js';

const filled = (bytes: number, value: number) => {
  const buffer = Buffer.alloc(bytes, value);
  return { base64: buffer.toString('base64'), hex: buffer.toString('hex') };
};
const sha256 = filled(32, 0xfb);
const sha512 = filled(64, 0x02);
const sha1 = filled(20, 0x03);
const md5 = filled(16, 0x04);
const D256 = { algorithm: 'sha-256', hex: sha256.hex };
const DMD5 = { algorithm: 'md5', hex: md5.hex };

const repr = (value: string | string[], status = 200) =>
  parseDigestFields(headOf({ 'repr-digest': value }, status));

describe('http/digest: P8: Repr-Digest (RFC 9530)', () => {
  it('reads each algorithm that it knows', () => {
    expect(
      repr(
        `sha-256=:${sha256.base64}:, sha-512=:${sha512.base64}:,sha=:${sha1.base64}:\t,\tmd5=:${md5.base64}:`,
      ),
    ).to.deep.equal([
      D256,
      { algorithm: 'sha-512', hex: sha512.hex },
      { algorithm: 'sha-1', hex: sha1.hex },
      DMD5,
    ]);
  });

  it('reads the field of a 200 and a 206 only', () => {
    const value = `md5=:${md5.base64}:`;
    expect(repr(value, 200)).to.deep.equal([DMD5]);
    expect(repr(value, 206)).to.deep.equal([DMD5]);
    for (const status of [201, 204, 302, 304, 404, 416, 500]) {
      expect(repr(value, status), String(status)).to.deep.equal([]);
    }
  });

  it('joins the lines of the field, and keeps the last of equal keys', () => {
    const other = filled(16, 9);
    expect(repr([`md5=:${other.base64}:`, `md5=:${md5.base64}:`])).to.deep.equal([DMD5]);
  });

  it('reads base64 without its padding', () => {
    expect(repr(`sha-256=:${sha256.base64.replace(/=+$/, '')}:`)).to.deep.equal([D256]);
  });

  for (const [what, value] of [
    ['an unknown algorithm', `md5=:${md5.base64}:, unixsum=:AAAA:, *x_.-9=:AA==:`],
    ['a length that is wrong', `sha-256=:${md5.base64}:, md5=:${md5.base64}:`],
    [
      'members of other types',
      `a, b=12, c=-1.25, d="x\\"y\\\\", e=?1, f=tok/en:x, md5=:${md5.base64}:`,
    ],
    [
      'a digest that is no byte sequence',
      `sha-256=${sha256.hex.replace(/^f/, 'a')}, md5=:${md5.base64}:`,
    ],
    ['parameters', `md5=:${md5.base64}:;q=1; a;b="x";c=:AA==:, x;y`],
    ['an empty byte sequence', `sha=::, md5=:${md5.base64}:`],
  ] as const) {
    it(`ignores ${what} and keeps the rest`, () => {
      expect(repr(value)).to.deep.equal([DMD5]);
    });
  }

  for (const value of [
    '',
    ',',
    `md5=:${md5.base64}:,`,
    `,md5=:${md5.base64}:`,
    `md5=:${md5.base64}:, ,x`,
    `md5:${md5.base64}:`,
    `md5=:${md5.base64}: x`,
    `md5=:${md5.base64}`,
    `md5=${md5.base64}:`,
    `MD5=:${md5.base64}:`,
    `md5 =:${md5.base64}:`,
    `md5= :${md5.base64}:`,
    `md5=:${md5.base64}:;`,
    `md5=:${md5.base64}:;A`,
    `md5=:${md5.base64}:;a=`,
    `md5=:${md5.base64}:, x=`,
    `md5=:${md5.base64}:, x="a`,
    `md5=:${md5.base64}:, x="\\a"`,
    `md5=:${md5.base64}:, x=?2`,
    `md5=:${md5.base64}:, 9x`,
    `md5=:-${md5.base64.slice(1)}:`,
  ]) {
    it(`ignores the malformed ${JSON.stringify(value)} as a whole`, () => {
      expect(repr(value)).to.deep.equal([]);
    });
  }
});

describe('http/digest: P8: Content-Digest and Digest', () => {
  const digests = (fields: Record<string, string>, status = 200) =>
    parseDigestFields(headOf(fields, status));
  const content = { 'content-digest': `sha-256=:${sha256.base64}:` };
  const legacy = { digest: `SHA-256=${sha256.base64}, md5=${md5.base64},unixsum=123==` };

  it('are read from a whole answer that is not encoded', () => {
    expect(digests(content)).to.deep.equal([D256]);
    expect(digests({ ...content, 'content-encoding': 'Identity' })).to.deep.equal([D256]);
    expect(digests({ digest: `md5=${md5.base64},sha=${sha1.base64}` })).to.deep.equal([
      DMD5,
      { algorithm: 'sha-1', hex: sha1.hex },
    ]);
    expect(digests({ digest: legacy.digest.replace('123==', 'AA==') })).to.deep.equal([D256, DMD5]);
  });

  it('are not read from a part or from an encoded answer', () => {
    for (const fields of [content, { digest: `md5=${md5.base64}` }]) {
      expect(digests(fields)).to.have.length(1);
      expect(digests(fields, 206)).to.deep.equal([]);
      expect(digests({ ...fields, 'content-encoding': 'gzip' })).to.deep.equal([]);
    }
  });

  it('come after Repr-Digest, each once; those that disagree stay', () => {
    const other = filled(32, 7);
    expect(
      digests({
        'repr-digest': `md5=:${md5.base64}:`,
        'content-digest': `md5=:${md5.base64}:, sha-256=:${sha256.base64}:`,
        digest: `sha-256=${other.base64},md5=${md5.base64}`,
      }),
    ).to.deep.equal([DMD5, D256, { algorithm: 'sha-256', hex: other.hex }]);
  });

  for (const digest of [
    '',
    'md5',
    'md5=',
    `=${md5.base64}`,
    `=md5=${md5.base64}`,
    `md5=${md5.base64},`,
    `md5=:${md5.base64}:`,
    `md5=${md5.base64}x`,
    `md5=${md5.base64} x`,
  ]) {
    it(`ignores the malformed Digest ${JSON.stringify(digest)}`, () => {
      expect(digests({ digest })).to.deep.equal([]);
    });
  }

  it('is empty without any field', () => {
    expect(digests({})).to.deep.equal([]);
  });
});
