/**
 * Directories of ours that this process does without. Nothing fails for it, so it is told to whoever
 * keeps a log, and once: the directory is asked for again with each file.
 */
import { NotOurs } from './ownership.js';

/** A directory that is not used, and why. */
export interface Without {
  directory: string;
  reason: string;
}

type Listener = (without: Without) => void;

const known = new Map<string, Without>();
const listeners = new Set<Listener>();

/** Takes note that a directory is not used. */
export function doWithout(without: Without | null): void {
  if (without === null) return;
  const key = `${without.directory}\n${without.reason}`;
  if (known.has(key)) return;
  known.set(key, without);
  for (const listen of listeners) listen(without);
}

/**
 * Tells what this process does without, so far and from now on.
 * @returns what ends the telling
 */
export function onWithout(listen: Listener): () => void {
  listeners.add(listen);
  for (const without of known.values()) listen(without);
  return () => listeners.delete(listen);
}

/** What is to be told of what was thrown; null where there is simply nothing. */
export function whatIsDoneWithout(directory: string, thrown: unknown): Without | null {
  if (thrown instanceof NotOurs) return { directory, reason: thrown.message };
  const { code } = thrown as NodeJS.ErrnoException;
  return code === undefined || code === 'ENOENT' ? null : { directory, reason: code };
}
