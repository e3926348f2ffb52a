/** Directories of the user that this process does without, told to whoever keeps a log. */
import { doWithout, onWithout } from '../disk/without.js';
import type { Without } from '../disk/without.js';
import type { Log } from '../log.js';

export type { Without };

/** Takes note of what was found before anybody could be told: at the entry, where code is loaded from. */
export const foundBefore: (without: Without | null) => void = doWithout;

/**
 * Writes to the log what is done without, so far and from now on, each once.
 * @returns what ends that
 */
export function logWithout(log: Log): () => void {
  return onWithout(({ directory, reason }) =>
    log.warn({ directory, reason }, 'a directory of sluice is done without'),
  );
}
