/** Hashing a file that is there. */
import { openForReading } from '../disk/open.js';
import type { ChecksumAlgorithm } from './checksum.js';
import { Follower } from './follower.js';

/** Digests of a regular file. Raises a disk error when it cannot be read. */
export async function hashFile(
  path: string,
  algorithms: ChecksumAlgorithm[],
): Promise<Map<ChecksumAlgorithm, string>> {
  const file = openForReading(path);
  try {
    return await new Follower(file.fd, algorithms).finish(file.size);
  } finally {
    file.close();
  }
}
