/** Standard output as a file: what it is, and bytes to it. */
import { closeSync, constants, fstatSync, openSync, write } from 'node:fs';

const STDOUT = 1;

export function kindOfOutput(): 'pipe' | 'socket' | 'file' {
  const stats = fstatSync(STDOUT);
  return stats.isFIFO() ? 'pipe' : stats.isSocket() ? 'socket' : 'file';
}

/**
 * The pipe that standard output is, opened anew with a description of its own, which does not block: its
 * reader then holds up neither signals nor the end of the process. Null where the system has no such path.
 */
export function reopenedPipe(): number | null {
  try {
    const fd = openSync(`/proc/self/fd/${STDOUT}`, constants.O_WRONLY | constants.O_NONBLOCK);
    if (fstatSync(fd).isFIFO()) return fd;
    closeSync(fd);
  } catch {
    // As good as not there.
  }
  return null;
}

/** Writes all of the bytes at the place where standard output is. Rejects with an error of the system. */
export function writeToOutput(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const goOn = (at: number): void => {
      write(STDOUT, bytes, at, bytes.length - at, null, (error, written) => {
        if (error !== null) reject(error);
        else if (at + written < bytes.length) goOn(at + written);
        else resolve();
      });
    };
    goOn(0);
  });
}
