/**
 * Given to Node with `--import`, writes the URL of every module that the main thread loads to the
 * file that SLUICE_TEST_MODULES names: ES modules as they are loaded, CommonJS ones at the exit.
 */
import { createRequire, register } from 'node:module';
import type { LoadHook } from 'node:module';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { note } from './module-notes.js';

/** Node calls this in a thread of its own, before each ES module is loaded. */
export const load: LoadHook = (url, context, next) => {
  note(url);
  return next(url, context);
};

// The other threads of the process have their own modules, which no start waits for.
if (isMainThread) {
  register(import.meta.url);
  const { cache } = createRequire(import.meta.url);
  process.on('exit', () => {
    for (const path of Object.keys(cache)) note(pathToFileURL(path).href);
  });
}
