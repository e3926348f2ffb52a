/** Lists of checksums: forms of lines, and which line is meant. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import {
  findInList,
  MAX_LINE,
  notInList,
  parseChecksumList,
} from '../../../src/formats/checksum-list.js';
import type { ChecksumList, ListEntry } from '../../../src/formats/checksum-list.js';
import { Pace } from '../../../src/formats/pace.js';
import { tempDirPerTest } from '../../helpers/files.js';
import { findProgram } from '../../helpers/real-server.js';

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
  const dir = tempDirPerTest();
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
    await refused(() => parse('not found'), /no checksum/);
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

  /** Of 1000 zeros, so that programs at hand can be asked. */
  const SHA256 = '541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53';
  const SHA512 =
    'ca3dff61bb23477aa6087b27508264a6f9126ee3a004f53cb8db942ed345f2f2' +
    'd229b4b59c859220a1cf1913f34248e3803bab650e849a3d9a709edc09ae4a76';
  const BLAKE2B =
    '1ee4e51ecab5210a518f26150e882627ec839967f19d763e1508b12cfefed148' +
    '58f6a1c9d1f969bc224dc9440f5a6955277e755b9c513f9ba4421c5e50c8d787';
  const groups = (hex: string, width: number): string =>
    hex
      .toUpperCase()
      .match(new RegExp(`.{${width}}`, 'g'))!
      .join(' ');
  const half = (text: string): [string, string] => {
    const at = text.lastIndexOf(' ', text.length / 2);
    return [text.slice(0, at), text.slice(at + 1)];
  };

  const FORMS: Array<[what: string, text: string, algorithms: string[], origin?: string]> = [
    ['OpenSSL 3', `SHA2-256(big.iso)= ${SHA256}`, ['sha256']],
    ['OpenSSL 3, BLAKE2', `BLAKE2B-512(big.iso)= ${BLAKE2B}`, ['blake2b']],
    ['OpenSSL 3, SHA-3', `SHA3-256(big.iso)= ${SHA256}`, ['sha3-256']],
    ['OpenSSL 3, truncated', `SHA2-512/256(big.iso)= ${SHA256}`, ['sha512-256']],
    ['OpenSSL 1', `SHA256(big.iso)= ${SHA256}`, ['sha256']],
    ['b2sum --tag', `BLAKE2b (big.iso) = ${BLAKE2B}`, ['blake2b']],
    ['FreeBSD', `SHA512t256 (big.iso) = ${SHA256}`, ['sha512-256']],
    ['a space before', ` ${SHA256}  big.iso`, ['sha256']],
    ['a tab before', `\t${SHA256} *big.iso`, ['sha256']],
    ['B2SUMS', `${BLAKE2B}  big.iso`, ['blake2b'], 'http://h.test/B2SUMS?x=1'],
    ['SHA3-256SUMS', `${SHA256}  big.iso`, ['sha3-256'], 'SHA3-256SUMS'],
    ['.sha3', `${SHA256}  big.iso`, ['sha3-256'], 'big.iso.sha3'],
    ['.b2', BLAKE2B, ['blake2b'], 'big.iso.b2'],
    ['a name of another length', `${SHA256}  big.iso`, ['sha256'], 'MD5SUMS'],
    [
      'Gentoo DIGESTS',
      `# BLAKE2B HASH\n${BLAKE2B}  big.iso\n# SHA512 HASH\n${SHA512}  big.iso`,
      ['blake2b', 'sha512'],
    ],
    [
      'signed, by a digest of its own',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${BLAKE2B}  big.iso`,
      ['blake2b'],
      'B2SUMS',
    ],
    [
      "Gentoo's Manifest",
      `DIST big.iso 1000 BLAKE2B ${BLAKE2B} SHA512 ${SHA512}`,
      ['blake2b', 'sha512'],
    ],
    [
      "Debian's Release",
      `MD5Sum:\n ${MD5}  1000 big.iso\nSHA256:\n ${SHA256}  1000 big.iso`,
      ['md5', 'sha256'],
    ],
    ['a .dsc', `Checksums-Sha256:\n ${SHA256} 1000 big.iso`, ['sha256']],
    ['gpg --print-md', `big.iso: ${groups(SHA256, 8)}`, ['sha256']],
    ['gpg --print-md md5', `big.iso: ${groups(MD5, 2)}`, ['md5']],
    [
      'gpg --print-md sha512',
      `big.iso: ${half(groups(SHA512, 8)).join('\n         ')}`,
      ['sha512'],
    ],
    [
      'gpg --print-mds',
      `big.iso:    MD5 = ${groups(MD5, 2)}\nbig.iso: SHA256 = ${half(groups(SHA256, 8)).join('\n                  ')}`,
      ['md5', 'sha256'],
    ],
    ['gpg with a long name', `big.iso: \n${half(groups(SHA512, 8)).join('\n ')}`, ['sha512']],
    ['gpg --print-mds with a long name', `big.iso: \nSHA256 = ${groups(SHA256, 8)}`, ['sha256']],
    ['gpg --with-colons', `big.iso:8:${SHA256.toUpperCase()}:`, ['sha256']],
    [
      'CertUtil',
      `SHA256 hash of big.iso:\r\n${SHA256}\r\nCertUtil: -hashfile command completed successfully.`,
      ['sha256'],
    ],
    [
      'CertUtil of old',
      `SHA256 hash of file big.iso:\r\n${groups(SHA256, 2)}\r\nCertUtil: done`,
      ['sha256'],
    ],
    [
      'Get-FileHash',
      `Algorithm  Hash  Path\n---------  ----  ----\nSHA256  ${SHA256}  C:\\x\\big.iso`,
      ['sha256'],
    ],
    [
      'Get-FileHash | Format-List',
      `Algorithm : SHA512\nHash      : ${SHA512.slice(0, 90).toUpperCase()}\n            ${SHA512.slice(90).toUpperCase()}\nPath      : C:\\x\\big.iso`,
      ['sha512'],
    ],
    ['rhash, several', `${MD5} ${SHA256}  big.iso`, ['md5', 'sha256']],
    ['rhash, the name first', `; Generated by RHash\nbig.iso ${MD5} ${SHA256}`, ['md5', 'sha256']],
    ['the name first', `big.iso  ${SHA256}`, ['sha256']],
    ['the name and a colon', `big.iso: ${SHA256}`, ['sha256']],
    ['the algorithm behind the name', `big.iso SHA256 ${SHA256}`, ['sha256']],
    ['the algorithm between', `${SHA256} SHA256 big.iso`, ['sha256']],
    ['the algorithm first', `SHA3-256 ${SHA256} big.iso`, ['sha3-256']],
    ['the algorithm at the digest', `sha256:${SHA256}  big.iso`, ['sha256']],
    ['pip', `big.iso --hash=sha256:${SHA256}`, ['sha256']],
    ['prose', `SHA256 checksum of big.iso: ${SHA256}`, ['sha256']],
    ['digests alone', `MD5: ${MD5}\nSHA-256: ${SHA256}`, ['md5', 'sha256']],
    ['a byte order mark', `\ufeff${SHA256}  big.iso`, ['sha256']],
  ];

  for (const [what, text, algorithms, origin = 'sums.txt'] of FORMS) {
    it(`P8: reads ${what}`, async () => {
      const list = await read(text, origin);
      const found = findInList(list, { names: ['big.iso'], paths: [] });
      expect(found.map(({ algorithm }) => algorithm)).deep.equal(algorithms);
      const right = [MD5, SHA256, SHA512, BLAKE2B];
      for (const { hex } of found) expect(right).include(hex);
      // Each of a file of its own, beside others.
      if (found[0]?.path === null) return;
      expect(findInList(list, { names: ['other.iso'], paths: [] })).deep.equal([]);
    });
  }

  it('P8: an algorithm that cannot be computed is named, not taken for another one', async () => {
    const rmd = 'ac'.repeat(20);
    for (const [text, name, origin] of [
      [`RMD160 (big.iso) = ${rmd}`, 'RMD160', 'sums'],
      [`RIPEMD-160(big.iso)= ${rmd}`, 'RIPEMD-160', 'sums'],
      [`SM3(big.iso)= ${SHA256}`, 'SM3', 'sums'],
      [`HMAC-SHA256(big.iso)= ${SHA256}`, 'HMAC-SHA256', 'sums'],
      [`BLAKE2b-256 (big.iso) = ${SHA256}`, 'BLAKE2b-256', 'sums'],
      [`# WHIRLPOOL HASH\n${SHA512}  big.iso`, 'WHIRLPOOL', 'sums'],
      [`${SHA512}  big.iso`, 'whirlpool', 'big.iso.whirlpool'],
      [`${rmd}  big.iso`, 'RMD160', 'RMD160SUMS'],
      [`big.iso: RMD160 = ${groups(rmd, 4)}`, 'RMD160', 'sums'],
    ] as const) {
      await refused(() => parse(text, origin), new RegExp(`${name} only, which sluice cannot`));
    }
    const mixed = await read(`RMD160 (big.iso) = ${rmd}\nSHA256 (other) = ${SHA256}`);
    const wanted = { names: ['big.iso'], paths: [] };
    expect(findInList(mixed, wanted)).deep.equal([]);
    expect(notInList(mixed, wanted).message).contain('RMD160 only');
  });

  it('P8: what is no list is told by what it is', async () => {
    await refused(() => parse('<!DOCTYPE html>\n<html>'), /web page/);
    await refused(() => parse('; made\nbig.iso 1234ABCD\n'), /SFV/);
    await refused(() => parse('-----BEGIN PGP SIGNATURE-----\nabc'), /signature/);
    await refused(() => parse('a\0b\0'), /UTF-16/);
  });

  const PROGRAMS: Array<[program: string, args: string[], algorithm: string]> = [
    ...['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].map(
      (name): [string, string[], string] => ['openssl', ['dgst', `-${name}`], name],
    ),
    ['openssl', ['dgst', '-sha3-384'], 'sha3-384'],
    ['openssl', ['dgst', '-sha512-256'], 'sha512-256'],
    ['openssl', ['dgst', '-blake2b512'], 'blake2b'],
    ['openssl', ['dgst', '-r', '-sha256'], 'sha256'],
    ...['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].map(
      (name): [string, string[], string] => ['gpg', ['--print-md', name], name],
    ),
    ['gpg', ['--with-colons', '--print-md', 'sha384'], 'sha384'],
    ['b2sum', [], 'sha512'],
    ['b2sum', ['--tag'], 'blake2b'],
    ['sha224sum', ['--tag'], 'sha224'],
    ['sha384sum', [], 'sha384'],
  ];

  for (const [program, args, algorithm] of PROGRAMS) {
    it(`P8: reads what ${[program, ...args].join(' ')} really writes`, async function () {
      if (findProgram(program) === null) return this.skip();
      for (const name of ['big.iso', `a b ${'x'.repeat(90)}.iso`]) {
        writeFileSync(path.join(dir(), name), Buffer.alloc(1000));
        const { stdout } = spawnSync(program, [...args, name], {
          cwd: dir(),
          encoding: 'utf8',
          env: { ...process.env, GNUPGHOME: dir() },
        });
        const [entry] = findInList(await read(stdout, 'sums'), { names: [name], paths: [] });
        expect(entry, stdout).include({ algorithm });
        if (program === 'b2sum') continue;
        const hash = createHash(algorithm === 'blake2b' ? 'blake2b512' : algorithm);
        expect(entry!.hex).equal(hash.update(Buffer.alloc(1000)).digest('hex'));
      }
    });
  }

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
      fc.constantFrom(
        A,
        MD5,
        'SHA256 (',
        ') = ',
        '  ',
        ' *',
        '\\',
        '\n',
        '\r\n',
        ': ',
        'ABCDEF01 ',
      ),
      fc.constantFrom('# SHA512 HASH\n', 'sha3', 'Algorithm : ', 'Hash : ', 'Path : ', 'hash of '),
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
