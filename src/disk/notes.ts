/**
 * Small files in a directory of the user's own, which help a later run and mean nothing else: each
 * is replaced as a whole, their number and age are bounded, and whatever is read may be damaged.
 */
import { createHash, randomBytes } from 'node:crypto';
import { OwnDirectory } from './own-directory.js';
import { isOurs } from './ownership.js';
import { doWithout, whatIsDoneWithout } from './without.js';

/** Lower-case hex of the SHA-256 of a text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The name of the note on a subject: it says nothing of it. */
export function noteName(subject: string): string {
  return `${sha256(subject)}.json`;
}

/** The names that notes have, and those of notes that are being written. Nothing else is ever removed. */
const NOTE = /^[0-9a-f]{64}\.json$/;
const UNFINISHED = /^[0-9a-f]{64}\.json\.[0-9a-f]{12}~$/;

/** What a directory of notes may hold. */
export interface NoteBounds {
  most: number;
  /** Milliseconds since the last change; Infinity for ever. */
  oldestMs: number;
  /** So many may be written by one process between two looks at how many there are; default 1. */
  every?: number;
}

/** Notes that this process has written to a directory since it last looked at how many there are. */
const unlooked = new Map<string, number>();

/**
 * Writes a note, readable for its owner only, in place of what is there. Notes beyond the bounds go.
 * It throws what the file system throws, and NotOurs where the directory is not ours alone.
 * @param name from {@link noteName}
 */
export function writeNote(directory: string, name: string, text: string, bounds: NoteBounds): void {
  withDirectory(directory, true, (own) => {
    own.replace(name, `${name}.${unusedHex()}~`, text);
    const written = unlooked.get(directory);
    const isDue = written === undefined || written + 1 >= (bounds.every ?? 1);
    if (isDue) prune(own, bounds);
    unlooked.set(directory, isDue ? 0 : written + 1);
  });
}

/**
 * The text of a note. It throws when there is none, when it is too long, and NotOurs when it or its
 * directory is not ours alone.
 * @param name from {@link noteName}
 */
export function readNote(directory: string, name: string, maxBytes: number): string {
  return withDirectory(directory, false, (own) => own.read(name, maxBytes));
}

/** A directory of notes stays open for so long after its last use, in milliseconds: a list of files writes many. */
const KEPT_MS = 1000;

/** The directories that are open, by their names, and what will close each. */
const opened = new Map<string, { own: OwnDirectory; closing: NodeJS.Timeout }>();

function withDirectory<T>(directory: string, make: boolean, use: (own: OwnDirectory) => T): T {
  try {
    return use(openDirectory(directory, make));
  } catch (thrown) {
    doWithout(whatIsDoneWithout(directory, thrown));
    throw thrown;
  }
}

function openDirectory(directory: string, make: boolean): OwnDirectory {
  const kept = opened.get(directory);
  if (kept?.own.isStill() === true) {
    kept.closing.refresh();
    return kept.own;
  }
  if (kept !== undefined) close(directory);
  const own = OwnDirectory.open(directory, { make });
  const closing = setTimeout(() => close(directory), KEPT_MS).unref();
  opened.set(directory, { own, closing });
  return own;
}

function close(directory: string): void {
  const kept = opened.get(directory);
  opened.delete(directory);
  clearTimeout(kept?.closing);
  kept?.own.close();
}

/**
 * Removes the oldest notes, and what an interrupted writing left, beyond the bounds. The directory may
 * be one that the user has other files in: only regular files of ours with such a name count.
 */
function prune(own: OwnDirectory, { most, oldestMs }: NoteBounds): void {
  const names = own.names().filter((name) => NOTE.test(name) || UNFINISHED.test(name));
  if (names.length <= most && oldestMs === Infinity) return;
  const aged = names.flatMap((name) => {
    const stats = own.look(name);
    return stats?.isFile() === true && isOurs(stats) ? [{ name, ms: stats.mtimeMs }] : [];
  });
  aged.sort((a, b) => a.ms - b.ms);
  const tooOld = Date.now() - oldestMs;
  const tooMany = aged.length - most;
  for (const [index, { name, ms }] of aged.entries())
    if (index < tooMany || ms < tooOld) own.remove(name);
}

const RUN = randomBytes(4).toString('hex');
let unused = 0;

/** Twelve digits that no other process uses, and this one not soon again. */
const unusedHex = (): string => RUN + (unused++ % 0x10000).toString(16).padStart(4, '0');

/** Whether a parsed value is an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
