/** Removing what a download left. */
import { unlinkSync } from 'node:fs';
import { SluiceError } from '../errors.js';
import { diskError, errnoOf } from './errors.js';
import { journalPath, newJournalPath, partPath } from './names.js';
import { lstatOrNull, requirePlain } from './part-file.js';

/** Removes the part, the journals or both of a target; what is not there is no error. */
export function removePart(target: string, what: 'both' | 'part' | 'journal' = 'both'): void {
  const journal = journalPath(target);
  const journals = [newJournalPath(journal), journal];
  const parts = what === 'journal' ? [] : [partPath(target)];
  for (const path of [...parts, ...(what === 'part' ? [] : journals)]) {
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
 * @throws SluiceError TARGET_EXISTS when the part is not empty; TARGET_UNSAFE for no regular file
 */
export function removeTrace(target: string, { anyPart = false } = {}): void {
  const path = partPath(target);
  const part = lstatOrNull(path);
  if (part !== null) {
    requirePlain(part, path);
    if (part.size > 0n && !anyPart) throw foreignPart(path);
  }
  removePart(target);
}

function foreignPart(path: string): SluiceError {
  return new SluiceError(
    'TARGET_EXISTS',
    `${path} exists, and no journal says what it holds, so nothing of it can be used`,
    {
      path,
      next: 'Remove it, choose another name with --output, or replace it with --on-exists overwrite.',
    },
  );
}
