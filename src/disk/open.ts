/** Opening files that are only read. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { SluiceError } from '../errors.js';
import { diskError } from './errors.js';

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

/**
 * The text of a small file that the user named, as UTF-8.
 * @param maxBytes a longer file is refused
 */
export function readSmallFile(path: string, maxBytes: number): string {
  const file = openForReading(path);
  try {
    if (file.size > maxBytes) {
      throw new SluiceError('USAGE', `${path} is longer than ${maxBytes} bytes`, { path });
    }
    return readFileSync(file.fd, 'utf8');
  } finally {
    file.close();
  }
}
