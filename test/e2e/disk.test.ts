import { expect } from 'chai';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { age } from '../crash/age.js';
import { bytesIn, claimed, expectNotAsked } from '../crash/claims.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { leaveWith, untilClaimed } from '../helpers/leave.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { spawnSluice } from '../helpers/run-sluice.js';
import { mountSmallDisk } from '../unit/disk/small-disk.js';

const MIB = 1024 * 1024;
const SIZE = 6 * MIB;
const SEED = 21;
/** Bytes a second and connection: a file takes 12 s, and something is claimed after one. */
const SLOW = 500_000;

describe('e2e/disk', () => {
  const dir = tempDirPerTest();
  let origin: Origin;
  const bench = benchPerTest();
  let engine: Engine;

  beforeEach(async () => {
    engine = bench.engine();
    origin = await Origin.start({ size: SIZE, seed: SEED, rate: 4_000_000 });
  });
  afterEach(() => origin.close());

  const inDir = (name: string): string => path.join(dir(), name);

  /** Runs under strace, which spoils a system call on the files; it counts calls by thread. */
  const spoiled = (inject: string | string[], files: string[], ...args: string[]) =>
    runIn(dir(), ['get', origin.url, '-o', inDir('x'), '-n', '2', '--sync', 'full', ...args], {
      env: { UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '1' },
      prefix: [
        ...['strace', '-f', '-qq', '-o', '/dev/null'],
        ...files.flatMap((name) => ['-P', inDir(name)]),
        ...[inject].flat().flatMap((each) => ['-e', `inject=${each}`]),
      ],
    });

  async function expectResumable(): Promise<void> {
    expect(existsSync(inDir('x'))).to.equal(false);
    origin.set({ rate: Infinity });
    // In this process, for the command has nothing to add.
    const again = await engine.get(origin.url, { output: inDir('x') });
    expectDone(again, { seed: SEED, size: SIZE });
    expect(filesIn(dir())).to.deep.equal(['x']);
  }

  const FAULTS: Array<[what: string, inject: string, files: string[]]> = [
    ['ENOSPC at the first write', 'pwrite64:error=ENOSPC:when=1', ['x.part']],
    ['ENOSPC later', 'pwrite64:error=ENOSPC:when=5+', ['x.part']],
    ['EDQUOT', 'pwrite64:error=EDQUOT:when=5+', ['x.part']],
    ['EIO of a write', 'pwrite64:error=EIO:when=5', ['x.part']],
    ['EFBIG', 'pwrite64:error=EFBIG:when=5+', ['x.part']],
    ['EROFS', 'pwrite64:error=EROFS:when=5+', ['x.part']],
    ['EIO of the sync of the part', 'fdatasync:error=EIO:when=1', ['x.part']],
    ['EIO of a write of the journal', 'pwrite64:error=EIO:when=2+', ['x.sluice']],
    ['EIO of the sync of the journal', 'fsync,fdatasync:error=EIO:when=1+', ['x.sluice']],
    ['ENOSPC at the creation of the journal', 'pwrite64:error=ENOSPC:when=1', ['x.sluice']],
    ['ENOSPC of the length', 'ftruncate:error=ENOSPC:when=1', ['x.part']],
    ['EIO of the length', 'ftruncate:error=EIO:when=1', ['x.part']],
    ['EIO of the sync of the directory', 'fsync:error=EIO:when=1+', ['']],
    ['EROFS of the first name', 'openat:error=EROFS:when=1', ['x.part']],
    ['EMFILE of the first name', 'openat:error=EMFILE:when=1', ['x.part']],
    ['EDQUOT of the first name', 'openat:error=EDQUOT:when=1', ['x.part']],
    ['EDQUOT of the journal', 'openat:error=EDQUOT:when=1', ['x.sluice']],
    ['ESTALE of the length', 'ftruncate:error=ESTALE:when=1', ['x.part']],
  ];

  for (const [what, inject, files] of FAULTS) {
    it(`P17: ${what} ends with exit status 10 and stays resumable`, async function () {
      if (findProgram('strace') === null) return this.skip();
      const run = await spoiled(inject, files);
      expectStatus(run, 10);
      expect(run.stderr).to.contain('next: ');
      await expectResumable();
    });
  }

  for (const [errno, words] of [
    ['ENOSPC', /reserve space for .*no space is left.* needed/],
    ['EDQUOT', /quota is used up/],
    ['EFBIG', /larger than the filesystem/],
  ] as const) {
    it(`P17: ${errno} of --preallocate full ends with exit status 10 before the first byte`, async function () {
      if (findProgram('strace') === null) return this.skip();
      const inject = `fallocate:error=${errno}`;
      const run = await spoiled(inject, ['x.part'], '--preallocate', 'full');
      expectStatus(run, 10);
      expect(run.stderr).to.match(words).and.to.contain('next: ');
      expect(filesIn(dir())).to.deep.equal([]);
      await expectResumable();
    });
  }

  it('--preallocate full where blocks cannot be reserved is done with zeros', async function () {
    if (findProgram('strace') === null) return this.skip();
    origin.set({ rate: Infinity });
    const inject = 'fallocate:error=EOPNOTSUPP';
    expectStatus(await spoiled(inject, ['x.part'], '--preallocate', 'full'), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
  });

  it('P17: --preallocate full takes its space at once, and keeps what it has when that fails', async function () {
    const disk = mountSmallDisk(10 * MIB);
    if (disk === null) return this.skip();
    try {
      origin.set({ rate: SLOW });
      const args = ['get', origin.url, '-o', path.join(disk.dir, 'x'), '--preallocate'];
      const run = spawnSluice([...args, 'full', '--json'], { cwd: dir() });
      await run.waitFor(/"type":"progress"/);
      expect(statSync(path.join(disk.dir, 'x.part')).blocks * 512).to.equal(SIZE);
      run.kill('SIGINT');
      expectStatus(await run.ended, 130);
      truncateSync(path.join(disk.dir, 'x.part'), SIZE / 2);
      writeFileSync(path.join(disk.dir, 'other'), Buffer.alloc(5 * MIB));
      const full = await runIn(dir(), [...args, 'full']);
      expectStatus(full, 10);
      expect(full.stderr).to.match(/3 MiB needed, [\d.]+ MiB free/);
      rmSync(path.join(disk.dir, 'other'));
      origin.set({ rate: Infinity });
      expectStatus(await runIn(dir(), [...args, 'full']), 0);
      expectSameContent(path.join(disk.dir, 'x'), SEED, SIZE);
    } finally {
      disk.remove();
    }
  });

  it('P17: writes that take less than they were given are gone on with', async function () {
    if (findProgram('strace') === null) return this.skip();
    origin.set({ rate: Infinity });
    const run = await spoiled('pwrite64:retval=0:when=3', ['x.part'], '--retries', '0');
    // A write that takes nothing at all is a failure, never an endless loop and never a hole.
    expectStatus(run, 10);
    await expectResumable();
  });

  it('P17: a full disk says how much is missing; with room it goes on', async function () {
    const disk = mountSmallDisk(4 * MIB);
    if (disk === null) return this.skip();
    try {
      const target = path.join(disk.dir, 'x');
      const run = await runIn(dir(), ['get', origin.url, '-o', target]);
      expectStatus(run, 10);
      expect(run.stderr).to.match(/6 MiB needed, 4 MiB free, 2 MiB missing/);
      expect(filesIn(disk.dir)).to.deep.equal([]);
      // Nobody knows the length: it is full in the middle.
      origin.set({ rate: Infinity, framing: 'chunked', ranges: false });
      const late = await runIn(dir(), ['get', origin.url, '-o', target]);
      expectStatus(late, 10);
      expect(late.stderr).to.contain('no space is left');
      expect(existsSync(target)).to.equal(false);
    } finally {
      disk.remove();
    }
  });

  it('P17: a replacing that fails leaves what was there', async function () {
    if (findProgram('strace') === null) return this.skip();
    writeFileSync(inDir('x'), 'old');
    const run = await spoiled(
      'rename:error=EIO:when=1',
      ['x', 'x.part'],
      '--on-exists',
      'overwrite',
    );
    expectStatus(run, 10);
    expect(readFileSync(inDir('x'), 'utf8')).to.equal('old');
    rmSync(inDir('x'));
    await expectResumable();
  });

  for (const [what, inject] of [
    ['the name', 'rename:error=EIO:when=1+'],
    ['the sync', 'fsync:error=EIO:when=1+'],
    ['the space', 'pwrite64:error=ENOSPC:when=1+'],
  ] as const) {
    it(`P17: a journal that cannot be rewritten for ${what} goes on as it is`, async function () {
      if (findProgram('strace') === null) return this.skip();
      const args = ['get', origin.url, '-o', 'x', '-n', '2'];
      origin.set({ rate: SLOW });
      await leaveWith(args, inDir('x'), { cwd: dir() });
      expect(await age(inDir('x'), 700)).to.equal(true);
      origin.set({ rate: 500_000 });
      // Only the new journal is spoiled.
      const run = await spoiled(inject, ['x.sluice~']);
      expectStatus(run, 0);
      expectSameContent(inDir('x'), SEED, SIZE);
      expect(filesIn(dir())).to.deep.equal(['x']);
    });
  }

  it('P17: a disk that fills up in the middle, and has room again', async function () {
    const disk = mountSmallDisk(16 * 1024 * 1024);
    if (disk === null) return this.skip();
    try {
      const target = path.join(disk.dir, 'x');
      const filler = path.join(disk.dir, 'filler');
      origin.set({ rate: SLOW });
      const run = spawnSluice(['get', origin.url, '-o', target, '-n', '2'], { cwd: dir() });
      await untilClaimed(run, target);
      // What is left goes to somebody else, but for what the download has already.
      fillUp(filler);
      const full = await run.ended;
      expectStatus(full, 10);
      expect(full.stderr).to.match(/no space is left on the disk .*missing/s, full.stderr);
      const known = claimed(target);
      expect(bytesIn(known)).to.be.above(0);
      rmSync(filler);
      const from = origin.requests.length;
      origin.set({ rate: Infinity });
      expectStatus(await runIn(dir(), ['resume', target]), 0);
      expectSameContent(target, SEED, SIZE);
      expectNotAsked(origin.requests.slice(from), known, 'after the disk was full');
    } finally {
      disk.remove();
    }
  });

  it('P17: a read-only filesystem is named as what it is', async function () {
    const disk = mountSmallDisk(64 * MIB, 'ro');
    if (disk === null) return this.skip();
    try {
      const run = await runIn(dir(), ['get', origin.url, '-o', path.join(disk.dir, 'x')]);
      expectStatus(run, 10);
      expect(run.stderr).to.match(/cannot create .*x\.part: the filesystem is read-only/);
    } finally {
      disk.remove();
    }
  });

  it('P17: no room for another file ends with exit status 10, and what came is kept', async function () {
    // The directory, the two of the lock, the part and the journal; the final name is one too many.
    const disk = mountSmallDisk(64 * MIB, 'nr_inodes=5');
    if (disk === null) return this.skip();
    try {
      const target = path.join(disk.dir, 'x');
      origin.set({ rate: Infinity });
      const run = await runIn(dir(), ['get', origin.url, '-o', target, '--sync', 'full']);
      expectStatus(run, 10);
      expect(run.stderr)
        .to.contain('df -i')
        .and.to.contain(`${SIZE} of ${SIZE} bytes (100%) are kept`);
      const other = path.join(disk.dir, 'y');
      const second = await runIn(dir(), ['get', origin.url, '-o', other]);
      expectStatus(second, 10);
      expect(filesIn(disk.dir)).to.deep.equal(['x.part', 'x.sluice']);
    } finally {
      disk.remove();
    }
  });

  for (const [onExists, again] of [
    ['fail', 'get'],
    ['fail', 'resume'],
    ['rename', 'get'],
  ] as const) {
    it(`P4: killed between claiming the name and giving it, without hard links: ${onExists}, ${again}`, async function () {
      if (findProgram('strace') === null) return this.skip();
      const mode = ['--on-exists', onExists];
      const final = onExists === 'rename' ? 'x.1' : 'x';
      if (onExists === 'rename') {
        // Somebody's empty file, from before, stays.
        writeFileSync(inDir('x'), '');
        utimesSync(inDir('x'), 1000, 1000);
      }
      origin.set({ rate: Infinity });
      const dead = await spoiled(
        ['link:error=EPERM', 'rename:signal=KILL:when=1'],
        ['x', 'x.1', 'x.part'],
        ...mode,
      );
      expect(dead.status).to.equal(null);
      expect(statSync(inDir(final)).size).to.equal(0);
      const from = origin.requests.length;
      const args = again === 'get' ? ['get', origin.url, '-o', 'x', ...mode] : ['resume', 'x'];
      expectStatus(await runIn(dir(), args), 0);
      expectSameContent(inDir(final), SEED, SIZE);
      expect(filesIn(dir())).to.deep.equal(onExists === 'rename' ? ['x', 'x.1'] : ['x']);
      const sent = origin.requests.slice(from).reduce((sum, each) => sum + each.bodyBytes, 0);
      expect(sent).to.be.at.most(4096);
    });
  }

  // Which error it is tells nothing, so the code does not look at it.
  for (const errno of ['EIO', 'EPERM']) {
    it(`P2, P17: where link(2) fails with ${errno}, the name is claimed and the part renamed`, async function () {
      if (findProgram('strace') === null) return this.skip();
      origin.set({ rate: Infinity });
      expectStatus(await spoiled(`link:error=${errno}`, ['x', 'x.part']), 0);
      expectSameContent(inDir('x'), SEED, SIZE);
      expect(filesIn(dir())).to.deep.equal(['x']);
    });
  }

  it('P17: where neither link nor rename gives the name, the complete part is kept', async function () {
    if (findProgram('strace') === null) return this.skip();
    origin.set({ rate: Infinity });
    const run = await spoiled(['link:error=EIO', 'rename:error=EIO'], ['x', 'x.part']);
    expectStatus(run, 10);
    expect(run.stderr)
      .to.contain(`${SIZE} of ${SIZE} bytes (100%) are kept`)
      .and.to.contain('next: ');
    const from = origin.requests.length;
    await expectResumable();
    const sent = origin.requests.slice(from).reduce((sum, each) => sum + each.bodyBytes, 0);
    expect(sent).to.be.at.most(4096);
  });

  for (const errno of ['EINVAL', 'EOPNOTSUPP']) {
    it(`P17: a file system that answers ftruncate(2) with ${errno} is written without a length, and resumed`, async function () {
      if (findProgram('strace') === null) return this.skip();
      origin.set({ rate: SLOW });
      await leaveWith(['get', origin.url, '-o', 'x', '-n', '2'], inDir('x'), {
        cwd: dir(),
        prefix: [
          ...'strace -D -f -qq -o /dev/null -e'.split(' '),
          `inject=ftruncate:error=${errno}`,
        ],
        env: { UV_USE_IO_URING: '0', SLUICE_STATE_DIR: inDir('.state') },
      });
      const known = claimed(inDir('x'));
      const from = origin.requests.length;
      origin.set({ rate: Infinity });
      expectStatus(await spoiled(`ftruncate:error=${errno}`, ['x.part', 'x.sluice']), 0);
      expectSameContent(inDir('x'), SEED, SIZE);
      expect(filesIn(dir())).to.deep.equal(['x']);
      expectNotAsked(origin.requests.slice(from), known, 'without lengths');
    });
  }

  /** Of eCryptfs. */
  const NAME_MAX = 143;

  /** A directory that takes names of {@link NAME_MAX} bytes: these are looked at under strace, the longer ones fail. */
  const withShortNames = (names: string[], ...args: string[]) =>
    spoiledCalls(
      names.flatMap((name) => ['.part', '.sluice', '.sluice~', ''].map((end) => name + end)),
      args,
    );

  const spoiledCalls = (names: string[], args: string[]) =>
    runIn(dir(), args, {
      env: { UV_USE_IO_URING: '0' },
      prefix: [
        ...['strace', '-f', '-qq', '-o', '/dev/null'],
        ...names
          .filter((name) => name.length > NAME_MAX)
          .flatMap((name) => ['-P', inDir(name), '-P', name]),
        ...['-e', 'inject=statx,openat,linkat,link,rename:error=ENAMETOOLONG'],
      ],
    });

  it("P13: a server's name is cut to what the directory takes, with the names beside it", async function () {
    if (findProgram('strace') === null) return this.skip();
    origin.set({ rate: Infinity });
    const all = Array.from({ length: 240 }, (_each, at) => `${'n'.repeat(at)}.bin`);
    const url = origin.server.url(`/${'n'.repeat(236)}.bin`);
    expectStatus(await withShortNames(all, 'get', url), 0);
    const name = `${'n'.repeat(NAME_MAX - '.sluice~'.length - '.bin'.length)}.bin`;
    expect(filesIn(dir())).to.deep.equal([name]);
    expectSameContent(inDir(name), SEED, SIZE);
  });

  it('P13: -o with a name that the directory does not take is refused before anything is asked', async function () {
    if (findProgram('strace') === null) return this.skip();
    const name = 'o'.repeat(NAME_MAX - '.sluice~'.length + 1);
    const run = await withShortNames([name], 'get', origin.url, '-o', name);
    expectStatus(run, 2);
    expect(run.stderr).to.contain('too long for its directory').and.to.contain('next: ');
    expect(origin.requests).to.deep.equal([]);
    expect(filesIn(dir())).to.deep.equal([]);
  });

  it('P17: ulimit -f is a failure with a name, not a death', async () => {
    origin.set({ rate: Infinity });
    const prefix = ['sh', '-c', 'ulimit -f 4096; exec "$@"', 'sh'];
    const run = await runIn(dir(), ['get', origin.url, '-o', 'x'], { prefix });
    expectStatus(run, 10);
    expect(run.stderr).to.contain('ulimit');
    if (existsSync(inDir('x.part'))) expect(statSync(inDir('x.part')).size).to.be.at.most(SIZE);
    await expectResumable();
  });
});

/** Takes all the space that a filesystem has left. */
function fillUp(file: string): void {
  const fd = openSync(file, 'w');
  try {
    for (;;) writeSync(fd, Buffer.alloc(64 * 1024));
  } catch (thrown) {
    expect((thrown as NodeJS.ErrnoException).code).to.equal('ENOSPC');
  } finally {
    closeSync(fd);
  }
}
