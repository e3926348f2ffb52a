/**
 * Compiled code of sluice, which Node keeps for the next start (from 22.1 on). Node runs what it finds
 * there without a look at it, so it gets the directory only when all of it is ours alone.
 */
import nodeModule from 'node:module';
import path from 'node:path';
import { OwnDirectory } from './own-directory.js';
import { checkFile } from './ownership.js';
import { cacheDirectory } from './user-directories.js';
import type { Environment } from './user-directories.js';
import { whatIsDoneWithout } from './without.js';
import type { Without } from './without.js';

/** What Node has from 22.1 on. */
interface CompileCache {
  enableCompileCache?: (directory: string) => unknown;
  getCompileCacheDir?: () => string | undefined;
}

/** Where compiled code is kept: `code` in our cache directory. */
export function codeDirectory(env: Environment = process.env): string {
  return path.join(cacheDirectory(env), 'code');
}

/**
 * Has Node use compiled code that an earlier run kept, and keep it.
 * @returns the directory that is done without, and why; null when all is well, or Node has no such cache
 */
export function keepCompiledCode(env: Environment = process.env): Without | null {
  const { enableCompileCache, getCompileCacheDir } = nodeModule as CompileCache;
  // Whoever set NODE_COMPILE_CACHE has chosen a place.
  if (enableCompileCache === undefined || getCompileCacheDir?.() !== undefined) return null;
  const directory = codeDirectory(env);
  try {
    const real = ownCodeDirectory(directory);
    // Node makes a directory of its own in it, and with a umask of 002 not for us alone.
    const before = process.umask(0o077);
    enableCompileCache(real);
    process.umask(before);
    return null;
  } catch (thrown) {
    return whatIsDoneWithout(directory, thrown);
  }
}

/** The directory without a symbolic link on its way. It throws NotOurs unless all in it is ours alone. */
function ownCodeDirectory(directory: string): string {
  const own = OwnDirectory.open(directory, { make: true });
  try {
    const { realPath } = own;
    for (const name of own.names()) {
      // Node has a directory for each of its versions.
      if (own.look(name)?.isDirectory() === true) checkFiles(path.join(realPath, name));
      else checkEntry(own, name, realPath);
    }
    return realPath;
  } finally {
    own.close();
  }
}

function checkFiles(directory: string): void {
  const own = OwnDirectory.open(directory, { make: false });
  try {
    for (const name of own.names()) checkEntry(own, name, directory);
  } finally {
    own.close();
  }
}

/** A file that went meanwhile is no danger. */
function checkEntry(own: OwnDirectory, name: string, directory: string): void {
  const stats = own.look(name);
  if (stats !== null) checkFile(stats, path.join(directory, name));
}
