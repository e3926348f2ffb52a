/** The order behind promise P3: data, sync, journal, sync. */
import { crc32 } from 'node:zlib';
import { SluiceError } from '../errors.js';
import type { Log } from '../log.js';
import { ExtentSet, type Extent } from '../schedule/extents.js';
import { readAt } from './async-io.js';
import { MAX_EXTENT, type DurableExtent } from './durable-extents.js';
import { WrittenCrcs } from './written-crcs.js';
import { diskError } from './errors.js';
import type { Journal } from './journal.js';
import { madeShorter, replaced, type PartFile } from './part-file.js';

/** Bytes that are read back in one step. */
export const READ_STEP = 1024 * 1024;

/** Is told of the syncs of the data, and tells of the bytes. */
export interface SyncWatch {
  /** Whether the data has to be synced even when nothing new can be claimed. */
  readonly isFull: boolean;
  /** A sync begins; calls what it returns when that has succeeded. */
  begins(): () => void;
  /** CRCs of ranges whose writes have returned, each of them once, in the order of the writes. */
  takeChecks(): DurableExtent[];
}

/**
 * What is read back to be claimed, because its CRC did not come with it. `all`: nothing is left out.
 * `unknown`: what will be known without that waits for the next checkpoint. `nothing`: only what is known is claimed.
 */
export type ReadBack = 'all' | 'unknown' | 'nothing';

/** In this order each includes those before it. */
const READ_BACK: readonly ReadBack[] = ['nothing', 'unknown', 'all'];

export interface CheckpointOptions {
  part: PartFile;
  journal: Journal;
  /** What is written so far: extents whose positional writes have returned. */
  source: () => Extent[];
  log: Log;
  watch?: () => SyncWatch | null;
}

/**
 * Turns what is written into what is durable. Anything that fails between the sync of the data
 * and the journal's is final: the kernel reports a lost write once, so after it nothing that was
 * written since the last good checkpoint may ever be claimed.
 */
export class Checkpointer {
  readonly #options: CheckpointOptions;
  readonly #crcs = new WrittenCrcs();
  #running: Promise<number> | null = null;
  #next: Promise<number> | null = null;
  /** What the next run is to read back. */
  #readBack: ReadBack = 'nothing';
  #failure: SluiceError | null = null;

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  /** What is durable: ascending, disjoint. */
  durable(): DurableExtent[] {
    return this.#options.journal.extents();
  }

  /** Nothing is known any more of the bytes of these ranges. */
  forget(ranges: readonly Extent[]): void {
    this.#crcs.add(this.#options.watch?.()?.takeChecks() ?? []);
    this.#crcs.forget(ranges);
  }

  /**
   * Makes durable what was written before the call, and claims it; returns how many bytes are newly
   * claimed. Two never run at a time: calls during a run share one more run after it.
   */
  run(readBack: ReadBack = 'all'): Promise<number> {
    if (READ_BACK.indexOf(readBack) > READ_BACK.indexOf(this.#readBack)) this.#readBack = readBack;
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#start();
    this.#next = this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#start();
      });
    return this.#next;
  }

  #start(): Promise<number> {
    const run = this.#checkpoint().finally(() => {
      this.#running = null;
    });
    this.#running = run;
    return run;
  }

  async #checkpoint(): Promise<number> {
    if (this.#failure !== null) throw this.#failure;
    const { part, log } = this.#options;
    const started = Date.now();
    const readBack = this.#readBack;
    this.#readBack = 'nothing';
    try {
      const fresh = this.#written();
      if (fresh.length === 0 && this.#options.watch?.()?.isFull !== true) return 0;
      const bytes = await this.#makeDurable(fresh, readBack);
      log.debug({ bytes, extents: fresh.length, ms: Date.now() - started }, 'checkpoint');
      return bytes;
    } catch (thrown) {
      this.#failure = gone(part) ?? diskError(thrown, { action: 'sync', path: part.path });
      log.error({ code: this.#failure.code, path: part.path }, 'checkpoint failed');
      throw this.#failure;
    }
  }

  /** What is written and not yet durable. */
  #written(): Extent[] {
    return this.#options.journal.missingOf(new ExtentSet(this.#options.source()).toArray());
  }

  async #makeDurable(fresh: Extent[], readBack: ReadBack): Promise<number> {
    const { part, journal } = this.#options;
    const watch = this.#options.watch?.();
    // Not before `fresh` is known: what is written then has its CRC there.
    this.#crcs.add(watch?.takeChecks() ?? []);
    const { known, unknown, parts } = this.#crcs.cover(fresh);
    const succeeded = watch?.begins();
    // While the disk takes the bytes, the CRCs that did not come with them come from the page cache.
    const rest = { all: [...unknown, ...parts], unknown, nothing: [] }[readBack];
    const reading = crcsOf(part, rest);
    reading.catch(() => undefined);
    await part.sync();
    part.reaches(fresh.at(-1)?.end ?? 0);
    part.requireLength();
    succeeded?.();
    const extents = [...known, ...(await reading)];
    if (extents.length > 0) await journal.append(extents);
    return extents.reduce((sum, { start, end }) => sum + end - start, 0);
  }
}

/** That the part was taken away explains whatever else fails; null when it is there. */
function gone(part: PartFile): SluiceError | null {
  try {
    return part.isSameAsPath() ? null : replaced(part.path);
  } catch {
    return null;
  }
}

/** The same bytes in pieces that one CRC each may stand for. */
function* pieces(extents: Extent[]): Generator<Extent> {
  for (const { start, end } of extents) {
    for (let from = start; from < end; from += MAX_EXTENT) {
      yield { start: from, end: Math.min(end, from + MAX_EXTENT) };
    }
  }
}

/** What is to be claimed of these extents. */
async function crcsOf(part: PartFile, fresh: Extent[]): Promise<DurableExtent[]> {
  const extents: DurableExtent[] = [];
  for (const piece of pieces(fresh)) extents.push({ ...piece, crc: await crcOf(part, piece) });
  return extents;
}

/** CRC-32 of a range of the part, read back from the page cache. */
async function crcOf(part: PartFile, { start, end }: Extent): Promise<number> {
  const result = await crcOfRange(part.fd, start, end);
  if (result !== null) return result;
  part.reaches(end);
  part.requireLength();
  throw madeShorter(part.path);
}

/** CRC-32 of `[start, end)` of a file, read in bounded steps; null when the file is too short. */
export async function crcOfRange(
  fd: number,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<number | null> {
  const buffer = Buffer.allocUnsafe(Math.min(READ_STEP, end - start));
  let crc = 0;
  for (let at = start; at < end; at += buffer.length) {
    if (signal?.aborted === true) throw aborted(signal);
    const length = Math.min(buffer.length, end - at);
    if ((await readAt(fd, buffer, length, at)) < length) return null;
    crc = crc32(buffer.subarray(0, length), crc);
  }
  return crc;
}

function aborted(signal: AbortSignal): SluiceError {
  const reason: unknown = signal.reason;
  return reason instanceof SluiceError ? reason : new SluiceError('INTERRUPTED', 'interrupted');
}
