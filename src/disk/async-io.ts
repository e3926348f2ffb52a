/** The same as io.ts for the main thread: the calls wait in libuv's pool, not in the event loop. */
import { fdatasync, fsync, open, close, read, write, writeSync, constants } from 'node:fs';
import { promisify } from 'node:util';
import { diskError, errnoOf, takesNothing } from './errors.js';

const readCall = promisify(read);
const writeCall = promisify(write);
const openCall = promisify(open);
const closeCall = promisify(close);
const fsyncCall = promisify(fsync);

/** fdatasync(2): data, and what is needed to read it again. */
export const syncData = promisify(fdatasync);
/** fsync(2): data and all metadata. */
export const syncAll = fsyncCall;

/**
 * As short as a page, in bytes: it is copied into the kernel's memory in less time than it takes to hand it to
 * another thread, and a list of small files writes two such records a file.
 */
const SHORT = 4096;

/** Writes all of `bytes` at `offset`. Raises what the system says. */
export async function writeAt(fd: number, bytes: Uint8Array, offset: number): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const bytesWritten = await writeSome(fd, bytes, at, offset + at);
    if (bytesWritten <= 0) throw takesNothing();
    at += bytesWritten;
  }
}

async function writeSome(
  fd: number,
  bytes: Uint8Array,
  at: number,
  offset: number,
): Promise<number> {
  const length = bytes.length - at;
  if (length <= SHORT) return writeSync(fd, bytes, at, length, offset);
  return (await writeCall(fd, bytes, at, length, offset)).bytesWritten;
}

/** Reads `length` bytes at `offset` into `buffer`; fewer only at the end of the file. */
export async function readAt(
  fd: number,
  buffer: Uint8Array,
  length: number,
  offset: number,
): Promise<number> {
  let at = 0;
  while (at < length) {
    const { bytesRead } = await readCall(fd, buffer, at, length - at, offset + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return at;
}

/** What filesystems answer that have no such thing as syncing a directory. */
const NO_DIRECTORY_SYNC = new Set([
  'EINVAL',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EBADF',
  'EISDIR',
  'EACCES',
  'EPERM',
  'ENOSYS',
]);

/**
 * Makes the names in a directory durable. A filesystem or a permission that does not allow this
 * is not an error, for nothing better can be done; an input/output error is.
 */
export async function syncDirectory(dir: string): Promise<void> {
  let fd: number | null = null;
  try {
    fd = await openCall(dir, constants.O_RDONLY | constants.O_DIRECTORY);
    await fsyncCall(fd);
  } catch (thrown) {
    if (!NO_DIRECTORY_SYNC.has(errnoOf(thrown) ?? '')) {
      throw diskError(thrown, { action: 'sync the directory', path: dir });
    }
  } finally {
    if (fd !== null) await closeCall(fd);
  }
}
