/** Making directories. */
import { lstatSync, mkdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from './errors.js';

/** Directories that this process made. */
const made = new Set<string>();

/** Removes those directories of this process that nothing was put into. To be called when no download is at work. */
export function removeUnused(): void {
  for (const directory of [...made].sort((a, b) => b.length - a.length)) {
    try {
      rmdirSync(directory);
    } catch {
      // There is something in it, or it is gone.
    }
  }
  made.clear();
}

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
      made.add(path.resolve(at));
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
