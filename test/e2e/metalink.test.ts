/** `--metalink` and lists of checksums, through the command. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { MAX_PIECES } from '../../src/formats/metalink.js';
import type { DoneEvent, ErrorEvent } from '../../src/transfer/events.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { contentAt } from '../helpers/content.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

const SIZE = 3 * 1024 * 1024 + 7;
const PIECE = 256 * 1024;

describe('e2e/metalink', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: 5 });
  });
  afterEach(() => origin.close());

  const inDir = (name: string): string => path.join(dir(), name);
  const hash = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex');

  function piecesXml(): string {
    let hashes = '';
    for (let at = 0; at < SIZE; at += PIECE)
      hashes += `<hash>${hash(origin.content(at, Math.min(SIZE, at + PIECE)))}</hash>`;
    return `<pieces type="sha-1" length="${PIECE}">${hashes}</pieces>`;
  }

  const fileXml = (name: string, ...inside: string[]): string =>
    `<file name="${name}"><size>${SIZE}</size>${inside.join('')}</file>`;
  const document = (...files: string[]): string =>
    `<metalink xmlns="urn:ietf:params:xml:ns:metalink">${files.join('')}</metalink>`;
  const sha256 = (hex = origin.digest()): string => `<hash type="sha-256">${hex}</hash>`;
  const url = (target: string, priority = 1): string =>
    `<url priority="${priority}">${origin.server.url(target)}</url>`;

  it('P8: downloads what a Metalink names, and repairs it from the next source', async () => {
    const bytes = Buffer.from(origin.content());
    bytes[PIECE * 2 + 5] = (bytes[PIECE * 2 + 5] ?? 0) ^ 1;
    origin.route('/bad', { bytes, etag: '"bad"' });
    const text = document(
      fileXml('../a.bin', sha256(), piecesXml(), url('/good', 2), url('/bad', 1)),
      fileXml('b.bin', sha256(), url('/gone'), url('/good', 3)),
    );
    origin.fault({ target: '/gone', times: Infinity, fault: { kind: 'status', status: 410 } });
    writeFileSync(inDir('x.meta4'), text);
    const run = await runIn(dir(), ['get', '--metalink', 'x.meta4', '--json', '-j', '1']);
    expectStatus(run, 0);
    for (const name of ['a.bin', 'b.bin']) expectSameContent(inDir(name), 5, SIZE);
    expect(filesIn(dir())).deep.equal(['a.bin', 'b.bin', 'x.meta4']);
    const done = run.events.filter(({ type }) => type === 'done');
    expect(done[0]).deep.include({ digests: { sha256: origin.digest() }, pieces: 13 });
    // A mirror is asked for one byte first.
    const repair = origin.requests.find(
      ({ target, range }) => target === '/good' && range !== null && range.end - range.start > 1,
    );
    expect(repair?.range?.start).least(2 * PIECE - 4096);
    expect(repair?.range?.end).most(3 * PIECE + 4096);
    const again = await runIn(dir(), ['get', '--metalink', 'x.meta4', '-q']);
    expectStatus(again, 0);
  });

  it('P8: a file of 400,000 pieces: all are verified, and one that is wrong is fetched again', async function () {
    this.timeout(300_000);
    const length = 64;
    const count = 400_000;
    const bytes = Buffer.from(contentAt(9, 0, length * count - 5));
    let hashes = '';
    for (let at = 0; at < bytes.length; at += length)
      hashes += `<hash>${createHash('sha256')
        .update(bytes.subarray(at, at + length))
        .digest('hex')}</hash>\n`;
    const wrong = Buffer.from(bytes);
    wrong[length * 300_000] = (wrong[length * 300_000] ?? 0) ^ 1;
    origin.route('/good', { bytes, etag: '"good"' });
    origin.route('/bad', { bytes: wrong, etag: '"bad"' });
    const pieces = `<pieces type="sha-256" length="${length}">${hashes}</pieces>`;
    const size = `<size>${bytes.length}</size>`;
    const text = document(
      `<file name="a.bin">${size}${pieces}${url('/good', 2)}${url('/bad')}</file>`,
    );
    expect(text.length).above(30e6);
    writeFileSync(inDir('x.meta4'), text);
    const run = await runIn(dir(), ['get', '--metalink', 'x.meta4', '--json']);
    expectStatus(run, 0);
    expect(run.events.at(-1)).deep.include({ type: 'done', pieces: count });
    expect(readFileSync(inDir('a.bin')).equals(bytes)).equal(true);
  });

  it('P15: more digests of pieces than can be borne are not used, and the user is told', async () => {
    const hashes = `<hash>${'ab'.repeat(16)}</hash>`.repeat(MAX_PIECES + 1);
    const pieces = `<pieces type="md5" length="5">${hashes}</pieces>`;
    writeFileSync(inDir('x.meta4'), document(fileXml('a.bin', sha256(), pieces, url('/good'))));
    const run = await runIn(dir(), ['get', '--metalink', 'x.meta4', '--json']);
    expectStatus(run, 0);
    expect(run.events[0]).deep.include({
      type: 'warning',
      message: 'the Metalink has more than 600000 digests of pieces, so they are not used',
    });
    expectSameContent(inDir('a.bin'), 5, SIZE);
  });

  it('P8: a Metalink over HTTP; a wrong digest of it is exit 9', async () => {
    const put = (hex: string): void =>
      origin.route('/x.meta4', {
        bytes: Buffer.from(document(fileXml('a.bin', sha256(hex), url('/good')))),
      });
    put('00'.repeat(32));
    const metalink = ['get', '--metalink', origin.server.url('/x.meta4')];
    expectStatus(await runIn(dir(), metalink), 9);
    expect(filesIn(dir())).not.include('a.bin');
    put(origin.digest());
    origin.fault({ target: '/x.meta4', fault: { kind: 'status', status: 503, retryAfter: 0 } });
    expectStatus(await runIn(dir(), [...metalink, '-H', 'X-Key: k', '-o', 'c.bin']), 0);
    expectSameContent(inDir('c.bin'), 5, SIZE);
  });

  it('P11: what is sent goes to the origin of the Metalink only, and to nobody from a file', async () => {
    const other = await Origin.start({ size: SIZE, seed: 5 });
    try {
      const text = document(fileXml('a.bin', `<url>${other.url}</url>`));
      origin.route('/x.meta4', { bytes: Buffer.from(text) });
      writeFileSync(inDir('x.meta4'), text);
      const secrets = ['-H', 'X-Key: k', '-u', 'u:p'];
      for (const where of [origin.server.url('/x.meta4'), 'x.meta4']) {
        const args = ['get', '--metalink', where, '--on-exists', 'overwrite', ...secrets];
        expectStatus(await runIn(dir(), args), 0);
      }
      const sent = ({ requests }: Origin): string =>
        JSON.stringify(requests.map(({ fields }) => fields));
      expect(sent(origin))
        .match(/x-key/)
        .match(/authorization/);
      expect(other.requests.length).greaterThan(0);
      expect(sent(other)).not.match(/x-key|authorization/);
    } finally {
      await other.close();
    }
  });

  it('P8: a Metalink that cannot be used is told before anything is asked', async () => {
    writeFileSync(inDir('bomb.meta4'), `<!DOCTYPE m [<!ENTITY a "a">]>${document()}`);
    const run = await runIn(dir(), ['get', '--metalink', 'bomb.meta4', '--json']);
    expectStatus(run, 2);
    expect((run.events.at(-1) as ErrorEvent).code).equal('METALINK_INVALID');
    writeFileSync(
      inDir('two.meta4'),
      document(fileXml('a', url('/good')), fileXml('b', url('/good'))),
    );
    expectStatus(await runIn(dir(), ['get', '--metalink', 'two.meta4', '-o', 'c']), 2);
    expectStatus(await runIn(dir(), ['get', '--metalink', 'absent.meta4']), 2);
    expect(origin.requests).deep.equal([]);
  });

  it('P8: --checksum @FILE and URL: the line of the name is verified', async () => {
    const zeros = '00'.repeat(32);
    const list = `${zeros}  other.bin\n${origin.digest()} *file.bin\nSHA1 (file.bin) = ${origin.digest('sha1')}\n`;
    writeFileSync(inDir('SHA256SUMS'), list);
    origin.route('/pub/SHA256SUMS', { bytes: Buffer.from(list) });
    for (const where of ['@SHA256SUMS', origin.server.url('/pub/SHA256SUMS')]) {
      const args = ['get', origin.url, '--json', '--on-exists', 'overwrite', '--checksum', where];
      const run = await runIn(dir(), args);
      expectStatus(run, 0);
      expect(run.events.at(-1)).deep.include({
        digests: { sha256: origin.digest(), sha1: origin.digest('sha1') },
      });
    }
    const wrong = ['get', origin.server.url('/other.bin'), '--checksum', '@SHA256SUMS'];
    expectStatus(await runIn(dir(), wrong), 9);
    expect(filesIn(dir())).not.include('other.bin');
  });

  it('P8: lists of other programs: BLAKE2b beside SHA-512, UTF-16, and one that cannot be computed', async () => {
    const blake2b = origin.digest('blake2b512');
    const gentoo = `# BLAKE2B HASH\n${blake2b}  file.bin\n# SHA512 HASH\n${origin.digest('sha512')}  file.bin\n`;
    writeFileSync(inDir('DIGESTS'), gentoo);
    writeFileSync(
      inDir('hash.txt'),
      Buffer.from(`\ufeffSHA256 ${origin.digest()} C:\\file.bin\r\n`, 'utf16le'),
    );
    writeFileSync(inDir('sha3'), `SHA3-256(file.bin)= ${origin.digest('sha3-256')}\n`);
    for (const [list, algorithms] of [
      ['DIGESTS', ['blake2b', 'sha512']],
      ['hash.txt', ['sha256']],
      ['sha3', ['sha3-256']],
    ] as const) {
      const args = ['get', origin.url, '--json', '--on-exists', 'overwrite', '--checksum'];
      const run = await runIn(dir(), [...args, `@${list}`]);
      expectStatus(run, 0);
      expect(Object.keys((run.events.at(-1) as DoneEvent).digests ?? {}).sort()).deep.equal(
        algorithms,
      );
    }
    const { length } = origin.requests;
    writeFileSync(inDir('rmd'), `RMD160(file.bin)= ${'00'.repeat(20)}\n`);
    const run = await runIn(dir(), ['get', origin.url, '-o', 'other', '--checksum', '@rmd']);
    expectStatus(run, 2);
    expect(run.stderr).contain('RMD160').and.contain('next: ');
    expect(origin.requests.length).equal(length);
  });

  it('P8: a list without a line for the file, or with two, is told before a byte is kept', async () => {
    writeFileSync(inDir('sums'), `${'00'.repeat(32)}  a/f\n${'11'.repeat(32)}  b/f\n`);
    for (const [target, name] of [
      ['/x', 'x'],
      ['/f', 'f'],
    ] as const) {
      const args = ['get', origin.server.url(target), '--checksum', '@sums', '--json'];
      const run = await runIn(dir(), args);
      expectStatus(run, 2);
      expect((run.events.at(-1) as ErrorEvent).code).equal('CHECKSUM_LIST_INVALID');
      expect(filesIn(dir())).deep.equal(['sums']);
      expect(name).not.equal('');
    }
    const huge = ['get', origin.url, '--checksum', origin.url];
    expectStatus(await runIn(dir(), huge), 7);
  });

  it('P8: the name of Content-Disposition is looked up, and resume checks what get was told', async () => {
    writeFileSync(inDir('sums'), `${'00'.repeat(32)}  real.bin\n`);
    origin.set({ fields: { 'Content-Disposition': 'attachment; filename="real.bin"' } });
    expectStatus(await runIn(dir(), ['get', origin.url, '--checksum', '@sums']), 9);
    expect(filesIn(dir())).include('real.bin.part');
    expectStatus(await runIn(dir(), ['resume', 'real.bin']), 9);
    writeFileSync(inDir('sums'), `${origin.digest()}  real.bin\n`);
    expectStatus(await runIn(dir(), ['resume', 'real.bin', '--checksum', '@sums']), 0);
    expectSameContent(inDir('real.bin'), 5, SIZE);
  });

  it('P16: a Metalink that does not come: stopped by a signal, or by its deadline', async () => {
    origin.fault({ times: Infinity, fault: { kind: 'stall', at: 10 } });
    const asked = origin.server.until(({ requests }) => requests.length > 0);
    const metalink = ['get', '--metalink', origin.url, '--retries', '0'];
    const stopped = await runIn(dir(), metalink, {
      signalWhen: { when: asked, signal: 'SIGINT' },
    });
    expectStatus(stopped, 130);
    expectStatus(await runIn(dir(), [...metalink, '--stall-timeout', '500ms']), 4);
    expectStatus(await runIn(dir(), [...metalink, '--max-time', '500ms']), 4);
  });

  it('P13: a name of a Metalink does not leave the directory', async () => {
    mkdirSync(inDir('in'));
    writeFileSync(inDir('x.meta4'), document(fileXml('../../out.bin', url('/good'))));
    expectStatus(await runIn(dir(), ['get', '--metalink', 'x.meta4', '-d', 'in']), 0);
    expect(filesIn(dir())).deep.equal(['in', 'x.meta4']);
    expect(readFileSync(inDir('in/out.bin'))).length(SIZE);
  });
});
