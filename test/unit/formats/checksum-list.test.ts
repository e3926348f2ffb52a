/** Lists of checksums: forms of lines, and which line is meant. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import { findInList, MAX_LINE, parseChecksumList } from '../../../src/formats/checksum-list.js';
import type { ChecksumList, ListEntry } from '../../../src/formats/checksum-list.js';
import { Pace } from '../../../src/formats/pace.js';

const A = 'aa'.repeat(32);
const B = 'bb'.repeat(32);
const MD5 = '12'.repeat(16);

const read = (text: string, origin = 'SHA256SUMS'): Promise<ChecksumList> =>
  parseChecksumList(text, origin, new Pace(new AbortController().signal));
const parse = async (text: string, origin?: string): Promise<ListEntry[]> =>
  (await read(text, origin)).entries;
const find = async (text: string, names: string[], paths: string[] = []): Promise<ListEntry[]> =>
  findInList(await read(text), { names, paths });

async function refused(action: () => Promise<unknown>, why: RegExp): Promise<void> {
  const error = await action().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).instanceOf(SluiceError).include({ code: 'CHECKSUM_LIST_INVALID' });
  expect(error).property('message').match(why).length.below(1001);
}

describe('formats/checksum-list', () => {
  it('P8: reads the lines of GNU and BSD, and passes over what is none', async () => {
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
    expect(await parse(text)).deep.equal([
      { algorithm: 'sha256', hex: A, path: 'big.iso' },
      { algorithm: 'sha256', hex: B, path: './dir/other file.iso' },
      { algorithm: 'sha256', hex: A, path: 'a\\b\nc' },
      { algorithm: 'sha512', hex: sha512, path: 'big.iso' },
      { algorithm: 'md5', hex: MD5, path: 'a (1).iso' },
    ]);
    expect((await parse(`${A}  f`, 'http://h.test/B3SUMS'))[0]?.algorithm).equal('blake3');
    expect(await parse(A)).deep.equal([{ algorithm: 'sha256', hex: A, path: null }]);
    expect(await parse(`${MD5}  -\n`)).deep.equal([{ algorithm: 'md5', hex: MD5, path: null }]);
    await refused(() => parse('<html>not found</html>'), /no checksum/);
  });

  it('P8: takes the line of the name, and of the path where names are not enough', async () => {
    const text = `${A}  x/disk.img\n${B}  y/disk.img\n${MD5}  big.iso\n${A}  big.iso\n`;
    expect(await find(text, ['big.iso'])).length(2);
    expect(await find(text, ['absent.iso'])).deep.equal([]);
    await refused(() => find(text, ['disk.img']), /disagree/);
    expect(await find(text, ['disk.img'], ['/pub/y/disk.img'])).deep.include({
      algorithm: 'sha256',
      hex: B,
      path: 'y/disk.img',
    });
    await refused(() => find(text, ['disk.img'], ['/pub/xy/disk.img']), /disagree/);
    expect(await find(A, ['whatever'])).length(1);
    expect(await find(`${A}\n${B}`, ['whatever'])).deep.equal([]);
    expect(await find(`${A}  f\n${A}  ./f`, ['f'])).length(2);
  });

  it('P15: a line is bounded, and ends with CR as well', async () => {
    const name = (length: number): string => 'x'.repeat(length - A.length - 2);
    expect(await parse(`${A}  ${name(MAX_LINE)}\n`)).length(1);
    const text = `# sums\n${A}  ${name(MAX_LINE + 1)}\n`;
    await refused(() => parse(text), /line 2 is longer than 16384 characters/);
    expect(
      (await parse(`${A}  a\r${B}\t*b\r\n${A} \t  *c  \n`)).map(({ path }) => path),
    ).deep.equal([...['a', 'b', 'c']]);
  });

  it('P15: whatever the text, entries or one refusal', async () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom(A, MD5, 'SHA256 (', ') = ', '  ', ' *', '\\', '\n', '\r\n'),
    );
    const property = fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
      try {
        for (const { hex } of await parse(pieces.join(''))) expect(hex).match(/^[0-9a-f]{32,128}$/);
      } catch (error) {
        expect(error).instanceOf(SluiceError).include({ code: 'CHECKSUM_LIST_INVALID' });
      }
    });
    await fc.assert(property, { numRuns: 2000 });
  });
});
