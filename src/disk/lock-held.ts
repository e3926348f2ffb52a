/** A lock in our hands: a directory with our files in it, at its place or on the way there. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  utimes,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { SluiceError } from '../errors.js';
import type { Log } from '../log.js';
import { diskError, errnoOf } from './errors.js';
import { entryNames } from './lock-holders.js';
import type { LockSetting } from './lock-setting.js';
import { describeProcess } from './machine.js';
import { lstatOrNull } from './part-file.js';

/** What rename(2) answers when a lock is in the place; and what it may answer to what is none, or not ours. */
const TAKEN = new Set(['ENOTEMPTY', 'EEXIST']);
const ODD = new Set(['ENOTDIR', 'EPERM', 'EACCES']);

export class Lock {
  private beating: NodeJS.Timeout | null = null;
  private warned = false;

  private constructor(
    private directory: string,
    /** The directory, whatever its name becomes. */
    private readonly fd: number,
    /** Names of our files in it. */
    private readonly files: readonly string[],
    private readonly socket: { release(): Promise<void> } | null,
    private readonly log: Log,
  ) {}

  /**
   * Puts our files into an empty directory: a socket, and a beat where a socket does not tell everybody
   * that we live. Null when the directory was taken away meanwhile. It throws what the system throws.
   */
  static async settle(directory: string, setting: LockSetting): Promise<Lock | null> {
    const names = entryNames(setting.machine, randomBytes(8).toString('hex'));
    let lock: Lock | null = null;
    try {
      const fd = openDirectory(directory);
      const socket = await setting.presence.listenAt(reach(fd, directory, names.fresh));
      const beats = setting.shared || socket === null;
      const files = [...(beats ? [names.beat] : []), ...(socket === null ? [] : [names.socket])];
      lock = new Lock(directory, fd, files, socket, setting.log);
      const pathOf = (name: string): string => path.join(directory, name);
      if (socket !== null) renameSync(pathOf(names.fresh), pathOf(names.socket));
      if (beats) lock.beat(pathOf(names.beat), setting.beatMs);
      return lock;
    } catch (thrown) {
      await lock?.release();
      if (errnoOf(thrown) === 'ENOENT') return null;
      throw thrown;
    }
  }

  private beat(file: string, everyMs: number): void {
    writeFileSync(file, describeProcess(), { flag: 'wx', mode: 0o600 });
    const name = path.basename(file);
    this.beating = setInterval(() => {
      const now = new Date();
      // Without a beat others take us for dead, and then we stop: requireHeld.
      utimes(path.join(this.directory, name), now, now, () => undefined);
    }, everyMs).unref();
  }

  /** Whom our files belong to, whatever the file system makes of user ids. */
  get uid(): bigint {
    return fstatSync(this.fd, { bigint: true }).uid;
  }

  /** Whether nobody else's files are in the directory. */
  isAlone(): boolean {
    try {
      return readdirSync(this.directory).every((name) => this.files.includes(name));
    } catch {
      return false;
    }
  }

  /** Gives the directory another name, in the place of nothing or of an empty directory; else false. */
  moveTo(directory: string): boolean {
    try {
      renameSync(this.directory, directory);
    } catch (thrown) {
      // A file server may have done it, and its answer got lost.
      if (!this.isAt(directory)) {
        const errno = errnoOf(thrown) ?? '';
        if (TAKEN.has(errno) || (ODD.has(errno) && lstatOrNull(directory) !== null)) return false;
        throw diskError(thrown, { action: 'create', path: directory });
      }
    }
    this.directory = directory;
    return true;
  }

  private isAt(directory: string): boolean {
    const there = lstatOrNull(directory);
    const ours = fstatSync(this.fd, { bigint: true });
    return there !== null && there.ino === ours.ino && there.dev === ours.dev;
  }

  /**
   * Whoever looks dead is taken for dead: on another machine, a run that was stopped for long. It must not
   * go on then.
   * @throws SluiceError TARGET_BUSY when another run has the lock now
   */
  requireHeld(): void {
    const [name = ''] = this.files;
    if (lstatOrNull(path.join(this.directory, name)) !== null) return;
    if (lstatOrNull(this.directory) !== null && !this.isAt(this.directory)) {
      throw new SluiceError('TARGET_BUSY', 'another run of sluice took this download over', {
        path: this.directory,
        next: 'Wait for that run to end, then run the same command again.',
      });
    }
    if (this.warned) return;
    this.warned = true;
    this.log.warn({ path: this.directory }, 'the lock was removed');
  }

  /** Gives the lock back. What cannot be removed is taken for a dead run's by the next one. */
  async release(): Promise<void> {
    if (this.beating !== null) clearInterval(this.beating);
    // The socket last: as long as something of us is there, it answers.
    for (const name of this.files) if (name.endsWith('.beat')) this.remove(name);
    await this.socket?.release();
    for (const name of this.files) this.remove(name);
    closeSync(this.fd);
    // Another run may have put its own in the place already.
    quietly(() => rmdirSync(this.directory));
  }

  private remove(name: string): void {
    quietly(() => unlinkSync(path.join(this.directory, name)));
  }
}

/** Opens a directory, not what a link leads to. It throws what the system throws. */
export function openDirectory(directory: string): number {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  return openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/**
 * The path of a socket, of which a system call takes 107 bytes at most: where /proc is there, it goes by
 * the directory's descriptor.
 */
export function reach(fd: number, directory: string, name: string): string {
  const short = `/proc/self/fd/${fd}`;
  return path.join(lstatQuietly(short) ? short : directory, name);
}

function lstatQuietly(file: string): boolean {
  try {
    return lstatOrNull(file) !== null;
  } catch {
    return false;
  }
}

/** Does what may fail because another run was faster. */
export function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // See above.
  }
}
