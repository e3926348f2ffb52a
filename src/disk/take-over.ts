/** A part and a journal of ours for what another downloader left. Its own files stay as they are. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import { SluiceError } from '../errors.js';
import type { Extent } from '../schedule/extents.js';
import { MAX_EXTENT } from './durable-extents.js';
import type { DurableExtent } from './durable-extents.js';
import { diskError } from './errors.js';
import { Journal, journalPath, partPath } from './journal.js';
import type { JournalIdentity } from './journal.js';
import { readFully } from './io.js';
import { NotOurs, checkFile } from './ownership.js';
import { PartFile } from './part-file.js';

/** Bytes that are copied at once. */
const STEP = 1024 * 1024;

/**
 * Copies ranges of a file into a new part, and claims them in a new journal.
 * @param file what another program has written; it is only read
 * @param claimed what that says is there; what lies beyond the end of the file is not
 * @throws SluiceError TARGET_BUSY when there is a part or a journal already; disk errors
 */
export async function takeOver(
  target: string,
  file: string,
  claimed: readonly Extent[],
  identity: Omit<JournalIdentity, 'part'>,
): Promise<void> {
  let from: number | null = null;
  let part: PartFile | null = null;
  let isDone = false;
  try {
    from = openOurs(file);
    const { size } = fstatSync(from);
    part = PartFile.create(partPath(target));
    const { dev, ino } = part.identity();
    const mode = part.mode === null ? {} : { mode: part.mode };
    // Before the bytes: a part without a journal would be nobody's if this run is killed now.
    const journal = await Journal.create(journalPath(target), {
      ...identity,
      part: { dev, ino, ...mode },
    });
    try {
      if (identity.size !== null) part.setSize(identity.size);
      const extents = copy(from, part.fd, claimed, size);
      await part.sync();
      await journal.append(extents);
      await journal.close();
    } catch (error) {
      await journal.remove();
      throw error;
    }
    isDone = true;
  } catch (thrown) {
    throw diskError(thrown, { action: 'read', path: file });
  } finally {
    if (from !== null) closeSync(from);
    part?.close();
    if (part !== null && !isDone) unlinkSync(partPath(target));
  }
}

/** What another user laid, or may write to, is not taken over (P25). */
function openOurs(file: string): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    checkFile(fstatSync(fd), file);
    return fd;
  } catch (error) {
    closeSync(fd);
    if (!(error instanceof NotOurs)) throw error;
    throw new SluiceError('TARGET_FOREIGN', `${error.message}, so it is not taken over`, {
      path: file,
      next: 'If you know what it is, make it yours alone (chown, chmod go-w) and run the same command again.',
    });
  }
}

/**
 * The bytes of a file of ours.
 * @param maxBytes a longer one is refused
 * @throws SluiceError TARGET_FOREIGN, TARGET_UNSAFE, NOTHING_TO_RESUME; disk errors
 */
export function readOurs(file: string, maxBytes: number): Buffer {
  let fd: number | null = null;
  try {
    fd = openOurs(file);
    const { size } = fstatSync(fd);
    if (size > maxBytes)
      throw new SluiceError('NOTHING_TO_RESUME', `it is longer than ${maxBytes} bytes`, {
        path: file,
      });
    const bytes = Buffer.alloc(size);
    readFully(fd, bytes, 0, size, 0);
    return bytes;
  } catch (thrown) {
    throw diskError(thrown, { action: 'read', path: file });
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** Whether a regular file of ours that nobody else may write lies there. */
export function isOwnFile(path: string): boolean {
  try {
    checkFile(lstatSync(path), path);
    return true;
  } catch {
    return false;
  }
}

function copy(from: number, to: number, claimed: readonly Extent[], size: number): DurableExtent[] {
  const buffer = Buffer.allocUnsafe(STEP);
  const extents: DurableExtent[] = [];
  for (const { start, end: said } of claimed) {
    const end = Math.min(said, size);
    for (let at = start; at < end; at += MAX_EXTENT) {
      const extent = { start: at, end: Math.min(end, at + MAX_EXTENT), crc: 0 };
      for (let offset = at; offset < extent.end;) {
        const length = readSync(from, buffer, 0, Math.min(STEP, extent.end - offset), offset);
        if (length === 0) return extents;
        for (let done = 0; done < length;)
          done += writeSync(to, buffer, done, length - done, offset + done);
        extent.crc = crc32(buffer.subarray(0, length), extent.crc);
        offset += length;
      }
      extents.push(extent);
    }
  }
  return extents;
}

/** Removes a file that has served; one that cannot be removed stays. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It says what is true no more, and harms nothing: the file is complete.
  }
}
