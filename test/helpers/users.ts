/** Users beside the one who runs the tests. Only root can lay files, or run a command, as another one. */
import { chmodSync, lchownSync } from 'node:fs';

/** Two users without a name here. */
export const MALLORY = 65_534;
export const ALICE = 65_533;

/** What to put in front of a command that is another user's. */
export const runAs = (user: number): string[] => [
  'setpriv',
  `--reuid=${user}`,
  `--regid=${user}`,
  '--clear-groups',
];

/** Gives a file to a user; a link itself. */
export function give(file: string, user: number, mode?: number): void {
  lchownSync(file, user, user);
  if (mode !== undefined) chmodSync(file, mode);
}
