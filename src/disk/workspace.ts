/**
 * The files of one download: its lock, its part, its journal, and at the end its final name. One
 * workspace belongs to one target, and only one process has it at a time (P18).
 */
import { SluiceError } from '../errors.js';
import type { Log } from '../log.js';
import { bootId } from './boot.js';
import { Checkpointer } from './checkpoint.js';
import type { ReadBack, SyncWatch } from './checkpoint.js';
import { Journal, cleanMatches, journalPath, partPath, readJournal } from './journal.js';
import type { JournalIdentity, JournalRead, PublishRecord } from './journal.js';
import { newJournalPath } from './names.js';
import { PartFile, lstatOrNull } from './part-file.js';
import { preallocate } from './preallocate.js';
import type { Preallocate } from './preallocate.js';
import {
  finishPublish,
  publish,
  publishAtOnce,
  publishedName,
  releaseClaim,
  stayed,
  undoPublish,
} from './publish.js';
import type { Warn } from './publish.js';
import { writeReceipt } from './receipts.js';
import type { ReceiptFacts } from './receipts.js';
import { discard, removePart, removeSpare, removeTrace } from './remove.js';
import { directoryOf, inspectTarget } from './target.js';
import { requireSpace } from './space.js';
import { verifyExtents } from './verify-extents.js';
import { ExtentSet, joinedTo, longestRuns, MAX_RANGES, type Extent } from '../schedule/extents.js';
import { isComplete, provingValidators, withMarks } from './marks.js';
import type { Marks } from './marks.js';
import { claimTarget } from './claim.js';
import type { Claim, ClaimOptions } from './claim.js';

/** What an earlier run left of this target. */
export interface Prior {
  identity: Omit<JournalIdentity, 'part'>;
  written: ExtentSet;
  /** The last run died: what it claims is read again and compared before it is trusted. */
  unclean: boolean;
  /** The last run died, or failed, when every byte was verified and the name was next. */
  verified: boolean;
}

/** Whether every byte is in the part: the last run died between the last byte and the name. */
export function isWhole({ identity, written }: Prior): boolean {
  return identity.size !== null && written.total() === identity.size;
}

/** How the part gets its space. */
export type Space = Pick<Preallocate, 'how' | 'signal'>;

/** A download that an earlier run brought to its end, but for cleaning up. */
export interface Finished {
  /** The final path. */
  path: string;
  /** The URL that it was of. */
  url: string;
  /** Length in bytes. */
  size: number;
}

export class Workspace {
  private done: Finished | null = null;
  private read: JournalRead | null = null;
  /** An earlier run died before its journal began: what it left means nothing. */
  private unbegun = false;
  private part: PartFile | null = null;
  private journal: Journal | null = null;
  private checkpointer: Checkpointer | null = null;
  private written: () => Array<{ start: number; end: number }> = () => [];
  private syncWatch: SyncWatch | null = null;

  private constructor(
    readonly target: string,
    private readonly lock: Claim,
    private readonly log: Log,
  ) {}

  /**
   * Takes the target for this process.
   * @throws SluiceError TARGET_BUSY when another run has it, TARGET_UNSAFE when the lock is another user's
   */
  static async claim(target: string, log: Log, options: ClaimOptions): Promise<Workspace> {
    const lock = await claimTarget(target, { ...options, log });
    const workspace = new Workspace(target, lock, log);
    await workspace.finishPublished();
    return workspace;
  }

  /** What an earlier run published before it died, and was cleaned up after just now. */
  get finished(): Finished | null {
    return this.done;
  }

  /** The part's path. */
  get partPath(): string {
    return partPath(this.target);
  }

  /** Descriptor of the part, for the threads that write. */
  get fd(): number {
    return this.openPart().fd;
  }

  get isOpen(): boolean {
    return this.part !== null;
  }

  /**
   * What an earlier run left, or null when there is nothing.
   * @throws SluiceError JOURNAL_DAMAGED, TARGET_UNSAFE when what is there cannot be used
   */
  prior(): Prior | null {
    if (!this.hasJournal) return null;
    let read: JournalRead;
    try {
      read = readJournal(journalPath(this.target));
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'NOTHING_TO_RESUME') throw error;
      this.unbegun = inspectTarget(journalPath(this.target)).kind === 'file';
      return null;
    }
    // What is left out is fetched again. Its claims stay true until then, and the CRCs tell when not.
    const extents = longestRuns(read.extents, MAX_RANGES);
    this.read = { ...read, extents };
    const part = openOrNull(this.partPath, read.identity.part.mode);
    if (part === null) return null;
    this.part?.close();
    this.part = part;
    const now = part.identity();
    // A copy has another inode, and a device may have another number after the next boot: what
    // the bytes are is told by the CRCs of the claims.
    const { dev, ino } = read.identity.part;
    if (now.ino !== ino || now.dev !== dev)
      this.log.warn({ path: this.partPath }, 'the part is another file than the one written');
    const unclean = read.clean === null || !cleanMatches(read.clean, now);
    const verified = read.publish !== null || isComplete(read.identity);
    const written = new ExtentSet(extents.filter(({ end }) => end <= now.size));
    return { identity: read.identity, written, unclean, verified };
  }

  /** Of most targets there is none: an error for each is dearer than a look. */
  private get hasJournal(): boolean {
    return inspectTarget(journalPath(this.target)).kind !== 'absent';
  }

  /** Finishes what a run began that died between the final name and the removal of its journal. */
  private async finishPublished(): Promise<void> {
    try {
      // Of a file that came whole, by a run that was killed as it got its name: see `putWhole`.
      if (!this.hasJournal) return removeSpare(this.target);
      const { identity, publish: record, file } = readJournal(journalPath(this.target));
      if (record === null) return;
      const { part, url } = identity;
      const validators = provingValidators(identity);
      const path = publishedName(this.target, { ...record, part });
      if (path === null) return releaseClaim(this.target, { ...record, part });
      if (!isWholeStill(record)) {
        if (undoPublish(this.target, path, part))
          this.log.warn({ path }, 'the machine went down before the file was safe; it goes on');
        return;
      }
      // The journal's last word came after the last byte: what is younger somebody else has written.
      const isEdited = BigInt(inspectTarget(path).mtimeNs) > file.mtimeNs;
      const warn: Warn = (error) => this.log.warn({ path }, error.message);
      await finishPublish(this.target, path, part, warn);
      const { digests, synced, size } = record;
      if (!isEdited)
        writeReceipt(path, { url, validators, digests, bootId: record.bootId, synced });
      this.removeJournal(warn);
      if (isEdited) this.log.warn({ path }, 'the file was changed after it had got its name');
      else this.done = { path, url, size };
    } catch {
      // No journal, or none that can be read: there is nothing to finish.
    }
  }

  private removeJournal(warn: Warn): void {
    try {
      removePart(this.target, 'journal');
    } catch (thrown) {
      warn(stayed(SluiceError.from(thrown), journalPath(this.target)));
    }
  }

  /**
   * Goes on with what {@link prior} found.
   * @param identity the identity as it is known now
   * @throws SluiceError DISK_FULL and other disk errors
   */
  async adopt(identity: Omit<JournalIdentity, 'part'>, space: Space): Promise<void> {
    const part = this.openPart();
    const read = this.read;
    if (read === null) throw new SluiceError('DEFECT', 'adopting without a journal');
    const { size } = part.identity();
    if (this.journal === null) {
      this.journal = await Journal.reopen(journalPath(this.target), read);
      await this.journal.forget([{ start: size, end: Number.MAX_SAFE_INTEGER }]);
    }
    await this.allocate(identity.size, space);
    await this.journal.setIdentity({ ...identity, part: factsOf(part) });
    if (this.checkpointer === null) this.watch();
  }

  /**
   * Begins anew; what {@link prior} found is thrown away.
   * @param replace a part that no journal belongs to is thrown away as well
   * @throws SluiceError TARGET_EXISTS, TARGET_UNSAFE, DISK_FULL and other disk errors
   */
  async create(
    identity: Omit<JournalIdentity, 'part'>,
    { replace, space }: { replace: boolean; space: Space },
  ): Promise<void> {
    const { size } = identity;
    if (this.journal !== null) {
      await this.forgetAll();
      await this.allocate(size, space);
      await this.setIdentity(identity);
      return;
    }
    if (this.read !== null || this.unbegun) this.discard();
    else removeTrace(this.target, { anyPart: replace });
    if (size !== null) requireSpace(directoryOf(this.target), size, this.partPath);
    this.part = PartFile.create(this.partPath);
    try {
      const part = factsOf(this.part);
      this.journal = await Journal.create(journalPath(this.target), { ...identity, part });
      // Not before: a part without a journal is empty, which is how `removeTrace` knows ours.
      await this.allocate(size, space);
    } catch (error) {
      await this.undoCreate();
      throw error;
    }
    this.watch();
  }

  /**
   * Gives bytes that are the whole file, and verified, its name at once. No journal tells of them before: they
   * lie where a journal would be rewritten, so what a run leaves that is killed meanwhile is removed by the
   * next one. The receipt comes first, and counts for the name as soon as it is there.
   * @param warn is told what failed once the file had its name
   * @returns false, and all as it was, when something is in the way: {@link create} tells what
   */
  async putWhole(
    bytes: Uint8Array,
    mode: 'fail' | 'overwrite',
    receipt: ReceiptFacts,
    warn: Warn,
  ): Promise<boolean> {
    if (this.read !== null || this.unbegun || lstatOrNull(this.partPath) !== null) return false;
    let part: PartFile | null = null;
    try {
      this.lock.requireHeld();
      part = PartFile.create(newJournalPath(journalPath(this.target)));
      part.fill(bytes);
      writeReceipt(this.target, receipt, process.env, part.path);
      if (await publishAtOnce(part, this.target, mode, warn)) return true;
    } catch (thrown) {
      this.log.info({ error: String(thrown) }, 'the file is not put in its place in one step');
    } finally {
      part?.close();
    }
    if (part !== null) removeSpare(this.target);
    return false;
  }

  /** Gives the part its space; a range that the journal claims is never touched. */
  private async allocate(bytes: number | null, { how, signal }: Space): Promise<void> {
    if (bytes === null) return;
    const missing = new ExtentSet([{ start: 0, end: bytes }]);
    for (const { start, end } of this.journal?.extents() ?? []) missing.remove(start, end);
    await preallocate(this.openPart(), { how, bytes, missing: missing.toArray(), signal });
  }

  private async undoCreate(): Promise<void> {
    await this.journal?.remove();
    this.journal = null;
    this.part?.close();
    this.part = null;
    removePart(this.target, 'part');
  }

  /**
   * Removes what an earlier run left, whatever state it is in.
   * @throws SluiceError TARGET_FOREIGN
   */
  discard(): void {
    this.part?.close();
    this.part = null;
    this.read = null;
    this.unbegun = false;
    discard(this.target);
  }

  private watch(): void {
    if (this.part === null || this.journal === null) return;
    const source = () => this.written();
    this.checkpointer = new Checkpointer({
      part: this.part,
      journal: this.journal,
      source,
      log: this.log,
      watch: () => this.syncWatch,
    });
  }

  /** Tells where checkpoints learn what is written. */
  setWritten(written: () => Array<{ start: number; end: number }>): void {
    this.written = written;
  }

  /** Tells who is to know of the syncs of the part. */
  setSyncWatch(watch: SyncWatch): void {
    this.syncWatch = watch;
  }

  /**
   * Makes durable what is written, and claims it; returns the bytes newly claimed.
   * @param readBack what is claimed although it has to be read for that
   */
  async checkpoint(readBack: ReadBack = 'all'): Promise<number> {
    this.requireName();
    return (await this.checkpointer?.run(readBack)) ?? 0;
  }

  /** @throws SluiceError DISK_IO when somebody else cut the part */
  requireLength(): void {
    this.part?.requireLength();
  }

  /** @throws SluiceError TARGET_UNSAFE when somebody else took the part away, TARGET_BUSY the lock */
  requireName(): void {
    this.lock.requireHeld();
    this.part?.requireName();
  }

  /** Bytes that a later run finds again. */
  get kept(): number {
    return this.part?.isSameAsPath() === true ? this.claimed : 0;
  }

  /** Why a later run will not go on with what is kept; null when it will. */
  get refusal(): SluiceError | null {
    return this.part?.refusal() ?? null;
  }

  /** Bytes that the journal claims. */
  get claimed(): number {
    return new ExtentSet(this.journal?.extents() ?? []).total();
  }

  /**
   * Reads what the journal claims and compares it with what was written, after an unclean death.
   * @returns the ranges whose bytes are other ones, and what lies between them where they are very many
   */
  async findBad(signal: AbortSignal): Promise<Extent[]> {
    const extents = this.journal?.extents() ?? [];
    const bad = await verifyExtents(this.fd, extents, () => undefined, signal);
    return joinedTo(bad, MAX_RANGES);
  }

  /** Takes claims back. */
  async forget(ranges: Array<{ start: number; end: number }>): Promise<void> {
    this.checkpointer?.forget(ranges);
    await this.journal?.forget(ranges);
  }

  /** Takes every claim back: the bytes may be of more than one representation. */
  async forgetAll(): Promise<void> {
    await this.forget([{ start: 0, end: Number.MAX_SAFE_INTEGER }]);
  }

  async setIdentity(identity: Omit<JournalIdentity, 'part'>): Promise<void> {
    await this.journal?.setIdentity({ ...identity, part: factsOf(this.openPart()) });
  }

  /**
   * Notes what became of the bytes. Without the note a later run asks the server as well, and cannot
   * say why: a journal that cannot be written any more is no failure here.
   */
  async note<T extends Omit<JournalIdentity, 'part'>>(identity: T, marks: Marks): Promise<T> {
    const noted = withMarks(identity, marks);
    await this.setIdentity(noted).catch((error: unknown) => {
      this.log.warn({ error: String(error) }, 'the journal does not know what became of the bytes');
    });
    return noted;
  }

  /**
   * Gives the part the length of the file; it may be longer by then, never shorter.
   * @throws SluiceError DISK_IO when somebody else cut it
   */
  finishSize(bytes: number): void {
    const part = this.openPart();
    part.reaches(bytes);
    part.requireLength();
    part.setSize(bytes);
  }

  async sync(): Promise<void> {
    await this.openPart().sync();
  }

  /**
   * Gives the part its final name. The journal stays until {@link finish}, and says what is going
   * on: whenever this run dies, the next one knows whether the name stands for a whole file.
   * @param record.synced the part is durable, so its name is made durable too; so is that of a part
   *   of which anything was claimed: nothing that was safe is put at risk
   * @param warn is told what failed once the file had its name
   * @param mtimeMs the time of change that it gets, in milliseconds since 1970; null for that of its last byte
   */
  async publish(
    record: Omit<PublishRecord, 'bootId'>,
    warn: Warn,
    mtimeMs: number | null = null,
  ): Promise<string> {
    this.lock.requireHeld();
    const sync = record.synced || this.claimed > 0;
    // A help only: a journal that cannot be written any more keeps no file from its name.
    await this.journal
      ?.markPublish({ ...record, bootId: bootId() }, sync)
      .catch((error: unknown) => {
        this.log.warn({ error: String(error) }, 'the journal does not know of the publishing');
      });
    return publish(this.openPart(), this.target, record.mode, { sync, warn, mtimeMs });
  }

  /**
   * Removes the journal of what is published.
   * @param warn is told when that fails: the file has its name, and nothing is wrong with it
   */
  async finish(warn: Warn): Promise<void> {
    const { journal } = this;
    this.journal = null;
    await journal?.remove().catch(async (thrown: unknown) => {
      warn(stayed(SluiceError.from(thrown), journal.path));
      await journal.close();
    });
  }

  /**
   * Lets go of everything and keeps what is durable for a later run. A workspace in which nothing
   * is claimed leaves no files behind.
   */
  async close({ keep }: { keep: boolean }): Promise<void> {
    try {
      if (this.journal !== null && this.part !== null) await this.leave(keep);
    } finally {
      this.part?.close();
      this.part = null;
      await this.lock.release();
    }
  }

  private async leave(keep: boolean): Promise<void> {
    const { journal, part } = this;
    if (journal === null || part === null) return;
    if (keep && journal.count > 0) {
      // Without that mark the next run reads what is claimed, and compares it.
      if (isUnharmed(part)) await journal.markClean(part.identity());
      await journal.close();
      return;
    }
    await journal.close();
    if (part.isSameAsPath()) removePart(this.target);
  }

  private openPart(): PartFile {
    if (this.part === null) throw new SluiceError('DEFECT', 'the part is not open');
    return this.part;
  }
}

/** Whether what was written when the record was made is still there, whatever happened since. */
function isWholeStill({ synced, bootId: then }: PublishRecord): boolean {
  return synced || (then !== null && then === bootId());
}

/** Whether nobody cut the part, and no sync of it failed. */
function isUnharmed(part: PartFile): boolean {
  try {
    part.requireLength();
    return true;
  } catch {
    return false;
  }
}

function factsOf(part: PartFile): JournalIdentity['part'] {
  const { dev, ino } = part.identity();
  return { dev, ino, ...(part.mode !== null && { mode: part.mode }) };
}

function openOrNull(path: string, mode: number | undefined): PartFile | null {
  try {
    return PartFile.open(path, mode);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'NOTHING_TO_RESUME') return null;
    throw error;
  }
}
