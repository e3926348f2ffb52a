import { expect } from 'chai';
import { mkdirSync, readFileSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { takeLock } from '../../../src/disk/lock.js';
import type { Lock, LockOptions } from '../../../src/disk/lock.js';
import { mayBeShared } from '../../../src/disk/machine.js';
import { lockPath, targetOf } from '../../../src/disk/names.js';
import * as presence from '../../../src/net/exclusive.js';
import { expectCode, temporaryDirectory } from './files.js';
import { mountSmallDisk } from './small-disk.js';

const HERE = '1111111111111111';
const ELSEWHERE = '2222222222222222';
/** Sockets as a file system has them that has none. */
const deaf = { ...presence, listenAt: () => Promise.resolve(null) };

describe('disk/lock', () => {
  const at = temporaryDirectory();
  let held: Lock[];

  beforeEach(() => (held = []));
  afterEach(() => Promise.all(held.map((lock) => lock.release())));

  async function take(options: Partial<LockOptions> = {}, target = at('x')): Promise<Lock> {
    const lock = await takeLock(target, { presence, machine: HERE, shared: false, ...options });
    if (lock === null) throw new Error('there is no lock');
    held.push(lock);
    return lock;
  }

  /** Leaves a lock as a process leaves it that is killed. */
  async function die(lock: Lock): Promise<void> {
    const names = readdirSync(lockPath(at('x')));
    await lock.release();
    held = held.filter((each) => each !== lock);
    mkdirSync(lockPath(at('x')));
    // A socket that refuses and a file that nobody touches are the same to whoever looks.
    for (const name of names) writeFileSync(path.join(lockPath(at('x')), name), '');
  }

  const busy = (options: Partial<LockOptions> = {}, target = at('x')): Promise<unknown> =>
    expectCode('TARGET_BUSY', () => take(options, target));

  it("P18: is one holder's until it is given back, and leaves nothing", async () => {
    const lock = await take();
    expect(readdirSync(at())).to.deep.equal(['x.sluice.lock']);
    await busy();
    lock.requireHeld();
    await lock.release();
    held = [];
    expect(readdirSync(at())).to.deep.equal([]);
    await take();
  });

  it('P18: of many that want it at once, one gets it', async () => {
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => take()));
    expect(all.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    expect(readdirSync(at())).to.deep.equal(['x.sluice.lock']);
  });

  it('of a dead process is taken over at once, with what it was making ready', async () => {
    await die(await take());
    mkdirSync(`${lockPath(at('x'))}.0`);
    mkdirSync(`${lockPath(at('x'))}.1`);
    writeFileSync(path.join(`${lockPath(at('x'))}.1`, `${HERE}-${HERE}.new`), '');
    let waited = false;
    const lock = await take({ onWait: () => (waited = true) });
    await lock.release();
    expect(waited).to.equal(false);
    expect(readdirSync(at())).to.deep.equal(['x.sluice.lock.1']);
    held = [];
  });

  it('of a run before the last boot is taken over at once, where no other machine has the disk', async () => {
    await die(await take({ machine: ELSEWHERE }));
    await take({ stillMs: 60_000 });
  });

  it('where there are no sockets, the process is looked for', async () => {
    const lock = await take({ presence: deaf });
    const [beat = ''] = readdirSync(lockPath(at('x')));
    expect(beat).to.match(/\.beat$/);
    await busy({ presence: deaf, stillMs: 60_000 });
    const file = path.join(lockPath(at('x')), beat);
    // The number of a process is used again; when it started tells the two apart.
    writeFileSync(
      file,
      JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), started: '1' }),
    );
    await take({ presence: deaf, stillMs: 60_000 });
    await expectCode('TARGET_BUSY', () => lock.requireHeld());
  });

  it('P26: of a beat some KiB are read, and nothing but digits reaches a path', async () => {
    await take({ presence: deaf });
    const [beat = ''] = readdirSync(lockPath(at('x')));
    const file = path.join(lockPath(at('x')), beat);
    const alive = readFileSync(file, 'utf8').trim();
    const { pid } = JSON.parse(alive) as { pid: string };
    for (const [text, believed] of [
      [alive.padStart(4096), true],
      [alive.padStart(4097), false],
      [alive.replace(`"${pid}"`, `"self/task/${pid}"`), false],
      [alive.replace(`"${pid}"`, `"${pid}/../${pid}"`), false],
    ] as const) {
      writeFileSync(file, text);
      // What cannot be told from it is told by watching it.
      const abort = new AbortController();
      const { signal } = abort;
      const other = take({ presence: deaf, stillMs: 1e6, signal, onWait: () => abort.abort() });
      const error: unknown = await other.catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(Error);
      expect(signal.aborted, text.trim()).to.equal(!believed);
      if (believed) expect(error).to.have.property('code', 'TARGET_BUSY');
    }
  });

  describe('where other machines may have the directory', () => {
    const there = { machine: ELSEWHERE, shared: true, beatMs: 20 };
    const here = { shared: true, beatMs: 20, stillMs: 400 };

    it('P18: a holder on another machine is known by its beat', async () => {
      const lock = await take(there);
      await busy(here);
      lock.requireHeld();
    });

    it('a dead one is taken over when its beat has stood still, and that is said', async () => {
      await die(await take(there));
      const waits: number[] = [];
      await take({ ...here, onWait: (ms) => waits.push(ms) });
      expect(waits).to.deep.equal([400]);
    });

    it('a dead one of this machine is taken over without waiting', async () => {
      await die(await take(here));
      await take({ ...here, stillMs: 60_000 });
    });

    it('P18: whoever was taken for dead does not go on', async () => {
      const lock = await take({ ...there, beatMs: 1e6 });
      await take(here);
      const error = await expectCode('TARGET_BUSY', () => lock.requireHeld());
      expect(error.message).to.contain('took this download over');
    });

    it('P16: the watching ends when it is told to', async () => {
      await die(await take(there));
      const abort = new AbortController();
      const waiting = take({
        ...here,
        stillMs: 1e6,
        signal: abort.signal,
        onWait: () => abort.abort(),
      });
      expect(await waiting.catch((error: unknown) => error)).to.be.instanceOf(Error);
      expect(readdirSync(at())).to.deep.equal(['x.sluice.lock']);
    });

    it('a lock that is given back while it is watched is taken', async () => {
      const lock = await take({ ...there, beatMs: 1e6 });
      held = [];
      await take({ ...here, stillMs: 1e6, onWait: () => void lock.release() });
    });
  });

  it('a lock that somebody removes ends nothing', async () => {
    const lock = await take();
    const [name = ''] = readdirSync(lockPath(at('x')));
    unlinkSync(path.join(lockPath(at('x')), name));
    lock.requireHeld();
    await take();
    await expectCode('TARGET_BUSY', () => lock.requireHeld());
  });

  it('is for its owner alone', async () => {
    await take();
    expect(statSync(lockPath(at('x'))).mode & 0o777).to.equal(0o700);
  });

  it('is found however long the path and the name are', async () => {
    const deep = at(`${'d'.repeat(200)}/${'e'.repeat(200)}`);
    mkdirSync(deep, { recursive: true });
    const target = path.join(deep, 'n'.repeat(247));
    await take({}, target);
    const [name = ''] = readdirSync(deep);
    expect(readdirSync(path.join(deep, name))[0]).to.match(/\.socket$/);
    await busy({}, target);
    await take({}, `${target.slice(0, -1)}m`);
    expect(targetOf(at('x.sluice.lock'))).to.equal(at('x'));
  });

  it('is done without where nothing can be made', async function () {
    const disk = mountSmallDisk(1024 * 1024, 'nr_inodes=4');
    if (disk === null) return this.skip();
    try {
      writeFileSync(path.join(disk.dir, 'a'), '');
      writeFileSync(path.join(disk.dir, 'b'), '');
      writeFileSync(path.join(disk.dir, 'c'), '');
      expect(await takeLock(path.join(disk.dir, 'x'), { presence })).to.equal(null);
      unlinkSync(path.join(disk.dir, 'c'));
      // Room for the directory, but not for what is in it.
      expect(await takeLock(path.join(disk.dir, 'x'), { presence })).to.equal(null);
      expect(readdirSync(disk.dir)).to.deep.equal(['a', 'b']);
    } finally {
      disk.remove();
    }
  });

  it('knows which file systems other machines cannot have', () => {
    expect(mayBeShared(at())).to.equal(false);
    expect(mayBeShared('/proc')).to.equal(true);
  });
});
