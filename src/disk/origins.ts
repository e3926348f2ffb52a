/**
 * What earlier runs learnt of an origin (scheme, host, port): how many connections paid, and how
 * many it allowed. It lies in the user's cache directory, holds no name of a host, and is only
 * ever a help: when it cannot be read or written, `auto` finds out anew.
 */
import path from 'node:path';
import { isRecord, noteName, readNote, sha256, writeNote } from './notes.js';
import { MAX_CONNECTIONS } from '../limits.js';
import type { NoteBounds } from './notes.js';
import { cacheDirectory } from './user-directories.js';
import type { Environment } from './user-directories.js';

/** How many origins are remembered, and for how long; the oldest go first. */
export const ORIGIN_BOUNDS: NoteBounds = { most: 256, oldestMs: 30 * 24 * 3600 * 1000 };

/** Longest note that is read, in bytes. */
const MAX_BYTES = 4096;

/** What is remembered of an origin. Times are milliseconds since 1970. */
export interface OriginFacts {
  savedMs: number;
  /** Connections beyond which more brought nothing, and the round trip then, in milliseconds. */
  useful: { connections: number; roundTripMs: number } | null;
  /** Connections that worked when the origin refused one more, and when that was. */
  limit: { connections: number; atMs: number } | null;
}

/** Where the notes are: `$SLUICE_CACHE_DIR/origins`, by default in `~/.cache/sluice`. */
export function originsDirectory(env: Environment = process.env): string {
  return path.join(cacheDirectory(env), 'origins');
}

/**
 * Keeps what was learnt. Returns false when that was not possible.
 * @param origin `scheme://host:port`; only its SHA-256 is kept
 */
export function writeOrigin(
  origin: string,
  facts: OriginFacts,
  env: Environment = process.env,
): boolean {
  try {
    const text = JSON.stringify({ version: 1, origin: sha256(origin), ...facts });
    writeNote(originsDirectory(env), noteName(origin), text, ORIGIN_BOUNDS);
    return true;
  } catch {
    return false;
  }
}

/** What is remembered of an origin; null when there is nothing, or nothing that makes sense. */
export function readOrigin(
  origin: string,
  env: Environment = process.env,
  nowMs = Date.now(),
): OriginFacts | null {
  try {
    const value: unknown = JSON.parse(readNote(originsDirectory(env), noteName(origin), MAX_BYTES));
    const isIt = isRecord(value) && value['origin'] === sha256(origin);
    return isIt ? soundFacts(value, nowMs) : null;
  } catch {
    return null;
  }
}

/** Null unless every field is what it must be: anyone may have written into the directory. */
function soundFacts(value: Record<string, unknown>, nowMs: number): OriginFacts | null {
  const { version, savedMs, useful, limit } = value;
  const isPast = (ms: unknown): boolean => Number.isSafeInteger(ms) && (ms as number) <= nowMs;
  const isCount = (count: unknown): boolean =>
    Number.isSafeInteger(count) && (count as number) >= 1 && (count as number) <= MAX_CONNECTIONS;
  const sound =
    version === 1 &&
    isPast(savedMs) &&
    nowMs - (savedMs as number) <= ORIGIN_BOUNDS.oldestMs &&
    (useful === null ||
      (isRecord(useful) &&
        isCount(useful['connections']) &&
        typeof useful['roundTripMs'] === 'number' &&
        useful['roundTripMs'] >= 0)) &&
    (limit === null || (isRecord(limit) && isCount(limit['connections']) && isPast(limit['atMs'])));
  return sound ? (value as unknown as OriginFacts) : null;
}
