/** Opening files that are only read. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { SluiceError } from '../errors.js';
import { diskError } from './errors.js';
import { readFully } from './io.js';

/** A regular file, open for reading. */
export interface OpenFile {
  fd: number;
  /** Length in bytes. */
  size: number;
  close(): void;
}

/** Opens a regular file. Raises a disk error, or TARGET_UNSAFE when it is no regular file. */
export function openForReading(path: string): OpenFile {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    throw diskError(thrown, { action: 'open', path });
  }
  const stats = fstatSync(fd);
  if (!stats.isFile()) {
    closeSync(fd);
    throw new SluiceError('TARGET_UNSAFE', `${path} is not a regular file`, { path });
  }
  return { fd, size: stats.size, close: () => closeSync(fd) };
}

/** Bytes that are read at once. */
const STEP = 1024 * 1024;

/**
 * A small file that the user named: pieces in order, each read when it is asked for. It is read to its
 * end, and no further than its bound, whatever length the system tells and whoever appends to it.
 * @param maxBytes a longer file is refused
 */
export function* readSmallFile(path: string, maxBytes: number): Generator<Uint8Array> {
  const file = openForReading(path);
  try {
    if (file.size > maxBytes) throw tooLong(path, maxBytes);
    for (let at = 0; ;) {
      const piece = Buffer.allocUnsafe(STEP);
      const count = readFully(file.fd, piece, 0, piece.length, at);
      if (count === 0) return;
      at += count;
      if (at > maxBytes) throw tooLong(path, maxBytes);
      yield piece.subarray(0, count);
    }
  } catch (thrown) {
    throw diskError(thrown, { action: 'read', path });
  } finally {
    file.close();
  }
}

function tooLong(path: string, maxBytes: number): SluiceError {
  return new SluiceError('USAGE', `${path} is longer than ${maxBytes} bytes`, {
    path,
    next: 'Check that it is the right file.',
  });
}

/** The text of a small file that the user named, as UTF-8. */
export function readSmallText(path: string, maxBytes: number): string {
  return Buffer.concat([...readSmallFile(path, maxBytes)]).toString('utf8');
}
