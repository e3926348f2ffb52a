/** Makes a journal so long that the next run rewrites it at one of its first records. */
import { existsSync, statSync } from 'node:fs';
import { Journal, journalPath, readJournal } from '../../src/disk/journal.js';

/** A journal is rewritten when it is longer than this. */
const REWRITTEN_AT = 1024 * 1024;
const CLAIM_BYTES = 20;

/**
 * Repeats a claim of an unfinished download until there is room for `spare` bytes before the
 * journal would be rewritten. Returns false when nothing is claimed, so that there is nothing to
 * repeat.
 */
export async function age(target: string, spare: number): Promise<boolean> {
  const file = journalPath(target);
  if (!existsSync(file) || statSync(file).size > REWRITTEN_AT / 2) return false;
  let read;
  try {
    read = readJournal(file);
  } catch {
    return false;
  }
  const [claim] = read.extents;
  if (claim === undefined || read.publish !== null) return false;
  const journal = await Journal.reopen(file, read);
  const room = REWRITTEN_AT - spare - read.appendAt.offset;
  await journal.append(new Array(Math.floor(room / CLAIM_BYTES) - 2).fill(claim));
  await journal.close();
  return true;
}
