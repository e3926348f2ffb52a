/** Space for a part before its first byte: none, a hole of the right length, or blocks of its own. */
import path from 'node:path';
import { SluiceError } from '../errors.js';
import type { Extent } from '../schedule/extents.js';
import { writeAt } from './async-io.js';
import { diskError, errnoOf, refusesLength } from './errors.js';
import type { PartFile } from './part-file.js';
import { requireSpace } from './space.js';

/**
 * `none`: the file grows as it is written. `sparse`: it has its length at once, and takes no space.
 * `full`: its blocks are reserved, so that no other program can take them meanwhile.
 */
export type Preallocation = 'none' | 'sparse' | 'full';

export interface Preallocate {
  how: Preallocation;
  /** Length of the whole file in bytes. */
  bytes: number;
  /** Ranges that hold nothing: only there may zeros be written. Ascending and disjoint. */
  missing: readonly Extent[];
  signal: AbortSignal;
}

/** Zeros are written in steps of this size, and synced after so many bytes. */
const ZERO_STEP = 1024 * 1024;
const ZERO_SYNC = 256 * 1024 * 1024;

/** How fallocate(1) spells, in the C locale, what no other way of reserving would change. */
const FINAL: ReadonlyArray<[text: RegExp, errno: string]> = [
  [/No space left on device/i, 'ENOSPC'],
  [/quota exceeded/i, 'EDQUOT'],
  [/File too large/i, 'EFBIG'],
];

/**
 * Prepares the part. What the size of a file says is never taken for progress, whichever way it got it.
 * @throws SluiceError DISK_FULL with what is missing, and other disk errors; the signal's reason
 */
export async function preallocate(part: PartFile, wish: Preallocate): Promise<void> {
  const { how, bytes } = wish;
  if (how === 'none' || bytes === 0) return;
  if (how === 'full') await reserve(part, wish);
  try {
    part.setSize(bytes);
  } catch (thrown) {
    // It is a help only: such a file grows as it is written, as with `none`.
    if (!refusesLength(thrown)) throw thrown;
  }
}

async function reserve(part: PartFile, wish: Preallocate): Promise<void> {
  requireSpace(path.dirname(part.path), wish.bytes - part.allocatedBytes(), part.path);
  const refused = await fallocate(part, wish);
  wish.signal.throwIfAborted();
  if (refused === null) return;
  const final = FINAL.find(([text]) => text.test(refused));
  if (final !== undefined) throw reserveError(errnoError(final[1]), part, wish.bytes);
  try {
    await writeZeros(part, wish);
  } catch (thrown) {
    throw reserveError(thrown, part, wish.bytes);
  }
}

/**
 * Node has no fallocate(2), so the program of that name is asked, on the descriptor that is open
 * here: it reaches this file even if its name were given to another. Returns why it could not do
 * it, in the program's words; null when it did.
 */
async function fallocate(part: PartFile, { bytes, signal }: Preallocate): Promise<string | null> {
  const { spawn } = await import('node:child_process');
  return new Promise((resolve) => {
    const child = spawn('fallocate', ['-l', String(bytes), '/proc/self/fd/3'], {
      stdio: ['ignore', 'ignore', 'pipe', part.fd],
      env: { ...process.env, LC_ALL: 'C' },
      signal,
    });
    let words = '';
    child.stderr?.on('data', (data: Buffer) => (words = (words + data.toString()).slice(-1000)));
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status) => resolve(status === 0 ? null : words));
  });
}

/** Where blocks cannot be reserved they are used: by zeros, in every range that holds nothing. */
async function writeZeros(part: PartFile, { missing, signal }: Preallocate): Promise<void> {
  const zeros = Buffer.alloc(ZERO_STEP);
  let unsynced = 0;
  for (const { start, end } of missing) {
    for (let at = start; at < end; at += ZERO_STEP) {
      signal.throwIfAborted();
      const length = Math.min(ZERO_STEP, end - at);
      await writeAt(part.fd, zeros.subarray(0, length), at);
      unsynced += length;
      if (unsynced < ZERO_SYNC) continue;
      await part.sync();
      unsynced = 0;
    }
  }
}

function errnoError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function reserveError(thrown: unknown, part: PartFile, bytes: number): SluiceError {
  if (errnoOf(thrown) === null) return SluiceError.from(thrown);
  const needBytes = bytes - part.allocatedBytes();
  return diskError(thrown, { action: 'reserve space for', path: part.path, needBytes });
}
