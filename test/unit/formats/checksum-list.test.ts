/** Lists of checksums: forms of lines, and which line is meant. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import { findInList, parseChecksumList } from '../../../src/formats/checksum-list.js';
import type { ListEntry } from '../../../src/formats/checksum-list.js';

const A = 'aa'.repeat(32);
const B = 'bb'.repeat(32);
const MD5 = '12'.repeat(16);

const parse = (text: string, origin = 'SHA256SUMS'): ListEntry[] =>
  parseChecksumList(text, origin).entries;
const find = (text: string, names: string[], paths: string[] = []): ListEntry[] =>
  findInList(parseChecksumList(text, 'SHA256SUMS'), { names, paths });

function refused(action: () => unknown, why: RegExp): void {
  expect(action)
    .throw(SluiceError)
    .include({ code: 'CHECKSUM_LIST_INVALID' })
    .with.property('message')
    .match(why);
}

describe('formats/checksum-list', () => {
  it('P8: reads the lines of GNU and BSD, and passes over what is none', () => {
    const sha512 = 'cd'.repeat(64);
    const text = [
      '-----BEGIN PGP SIGNED MESSAGE-----',
      'Hash: SHA512',
      '',
      '# sums',
      `${A}  big.iso`,
      `${B.toUpperCase()} *./dir/other file.iso`,
      `\\${A}  a\\\\b\\nc`,
      `SHA512 (big.iso) = ${sha512}`,
      `MD5(a (1).iso)= ${MD5}`,
      `SHA1 (short) = ${MD5}`,
      `RMD160 (big.iso) = ${'00'.repeat(20)}`,
      `${'ab'.repeat(30)}  no digest of ours`,
      '-----BEGIN PGP SIGNATURE-----',
    ].join('\r\n');
    expect(parse(text)).deep.equal([
      { algorithm: 'sha256', hex: A, path: 'big.iso' },
      { algorithm: 'sha256', hex: B, path: './dir/other file.iso' },
      { algorithm: 'sha256', hex: A, path: 'a\\b\nc' },
      { algorithm: 'sha512', hex: sha512, path: 'big.iso' },
      { algorithm: 'md5', hex: MD5, path: 'a (1).iso' },
    ]);
    expect(parse(`${A}  f`, 'http://h.test/B3SUMS')[0]?.algorithm).equal('blake3');
    expect(parse(A)).deep.equal([{ algorithm: 'sha256', hex: A, path: null }]);
    expect(parse(`${MD5}  -\n`)).deep.equal([{ algorithm: 'md5', hex: MD5, path: null }]);
    refused(() => parse('<html>not found</html>'), /no checksum/);
  });

  it('P8: takes the line of the name, and of the path where names are not enough', () => {
    const text = `${A}  x/disk.img\n${B}  y/disk.img\n${MD5}  big.iso\n${A}  big.iso\n`;
    expect(find(text, ['big.iso'])).length(2);
    expect(find(text, ['absent.iso'])).deep.equal([]);
    refused(() => find(text, ['disk.img']), /disagree/);
    expect(find(text, ['disk.img'], ['/pub/y/disk.img'])).deep.include({
      algorithm: 'sha256',
      hex: B,
      path: 'y/disk.img',
    });
    refused(() => find(text, ['disk.img'], ['/pub/xy/disk.img']), /disagree/);
    expect(find(A, ['whatever'])).length(1);
    expect(find(`${A}\n${B}`, ['whatever'])).deep.equal([]);
    expect(find(`${A}  f\n${A}  ./f`, ['f'])).length(2);
  });

  it('P15: whatever the text, entries or one refusal', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom(A, MD5, 'SHA256 (', ') = ', '  ', ' *', '\\', '\n', '\r\n'),
    );
    const property = fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        for (const { hex } of parse(pieces.join(''))) expect(hex).match(/^[0-9a-f]{32,128}$/);
      } catch (error) {
        expect(error).instanceOf(SluiceError).include({ code: 'CHECKSUM_LIST_INVALID' });
      }
    });
    fc.assert(property, { numRuns: 2000 });
  });
});
