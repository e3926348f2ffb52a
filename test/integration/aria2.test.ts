/** `resume FILE.aria2 --url URL`: what aria2 left is gone on with, and stays until the new file is proven. */
import { createHash } from 'node:crypto';
import { spawn, execFile } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import type { SluiceError } from '../../src/errors.js';
import { parseAria2Control } from '../../src/formats/aria2-control.js';
import { contentAt } from '../helpers/content.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { MALLORY, give } from '../helpers/users.js';

const MIB = 1024 * 1024;
const SIZE = 8 * MIB;
const PIECE = MIB;
const RIGHT = createHash('sha256')
  .update(contentAt(1, 0, SIZE))
  .digest('hex');

/** A control file: whole pieces, and blocks of one that is under way. */
function control(
  version: 0 | 1,
  pieces: number[],
  underWay: { index: number; blocks: number } | null,
) {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    if (version === 1) bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  };
  const u64 = (value: number): Buffer =>
    version === 1 ? Buffer.concat([u32(0), u32(value)]) : Buffer.concat([u32(value), u32(0)]);
  const bits = Buffer.alloc(1);
  for (const index of pieces) bits[0] = (bits[0] ?? 0) | (0x80 >> index);
  const blocks = Buffer.alloc(8);
  for (let at = 0; at < (underWay?.blocks ?? 0); at++)
    blocks[at >> 3] = (blocks[at >> 3] ?? 0) | (0x80 >> (at & 7));
  const flights =
    underWay === null
      ? [u32(0)]
      : [u32(1), u32(underWay.index), u32(PIECE), u32(blocks.length), blocks];
  const head = [Buffer.from([0, version, 0, 0, 0, 0]), u32(0), u32(PIECE), u64(SIZE), u64(0)];
  return Buffer.concat([...head, u32(1), bits, ...flights]);
}

describe('what aria2 left', () => {
  const dir = tempDirPerTest();
  let origin: Origin;
  before(async () => {
    origin = await Origin.start({ size: SIZE, path: '/file.bin' });
    origin.route('/other', { size: SIZE, seed: 2 });
  });
  after(() => origin.close());

  const file = (): string => path.join(dir(), 'file.bin');
  const resume = (url: string, ...more: string[]) =>
    runIn(dir(), ['resume', 'file.bin.aria2', '--url', url, ...more]);
  const sentSince = (from: number): number =>
    origin.requests.slice(from).reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);

  /** Pieces 0 and 5, and 32 blocks of 16 KiB of piece 2. */
  function lay(version: 0 | 1): void {
    const bytes = Buffer.alloc(SIZE);
    contentAt(1, 0, PIECE).forEach((byte, at) => (bytes[at] = byte));
    Buffer.from(contentAt(1, 2 * PIECE, PIECE / 2)).copy(bytes, 2 * PIECE);
    Buffer.from(contentAt(1, 5 * PIECE, PIECE)).copy(bytes, 5 * PIECE);
    writeFileSync(file(), bytes);
    writeFileSync(`${file()}.aria2`, control(version, [0, 5], { index: 2, blocks: 32 }));
  }

  for (const version of [0, 1] as const)
    it(`P9: version ${version}: only what is missing is fetched`, async () => {
      lay(version);
      const from = origin.requests.length;
      expectStatus(await resume(origin.url), 0);
      expectSameContent(file(), 1, SIZE);
      expect(existsSync(`${file()}.aria2`)).equal(false);
      expect(sentSince(from)).within(5 * MIB, 6 * MIB);
    });

  it('P7: a link to another file is exit status 8; aria2 can still go on', async () => {
    lay(1);
    const before = [readFileSync(file()), readFileSync(`${file()}.aria2`)];
    expectStatus(await resume(origin.server.url('/other')), 8);
    expect(readFileSync(file()).equals(before[0] as Buffer)).equal(true);
    expect(readFileSync(`${file()}.aria2`).equals(before[1] as Buffer)).equal(true);
    expectStatus(await resume(origin.url), 0);
    expectSameContent(file(), 1, SIZE);
  });

  it('P8: bytes that are claimed and wrong are refused by a digest, and replace nothing', async () => {
    lay(1);
    const bytes = readFileSync(file());
    bytes[300_000] = (bytes[300_000] ?? 0) ^ 1;
    writeFileSync(file(), bytes);
    expectStatus(await resume(origin.url, '--checksum', `sha256:${RIGHT}`), 9);
    expect(readFileSync(file()).equals(bytes)).equal(true);
    expect(existsSync(`${file()}.aria2`)).equal(true);
  });

  it('P25: what others may write to, or have laid, is not taken over', async () => {
    for (const name of [file(), `${file()}.aria2`]) {
      lay(1);
      chmodSync(name, 0o666);
      expectStatus(await resume(origin.url), 11);
      chmodSync(name, 0o644);
      if (process.getuid?.() !== 0) continue;
      give(name, MALLORY);
      expectStatus(await resume(origin.url), 11);
      rmSync(name);
    }
    expect(existsSync(`${file()}.part`)).equal(false);
  });

  it('P25: a control file that another user laid lets nothing be replaced', async function () {
    if (process.getuid?.() !== 0) return this.skip();
    lay(1);
    const other = await Origin.start({ size: SIZE, path: '/file.bin' });
    try {
      other.fault({ times: Infinity, fault: { kind: 'reset', at: 100_000 } });
      rmSync(file());
      const args = ['get', other.url, '-o', 'file.bin', '--retries', '0', '-n', '1'];
      expectStatus(await runIn(dir(), args), 4);
      writeFileSync(file(), 'mine');
      give(`${file()}.aria2`, MALLORY);
      expectStatus(await runIn(dir(), ['resume', 'file.bin', '--url', origin.url]), 11);
      expect(readFileSync(file(), 'utf8')).equal('mine');
    } finally {
      await other.close();
    }
  });

  it('needs a link, and says so', async () => {
    lay(1);
    const run = await runIn(dir(), ['resume', 'file.bin.aria2']);
    expectStatus(run, 2);
    expect(run.stderr).contain('--url URL');
  });

  it('a real aria2 that is killed in its middle is gone on with', async function () {
    const has = await promisify(execFile)('aria2c', ['--version']).catch(() => null);
    if (has === null) return this.skip();
    const slow = await Origin.start({ size: SIZE, rate: 2 * MIB, path: '/file.bin' });
    try {
      const args = ['-q', '--no-conf', '-x2', '-s2', '-k1M', '--auto-save-interval=1', slow.url];
      const aria2 = spawn('aria2c', args, { cwd: dir(), stdio: 'ignore' });
      const ended = new Promise((resolve) => aria2.once('exit', resolve));
      const saved = (): boolean => {
        if (!existsSync(`${file()}.aria2`)) return false;
        const bytes = readFileSync(`${file()}.aria2`);
        try {
          const { extents } = parseAria2Control(bytes, '');
          return extents.reduce((sum, { start, end }) => sum + end - start, 0) > MIB;
        } catch {
          return false;
        }
      };
      while (!saved() && aria2.exitCode === null)
        await new Promise((resolve) => setTimeout(resolve, 20));
      aria2.kill('SIGKILL');
      await ended;
      expect(statSync(file()).size).above(0);
      const from = origin.requests.length;
      expectStatus(await resume(origin.url), 0);
      expectSameContent(file(), 1, SIZE);
      expect(sentSince(from)).below(SIZE - MIB / 2);
    } finally {
      await slow.close();
    }
  });

  it('P15: what is no control file is refused', () => {
    const whole = control(1, [0, 5], { index: 2, blocks: 32 });
    expect(parseAria2Control(whole, '')).deep.equal({
      total: SIZE,
      extents: [
        { start: 0, end: PIECE },
        { start: 2 * PIECE, end: 2.5 * PIECE },
        { start: 5 * PIECE, end: 6 * PIECE },
      ],
    });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), (at, byte, isCut) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        try {
          const { total, extents } = parseAria2Control(isCut ? bytes.subarray(0, at) : bytes, '');
          let last = 0;
          for (const { start, end } of extents) {
            expect(start).least(last);
            expect(end).above(start).and.most(total);
            last = end;
          }
        } catch (error) {
          expect((error as SluiceError).code).equal('NOTHING_TO_RESUME');
        }
      }),
    );
  });
});
