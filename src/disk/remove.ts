/** Removing what a download left. */
import { unlinkSync } from 'node:fs';
import { SluiceError } from '../errors.js';
import { diskError, errnoOf } from './errors.js';
import { journalPath, newJournalPath, partPath } from './names.js';
import { requireOwned } from './own-file.js';
import { isOurs } from './ownership.js';
import { lstatOrNull, requirePlain } from './part-file.js';
import { shellCommand } from './shell.js';

/**
 * Removes what an earlier run left, whatever state it is in.
 * @throws SluiceError TARGET_FOREIGN, with everything left alone, when some of it is another user's
 */
export function discard(target: string): void {
  requireAllOwned(target);
  removePart(target);
}

/** Removes the part, the journals or both of a target, which are ours; what is not there is no error. */
export function removePart(target: string, what: 'both' | 'part' | 'journal' = 'both'): void {
  const journal = journalPath(target);
  const temporary = newJournalPath(journal);
  const parts = what === 'journal' ? [] : [partPath(target)];
  const journals = what === 'part' ? [] : [...(isOursThere(temporary) ? [temporary] : []), journal];
  for (const path of [...parts, ...journals]) {
    try {
      // A read-only filesystem refuses to remove even what is not there.
      if (lstatOrNull(path) !== null) unlinkSync(path);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw diskError(thrown, { action: 'remove', path });
    }
  }
}

/**
 * Removes what a run leaves that dies before its journal says anything: an empty part and a
 * journal that has not begun. The journal is created before the part gets a length or a byte, so
 * a part of our own without a journal is always empty. Call it under the target's lock and when
 * there is no journal to read.
 * @param anyPart also removes a part that is not empty, for the user wants it replaced
 * @throws SluiceError TARGET_EXISTS when the part is not empty; TARGET_UNSAFE for no regular file;
 *   TARGET_FOREIGN for another user's
 */
export function removeTrace(target: string, { anyPart = false } = {}): void {
  requireAllOwned(target);
  const path = partPath(target);
  const part = lstatOrNull(path);
  if (part !== null) {
    requirePlain(part, path);
    if (part.size > 0n && !anyPart) throw foreignPart(path);
  }
  removePart(target);
}

/**
 * Removes what has the name of a journal that is being rewritten, if it is ours. Call it under the target's lock and
 * when there is no journal: then it is what a run left that died while it put a small file in its place.
 */
export function removeSpare(target: string): void {
  const path = newJournalPath(journalPath(target));
  if (!isOursThere(path)) return;
  try {
    unlinkSync(path);
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw diskError(thrown, { action: 'remove', path });
  }
}

/** Another user's is in nobody's way: a journal that cannot be rewritten goes on as it is. */
function isOursThere(path: string): boolean {
  const stats = lstatOrNull(path);
  return stats !== null && isOurs(stats);
}

function requireAllOwned(target: string): void {
  for (const path of [partPath(target), journalPath(target)]) {
    const stats = lstatOrNull(path);
    if (stats !== null) requireOwned(stats, path);
  }
}

function foreignPart(path: string): SluiceError {
  return new SluiceError(
    'TARGET_EXISTS',
    `${path} exists, and no journal says what it holds, so nothing of it can be used`,
    {
      path,
      next: `Remove it, ${shellCommand('rm -f', path)}, choose another name with --output, or replace it with --on-exists overwrite.`,
    },
  );
}
