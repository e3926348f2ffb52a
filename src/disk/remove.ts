/** Removing what a download left. */
import { unlinkSync } from 'node:fs';
import { diskError, errnoOf } from './errors.js';
import { journalPath, partPath } from './names.js';

/** Removes the part and the journal of a target; what is not there is no error. */
export function removePart(target: string, { partOnly = false } = {}): void {
  for (const path of partOnly ? [partPath(target)] : [partPath(target), journalPath(target)]) {
    try {
      unlinkSync(path);
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw diskError(thrown, { action: 'remove', path });
    }
  }
}
