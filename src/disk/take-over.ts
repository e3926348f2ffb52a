/** A part and a journal of ours for what another downloader left. Its own files stay as they are. */
import {
  closeSync,
  constants,
  fstatSync,
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
    from = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(from);
    if (!stats.isFile())
      throw new SluiceError('TARGET_UNSAFE', 'it is no regular file', { path: file });
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
      const extents = copy(from, part.fd, claimed, stats.size);
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
