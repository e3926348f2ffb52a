/**
 * The rule of `ownership.ts` for the files beside a target: the part, the journal, and an empty file
 * that claims a name. What another user laid there, or could have written to, is neither gone on with
 * nor removed: half of the file would be theirs, or it would stay theirs under its final name. Root is
 * no exception, for it is root whom they want to write what they say.
 */
import type { BigIntStats } from 'node:fs';
import { SluiceError } from '../errors.js';
import { journalPath, partPath, stemOf } from './names.js';
import { isOpenToOthers, isOurs, userId } from './ownership.js';
import { shellCommand } from './shell.js';

/**
 * Raises TARGET_FOREIGN when a file beside a target is another user's. A symbolic link is whose it is
 * itself. Look at the descriptor once more after opening: only that cannot be exchanged.
 */
export function requireOwned(stats: BigIntStats, path: string): void {
  if (!isOurs(stats)) throw foreign(path, Number(stats.uid));
}

/** The same, and when others may write to it. */
export function requireOurs(stats: BigIntStats, path: string): void {
  requireOwned(stats, path);
  if (stats.isSymbolicLink() || !isOpenToOthers(stats)) return;
  const mode = (Number(stats.mode) & 0o7777).toString(8).padStart(4, '0');
  throw new SluiceError(
    'TARGET_FOREIGN',
    `${path} may be written by others (its mode is ${mode}), so they may have put into it what they like`,
    {
      path,
      next: `If nobody did, take that from them and run the same command again: ${shellCommand('chmod go-w', path)}. Otherwise remove it: ${removal(path)}.`,
    },
  );
}

function foreign(path: string, owner: number): SluiceError {
  const target = stemOf(path);
  const own = shellCommand(`sudo -u '#${owner}' sluice resume`, target);
  return new SluiceError(
    'TARGET_FOREIGN',
    `${path} belongs to ${userName(owner)}, and sluice runs as ${userName(userId() ?? owner)}: what another user laid is neither gone on with nor removed`,
    {
      path,
      next: `Choose another name with --output. If you know what it is, go on as that user, ${own}, or remove it: ${removal(path)}.`,
    },
  );
}

/** The command that removes part and journal: without the one, the other says nothing. */
export function removal(path: string): string {
  const target = stemOf(path);
  return shellCommand('rm -f', partPath(target), journalPath(target));
}

const userName = (uid: number): string => (uid === 0 ? 'root (uid 0)' : `the user with uid ${uid}`);
