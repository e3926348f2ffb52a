/** Making directories. */
import { lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from './errors.js';

/**
 * Makes a directory and those above it that are missing. Not by `recursive`: where a name cannot be
 * made although its parent is there (below /proc, below an automounter's directory, in a directory
 * that was removed), that never returns. It throws what the file system throws, with the `path`.
 * @param mode of each directory that is made, before the umask
 */
export function makeDirectories(directory: string, mode = 0o777): void {
  const absent: string[] = [];
  for (let at = directory; isAbsent(at); at = path.dirname(at)) {
    absent.push(at);
    if (path.dirname(at) === at) break;
  }
  for (const at of absent.reverse()) {
    try {
      mkdirSync(at, { mode });
    } catch (thrown) {
      // Another run may have been faster.
      if (errnoOf(thrown) !== 'EEXIST') throw thrown;
    }
  }
}

function isAbsent(name: string): boolean {
  try {
    lstatSync(name);
    return false;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return true;
    throw thrown;
  }
}
