/** The journal's file: what is durably on disk, appended and synced record by record. */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs';
import path from 'node:path';
import { assert, SluiceError } from '../errors.js';
import type { Extent } from '../schedule/extents.js';
import { syncAll, syncData, syncDirectory, writeAt } from './async-io.js';
import { DurableExtents, type DurableExtent } from './durable-extents.js';
import { diskError, errnoOf, refusesLength } from './errors.js';
import {
  cleanFrame,
  decodeJournal,
  encodeFrame,
  encodeHeader,
  encodeVersion,
  extentFrames,
  forgetFrames,
  identityFrame,
  isUnfinished,
  publishFrame,
  JOURNAL_VERSION,
  MAX_JOURNAL,
  VERSION_AT,
  type CleanRecord,
  type Frame,
  type JournalContents,
  type JournalIdentity,
  type JournalPosition,
  type PublishRecord,
} from './journal-format.js';
import { newJournalPath } from './names.js';
import { removal, requireOurs, requireOwned } from './own-file.js';
import { isOurs } from './ownership.js';
import { lstatOrNull, nameTaken, oddity } from './part-file.js';

export { cleanMatches } from './journal-format.js';
export type {
  CleanRecord,
  DurableExtent,
  JournalIdentity,
  PublishRecord,
} from './journal-format.js';
export { journalPath, partPath, targetOf } from './names.js';

/** A journal is rewritten when it is longer than this, in bytes, and twice its last rewriting. */
const COMPACT_BYTES = 1024 * 1024;

/** What {@link readJournal} found, and in which file. */
export interface JournalRead extends JournalContents {
  file: { dev: bigint; ino: bigint; mtimeNs: bigint };
}

/**
 * Reads a journal. Raises NOTHING_TO_RESUME when there is none, or only the trace of one whose
 * creation was cut off before it claimed anything; JOURNAL_DAMAGED when it cannot be
 * used: no journal, another version, no identity, no regular file; TARGET_FOREIGN when it is another
 * user's, or others may write to it.
 */
export function readJournal(journalPath: string): JournalRead {
  const before = lstatOrNull(journalPath);
  if (before === null) throw missing(journalPath);
  checkUsable(before, journalPath);
  let fd: number | null = null;
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    fd = openSync(journalPath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const { dev, ino, mtimeNs } = requireUsable(fd, journalPath);
    const bytes = readWhole(fd, journalPath);
    if (isUnfinished(bytes)) throw missing(journalPath, 'has not begun');
    return { ...decodeJournal(bytes), file: { dev, ino, mtimeNs } };
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === 'ENOENT') throw missing(journalPath);
    if (errno === 'ELOOP') throw unusable(journalPath, 'it is a symbolic link');
    const error = diskError(thrown, { action: 'read', path: journalPath });
    const isNamed = error.code !== 'JOURNAL_DAMAGED' || error.details.path !== undefined;
    throw isNamed ? error : unusable(journalPath, null, error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** A journal open for appending. Calls are carried out one after another. */
export class Journal {
  readonly path: string;
  #fd: number;
  #position: JournalPosition;
  #identity: JournalIdentity;
  #extents: DurableExtents;
  #compactAt = COMPACT_BYTES;
  #last: Promise<void> = Promise.resolve();
  #failure: SluiceError | null = null;
  #open = true;
  /** Whether the file's name is known to be durable. */
  #named = false;

  private constructor(journalPath: string, file: OpenJournal) {
    this.path = journalPath;
    this.#fd = file.fd;
    this.#position = file.position;
    this.#identity = file.identity;
    this.#extents = new DurableExtents(file.extents);
  }

  /**
   * Creates a journal (mode 0600). It and its name become durable with the first record: before
   * that it claims nothing, and a crash that takes it takes nothing with it. Raises TARGET_BUSY
   * when there is one already, TARGET_UNSAFE when the name is taken by anything but a regular file.
   */
  static async create(journalPath: string, identity: JournalIdentity): Promise<Journal> {
    return new Journal(journalPath, await writeNew(journalPath, identity, []));
  }

  /** Opens a journal that was read, cuts off its bad tail and its last word, and makes that durable. */
  static async reopen(journalPath: string, read: JournalRead): Promise<Journal> {
    let fd: number | null = null;
    try {
      const { O_RDWR, O_NOFOLLOW, O_NONBLOCK } = constants;
      fd = openSync(journalPath, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
      const { dev, ino } = requireUsable(fd, journalPath);
      if (dev !== read.file.dev || ino !== read.file.ino) {
        throw unusable(journalPath, 'it was replaced while it was read');
      }
      // Left by a run that died while it rewrote the journal.
      unlinkQuietly(newJournalPath(journalPath));
      await cutOrBlank(fd, read.appendAt.offset);
      // Before a record that only this version understands.
      if (read.version !== JOURNAL_VERSION) await writeAt(fd, encodeVersion(), VERSION_AT);
      await syncData(fd);
      const { identity, extents, appendAt } = read;
      return new Journal(journalPath, { fd, identity, extents: [...extents], position: appendAt });
    } catch (thrown) {
      if (fd !== null) closeSync(fd);
      throw diskError(thrown, { action: 'open', path: journalPath });
    }
  }

  /** What the journal claims: ascending, disjoint, durable. */
  extents(): DurableExtent[] {
    return this.#extents.toArray();
  }

  /** How many claims there are. */
  get count(): number {
    return this.#extents.length;
  }

  /** What of ascending, disjoint ranges is not claimed. */
  missingOf(ranges: readonly Extent[]): Extent[] {
    return this.#extents.missingOf(ranges);
  }

  identity(): JournalIdentity {
    return this.#identity;
  }

  /**
   * Claims extents, whose bytes must already be durable. They are claimed once the promise is
   * fulfilled; a claim that could not be written makes every later call fail.
   */
  append(extents: readonly DurableExtent[]): Promise<void> {
    return this.#change(async () => {
      const { size } = this.#identity;
      for (const { start, end } of extents) {
        assert(start >= 0 && start < end && end <= (size ?? end), 'a claim lies within the file');
      }
      await this.#write(extentFrames(extents));
      for (const extent of extents) this.#extents.add({ ...extent });
    });
  }

  /**
   * Takes claims back. An extent that has a byte in one of the ranges is dropped whole; what is
   * still good of it is claimed again by the next checkpoint.
   */
  forget(ranges: readonly Extent[]): Promise<void> {
    return this.#change(async () => {
      await this.#write(forgetFrames(ranges.filter(({ start, end }) => start < end)));
      for (const range of ranges) this.#extents.forget(range);
    });
  }

  /** Replaces what is known of the download. */
  setIdentity(identity: JournalIdentity): Promise<void> {
    return this.#change(async () => {
      await this.#write([identityFrame(identity)]);
      this.#identity = identity;
    });
  }

  /** Records that the download stops gracefully, with the part as it is now. */
  markClean(part: CleanRecord): Promise<void> {
    const { dev, ino, size, mtimeNs } = part;
    return this.#enqueue(() => this.#write([cleanFrame({ dev, ino, size, mtimeNs })]));
  }

  /**
   * Records that every byte is in place and verified, and that the final name is taken next.
   * @param sync whether the name will be synced: this must be durable before it
   */
  markPublish(record: PublishRecord, sync: boolean): Promise<void> {
    return this.#enqueue(() => this.#write([publishFrame(record)], { sync }));
  }

  /**
   * Rewrites the journal without what it has outlived, a CLEAN among it. Happens by itself when
   * the journal grows.
   */
  compact(): Promise<void> {
    return this.#enqueue(() => this.#rewrite());
  }

  /** Closes the file after what was asked for is done. */
  async close(): Promise<void> {
    await this.#last;
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }

  /** Closes the file and removes it, unless its name has become another file's. */
  async remove(): Promise<void> {
    await this.#last;
    if (this.#open && this.#isSameAsPath()) {
      try {
        unlinkSync(this.path);
      } catch (thrown) {
        throw diskError(thrown, { action: 'remove', path: this.path });
      }
    }
    await this.close();
  }

  /** Runs after everything that was enqueued before; a failure is final. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const result = this.#last.then(async () => {
      if (this.#failure !== null) throw this.#failure;
      assert(this.#open, 'the journal is open');
      await work();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** The same for work that may make the journal long enough to be rewritten. */
  #change(work: () => Promise<void>): Promise<void> {
    return this.#enqueue(async () => {
      await work();
      // Only now, for a rewritten journal says what the memory says, not what the file said.
      if (this.#position.offset > this.#compactAt) await this.#tryRewrite();
    });
  }

  async #write(frames: Frame[], { sync = true } = {}): Promise<void> {
    if (frames.length === 0) return;
    const { bytes, seed } = encodeFrames(frames, this.#position.seed);
    const { offset } = this.#position;
    try {
      if (offset + bytes.length > MAX_JOURNAL) {
        throw new SluiceError('DISK_FILE_TOO_BIG', `the journal ${this.path} grew beyond 64 MiB`);
      }
      await writeAt(this.#fd, bytes, offset);
      if (sync) await this.#sync();
    } catch (thrown) {
      this.#failure = diskError(thrown, { action: 'write', path: this.path });
      this.#cutAt(offset);
      throw this.#failure;
    }
    this.#position = { offset: offset + bytes.length, seed };
  }

  /** Makes the file durable, and with its first record its name, and the part's beside it. */
  async #sync(): Promise<void> {
    if (this.#named) {
      await syncData(this.#fd);
      return;
    }
    await syncAll(this.#fd);
    await syncDirectory(path.dirname(this.path));
    this.#named = true;
  }

  /** A torn record does no harm, but without it the journal is not even damaged. */
  #cutAt(offset: number): void {
    try {
      ftruncateSync(this.#fd, offset);
    } catch {
      // What the reader does with a torn tail is enough.
    }
  }

  /** A journal that cannot be rewritten, for want of space, is still a good journal. */
  async #tryRewrite(): Promise<void> {
    this.#compactAt = this.#position.offset * 2;
    try {
      await this.#rewrite();
    } catch (thrown) {
      if (this.#failure !== null) throw thrown;
    }
  }

  async #rewrite(): Promise<void> {
    const temporary = newJournalPath(this.path);
    // Left by a run that died here.
    unlinkQuietly(temporary);
    const extents = this.#extents.merged();
    const file = await writeNew(temporary, this.#identity, extents);
    try {
      await syncAll(file.fd);
      renameSync(temporary, this.path);
    } catch (thrown) {
      closeSync(file.fd);
      unlinkQuietly(temporary);
      throw diskError(thrown, { action: 'replace', path: this.path });
    }
    closeSync(this.#fd);
    this.#fd = file.fd;
    this.#position = file.position;
    this.#extents = new DurableExtents(extents);
    this.#compactAt = Math.max(COMPACT_BYTES, 2 * file.position.offset);
    try {
      await syncDirectory(path.dirname(this.path));
      this.#named = true;
    } catch (thrown) {
      this.#failure = diskError(thrown, { action: 'sync', path: this.path });
      throw this.#failure;
    }
  }

  #isSameAsPath(): boolean {
    const there = lstatOrNull(this.path);
    const ours = fstatSync(this.#fd, { bigint: true });
    return there !== null && there.ino === ours.ino && there.dev === ours.dev;
  }
}

interface OpenJournal {
  fd: number;
  position: JournalPosition;
  identity: JournalIdentity;
  extents: DurableExtent[];
}

/** Writes a whole new journal; syncing it is the caller's. Leaves nothing when it fails. */
async function writeNew(
  journalPath: string,
  identity: JournalIdentity,
  extents: DurableExtent[],
): Promise<OpenJournal> {
  // No secret: it tells these records from those of a journal whose place on the disk they got.
  const salt = Math.floor(Math.random() * 2 ** 32);
  const frames = encodeFrames([identityFrame(identity), ...extentFrames(extents)], salt);
  const bytes = Buffer.concat([encodeHeader(salt), frames.bytes]);
  let fd: number;
  try {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    fd = openSync(journalPath, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST') throw nameTaken(journalPath);
    throw diskError(thrown, { action: 'create', path: journalPath });
  }
  try {
    await writeAt(fd, bytes, 0);
  } catch (thrown) {
    closeSync(fd);
    unlinkQuietly(journalPath);
    throw diskError(thrown, { action: 'write', path: journalPath, needBytes: bytes.length });
  }
  return { fd, position: { offset: bytes.length, seed: frames.seed }, identity, extents };
}

/** Takes away what is behind `offset`; where lengths cannot be set, zeros stand for it: no record begins so. */
async function cutOrBlank(fd: number, offset: number): Promise<void> {
  const { size } = fstatSync(fd);
  if (size <= offset) return;
  try {
    ftruncateSync(fd, offset);
  } catch (thrown) {
    if (!refusesLength(thrown)) throw thrown;
    await writeAt(fd, Buffer.alloc(size - offset), offset);
  }
}

function encodeFrames(frames: Frame[], seed: number): { bytes: Uint8Array; seed: number } {
  const parts: Uint8Array[] = [];
  let next = seed;
  for (const frame of frames) {
    const encoded = encodeFrame(frame, next);
    parts.push(encoded.bytes);
    next = encoded.seed;
  }
  return { bytes: Buffer.concat(parts), seed: next };
}

function readWhole(fd: number, journalPath: string): Buffer {
  const size = Number(fstatSync(fd, { bigint: true }).size);
  if (size > MAX_JOURNAL) throw unusable(journalPath, 'it is longer than 64 MiB');
  const bytes = Buffer.alloc(size);
  let at = 0;
  while (at < size) {
    const count = readSync(fd, bytes, at, size - at, at);
    if (count === 0) break;
    at += count;
  }
  return bytes.subarray(0, at);
}

function requireUsable(fd: number, journalPath: string): BigIntStats {
  const stats = fstatSync(fd, { bigint: true });
  checkUsable(stats, journalPath);
  return stats;
}

function checkUsable(stats: BigIntStats, journalPath: string): void {
  requireOwned(stats, journalPath);
  const odd = oddity(stats);
  if (odd !== null) throw unusable(journalPath, odd);
  requireOurs(stats, journalPath);
}

/** Unlinks a file of ours; unlinking never touches what a link points to. */
function unlinkQuietly(file: string): void {
  try {
    const stats = lstatOrNull(file);
    if (stats !== null && isOurs(stats)) unlinkSync(file);
  } catch {
    // Whoever creates it next says why it is not gone.
  }
}

function missing(journalPath: string, state = 'does not exist'): SluiceError {
  return new SluiceError('NOTHING_TO_RESUME', `the journal ${journalPath} ${state}`, {
    path: journalPath,
    next: 'Start the download with `sluice get URL`.',
  });
}

function unusable(journalPath: string, why: string | null, cause?: SluiceError): SluiceError {
  const reason = why === null ? cause?.message : `the journal is not usable: ${why}`;
  return new SluiceError(
    'JOURNAL_DAMAGED',
    `${journalPath}: ${reason}`,
    {
      path: journalPath,
      next: `Remove what is kept, ${removal(journalPath)}, and run \`sluice get URL\`.`,
    },
    cause,
  );
}
