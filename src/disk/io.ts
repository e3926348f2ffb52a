/**
 * Positional reads and writes of the path of the bytes: synchronous, for worker threads, on a
 * descriptor that the main thread opened. The descriptor must not be in append mode, for Linux
 * then ignores positions.
 */
import { readSync, writeSync } from 'node:fs';
import { assert } from '../errors.js';
import { diskError, errnoOf, takesNothing } from './errors.js';

/** How many interrupted or postponed calls in a row are tried again before we give up. */
const MAX_RETRIES = 100;

/**
 * Writes `buffer[from, to)` at `offset` of the file, all of it, whatever number of calls it takes.
 * Raises the error of {@link diskError}; the caller knows the path and adds it.
 * @param most bytes that one call is given at most, see `write-size.ts`
 */
export function writeFully(
  fd: number,
  buffer: Uint8Array,
  from: number,
  to: number,
  offset: number,
  most = Infinity,
): void {
  checkSpan(buffer, from, to, offset);
  let at = from;
  let retries = 0;
  while (at < to) {
    let written: number;
    try {
      written = writeSync(fd, buffer, at, Math.min(to - at, most), offset + (at - from));
    } catch (thrown) {
      retries += 1;
      if (retries <= MAX_RETRIES && isTransient(thrown)) continue;
      throw diskError(thrown, { action: 'write', path: '' });
    }
    // POSIX lets a write take less than all.
    if (written <= 0) throw takesNothing();
    at += written;
    retries = 0;
  }
}

/**
 * Reads into `buffer[from, to)` from `offset` of the file; returns how many bytes there were,
 * fewer than asked only at the end of the file.
 */
export function readFully(
  fd: number,
  buffer: Uint8Array,
  from: number,
  to: number,
  offset: number,
): number {
  checkSpan(buffer, from, to, offset);
  let at = from;
  let retries = 0;
  while (at < to) {
    let count: number;
    try {
      count = readSync(fd, buffer, at, to - at, offset + (at - from));
    } catch (thrown) {
      retries += 1;
      if (retries <= MAX_RETRIES && isTransient(thrown)) continue;
      throw diskError(thrown, { action: 'read', path: '' });
    }
    if (count === 0) break;
    at += count;
    retries = 0;
  }
  return at - from;
}

/** A position that is not a number would silently mean "where the last call ended". */
function checkSpan(buffer: Uint8Array, from: number, to: number, offset: number): void {
  assert(
    Number.isSafeInteger(offset) &&
      offset >= 0 &&
      Number.isSafeInteger(from) &&
      Number.isSafeInteger(to) &&
      0 <= from &&
      from <= to &&
      to <= buffer.length,
    'a span lies within its buffer and its file',
  );
}

function isTransient(thrown: unknown): boolean {
  const errno = errnoOf(thrown);
  return errno === 'EINTR' || errno === 'EAGAIN';
}
