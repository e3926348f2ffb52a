/** The file that a download writes into, opened so that it is nobody else's. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  openSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs';
import { SluiceError } from '../errors.js';
import { syncData } from './async-io.js';
import { diskError, errnoOf } from './errors.js';
import { writeFully } from './io.js';
import { stemOf } from './names.js';
import { requireOurs, requireOwned } from './own-file.js';
import { isOpenToOthers } from './ownership.js';
import { shellCommand } from './shell.js';

/** What tells one state of a file from another. Numbers too large for JSON are decimal text. */
export interface PartIdentity {
  dev: string;
  ino: string;
  /** Length in bytes, holes included. */
  size: number;
  /** Time of the last change of the contents, in nanoseconds since 1970. */
  mtimeNs: string;
}

/**
 * The part: a regular file with one name, open for reading and writing. Its descriptor may be
 * used by worker threads, and stays open until {@link close}.
 */
export class PartFile {
  readonly path: string;
  readonly fd: number;
  /** The mode that the file gets with its name, as far as it is known. */
  readonly mode: number | null;
  #open = true;
  #failure: SluiceError | null = null;
  /** The file is at least as long as this, unless somebody else cut it. */
  #length = 0;

  private constructor(path: string, fd: number, mode: number | null) {
    this.path = path;
    this.fd = fd;
    this.mode = mode;
  }

  /**
   * Creates the part. Its mode follows the umask (or the directory's default ACL), but while it is a
   * part nobody else may write to it, whatever these allow: {@link giveMode} comes with its name.
   * Raises TARGET_BUSY when a part of this name exists, for another run may be writing it;
   * TARGET_UNSAFE when the name is taken by anything but a regular file; TARGET_FOREIGN when another
   * user has it.
   */
  static create(path: string): PartFile {
    const first = createExclusively(path, 0o666);
    const stats = fstatSync(first, { bigint: true });
    const mode = Number(stats.mode) & 0o777;
    if (!isOpenToOthers(stats)) return new PartFile(path, first, mode);
    // Whoever has opened it by now can write to it for ever. So it goes, and is made anew.
    closeSync(first);
    unlinkSync(path);
    return new PartFile(path, createExclusively(path, 0o644), mode);
  }

  /**
   * Opens the part that an earlier run left. Raises NOTHING_TO_RESUME when there is none;
   * TARGET_FOREIGN when it is another user's, or others may write to it; TARGET_UNSAFE when it is a
   * symbolic link, has a second name, or is no regular file.
   * @param mode what {@link create} found that the file is to have in the end; null when nobody knows
   */
  static open(path: string, mode: number | null = null): PartFile {
    const { O_RDWR, O_NOFOLLOW, O_NONBLOCK } = constants;
    // Looking first keeps us from opening a device or FIFO; looking again at the descriptor
    // below keeps whoever swaps the file in between from winning anything.
    const before = lstatOrNull(path);
    if (before === null) throw noPart(path);
    requireOursPlain(before, path);
    let fd: number;
    try {
      fd = openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    } catch (thrown) {
      throw errnoOf(thrown) === 'ENOENT' ? noPart(path) : createError(thrown, path, 'open');
    }
    try {
      requireOursPlain(fstatSync(fd, { bigint: true }), path);
    } catch (thrown) {
      closeSync(fd);
      throw diskError(thrown, { action: 'open', path });
    }
    return new PartFile(path, fd, mode);
  }

  /** Why the part can no longer be trusted, after a failed sync or a cut; null while it can. */
  get failure(): SluiceError | null {
    return this.#failure;
  }

  /** What the file is now. */
  identity(): PartIdentity {
    const stats = this.#stat();
    return {
      dev: String(stats.dev),
      ino: String(stats.ino),
      size: Number(stats.size),
      mtimeNs: String(stats.mtimeNs),
    };
  }

  /** Bytes of the disk that the part takes, which tells nothing of how much of it is written. */
  allocatedBytes(): number {
    return Number(this.#stat().blocks) * 512;
  }

  /** Sets the length in bytes. What is added is a hole and takes no space. */
  setSize(bytes: number): void {
    try {
      // Where it is right already nothing is asked: there are file systems that refuse to be asked.
      if (this.identity().size !== bytes) ftruncateSync(this.fd, bytes);
      this.#length = bytes;
    } catch (thrown) {
      throw diskError(thrown, { action: 'set the size of', path: this.path });
    }
  }

  /**
   * Gives it all of its bytes at once.
   * @throws SluiceError DISK_FULL and other disk errors
   */
  fill(bytes: Uint8Array): void {
    writeFully(this.fd, bytes, 0, bytes.length, 0);
    this.reaches(bytes.length);
  }

  /** Notes that the file reaches to `end`, which {@link requireLength} then expects. */
  reaches(end: number): void {
    this.#length = Math.max(this.#length, end);
  }

  /**
   * Somebody else may have cut the file: what is written behind the cut then hides a hole.
   * @throws SluiceError DISK_IO, now and whenever it is asked again
   */
  requireLength(): void {
    if (Number(this.#stat().size) < this.#length) this.#failure ??= madeShorter(this.path);
    if (this.#failure !== null) throw this.#failure;
  }

  /**
   * Why a later run will not go on with this part; null when it will. On some filesystems what we make is
   * another user's, or everybody's.
   */
  refusal(): SluiceError | null {
    try {
      requireOurs(this.#stat(), this.path);
      return null;
    } catch (thrown) {
      return SluiceError.from(thrown);
    }
  }

  /** Gives the file the mode that a plain creation would have given it; a help only. */
  giveMode(): void {
    if (this.mode !== null) giveMode(this.fd, this.mode);
  }

  /** Sets the time of the last change, in milliseconds since 1970. */
  setModified(mtimeMs: number): void {
    try {
      futimesSync(this.fd, Date.now() / 1000, mtimeMs / 1000);
    } catch (thrown) {
      throw diskError(thrown, { action: 'set the time of', path: this.path });
    }
  }

  /**
   * Makes what was written durable. When it fails once it fails for ever: the kernel reports a
   * lost write once, drops the page, and answers the next call with success.
   */
  async sync(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    try {
      if (!this.#open) throw new SluiceError('DEFECT', 'the part is synced after it was closed');
      await syncData(this.fd);
    } catch (thrown) {
      this.#failure = diskError(thrown, { action: 'sync', path: this.path });
    }
    // A descriptor closed meanwhile may have become another file's.
    if (!this.#open) this.#failure ??= new SluiceError('DEFECT', 'the part was closed in a sync');
    if (this.#failure !== null) throw this.#failure;
  }

  /** @throws SluiceError TARGET_UNSAFE when the path does not name this file any more */
  requireName(): void {
    if (!this.isSameAsPath()) throw replaced(this.path);
  }

  /** Whether the path still names this very file: it was neither removed nor replaced. */
  isSameAsPath(): boolean {
    const there = lstatOrNull(this.path);
    const ours = this.#stat();
    return there !== null && there.ino === ours.ino && there.dev === ours.dev;
  }

  /** Closes the descriptor; no worker may use it any more. A second call does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }

  #stat(): BigIntStats {
    try {
      return fstatSync(this.fd, { bigint: true });
    } catch (thrown) {
      throw diskError(thrown, { action: 'look at', path: this.path });
    }
  }
}

/** The error of a part whose name is gone, or is another file's. */
export function replaced(path: string): SluiceError {
  return new SluiceError('TARGET_UNSAFE', `${path} was removed or replaced while we wrote`, {
    path,
    next: 'Let no other program change the part, and start again.',
  });
}

/** The error of a part that somebody else cut. */
export function madeShorter(path: string): SluiceError {
  return new SluiceError('DISK_IO', `${path} was made shorter while it was written`, {
    path,
    next: 'Let no other program change the part, and run the same command again: what was lost is fetched again.',
  });
}

/** The state of a path itself, symbolic links not followed; null when nothing is there. */
export function lstatOrNull(path: string): BigIntStats | null {
  try {
    // Mostly there is nothing, and an error made for that takes longer than the call.
    return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch (thrown) {
    throw diskError(thrown, { action: 'look at', path });
  }
}

/** Raises TARGET_UNSAFE unless the file is a regular one with a single name. */
export function requirePlain(stats: BigIntStats, path: string): void {
  const why = oddity(stats);
  if (why === null) return;
  throw new SluiceError('TARGET_UNSAFE', `${path} is not used: ${why}`, {
    path,
    next: `Remove it, ${shellCommand('rm -f', path)}, or choose another name with --output.`,
  });
}

/** Raises TARGET_FOREIGN and TARGET_UNSAFE unless the file is ours alone and a regular one with one name. */
export function requireOursPlain(stats: BigIntStats, path: string): void {
  // A link of our own is told as what it is; whose the file behind a hard link is, is another matter.
  requireOwned(stats, path);
  requirePlain(stats, path);
  requireOurs(stats, path);
}

/** Gives an open file a mode, where the filesystem has modes and we may. */
export function giveMode(fd: number, mode: number): void {
  try {
    if ((fstatSync(fd).mode & 0o777) !== mode) fchmodSync(fd, mode);
  } catch {
    // The file is whole and in its place; its owner may change what is missing here.
  }
}

function createExclusively(path: string, mode: number): number {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  try {
    return openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  } catch (thrown) {
    throw errnoOf(thrown) === 'EEXIST' ? nameTaken(path) : createError(thrown, path);
  }
}

/** What is wrong with a file that we are about to write into; null when nothing is. */
export function oddity(stats: BigIntStats): string | null {
  if (stats.isSymbolicLink()) return 'it is a symbolic link';
  if (stats.isDirectory()) return 'it is a directory';
  if (stats.isFIFO()) return 'it is a FIFO';
  if (!stats.isFile()) return 'it is not a regular file';
  return stats.nlink === 1n ? null : 'it is a hard link, the file has another name as well';
}

/** The error of a part or journal whose name is already taken. */
export function nameTaken(path: string): SluiceError {
  const stats = lstatOrNull(path);
  try {
    if (stats !== null) requireOursPlain(stats, path);
  } catch (unsafe) {
    return SluiceError.from(unsafe);
  }
  return new SluiceError('TARGET_BUSY', `${path} exists already; another run may be using it`, {
    path,
    next: `Wait for the other run, or continue its download with ${shellCommand('sluice resume', stemOf(path))}.`,
  });
}

function createError(thrown: unknown, path: string, action = 'create'): SluiceError {
  return diskError(thrown, { action, path });
}

function noPart(path: string): SluiceError {
  return new SluiceError('NOTHING_TO_RESUME', `there is no ${path}`, {
    path,
    next: 'Start the download with `sluice get URL`.',
  });
}
