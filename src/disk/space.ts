/** Refuses to start what the disk cannot hold. */
import { SluiceError } from '../errors.js';
import { freeBytes, missingText } from './space-left.js';

export { freeBytes } from './space-left.js';

/**
 * Raises DISK_FULL, with how much is missing, when the filesystem of `dir` has less than `bytes`
 * left for the file `path`. A filesystem that does not tell passes.
 */
export function requireSpace(dir: string, bytes: number, path: string): void {
  const free = freeBytes(dir);
  if (free === null || free >= bytes) return;
  throw new SluiceError(
    'DISK_FULL',
    `there is not enough space for ${path}: ${missingText(bytes, free)}`,
    { path, next: 'Free some space, or choose another directory with --dir.' },
  );
}
