/** Hashing a file that is there. */
import { openForReading } from '../disk/open.js';
import type { ChecksumAlgorithm } from './checksum.js';
import { Follower } from './follower.js';
import type { PieceForm } from './pieces.js';

/** Digests of a file. */
export interface FileDigests {
  /** Length in bytes. */
  size: number;
  whole: Map<ChecksumAlgorithm, string>;
  /** Of the pieces, one after the other. */
  pieces: string;
}

/** Digests of a regular file. Raises a disk error when it cannot be read. */
export async function hashFile(
  path: string,
  algorithms: readonly ChecksumAlgorithm[],
  form: PieceForm | null,
): Promise<FileDigests> {
  const file = openForReading(path);
  try {
    const follower = new Follower(algorithms, form);
    follower.follow(file.fd);
    const whole = await follower.finish(file.size);
    return { size: file.size, whole, pieces: follower.pieceDigests };
  } finally {
    file.close();
  }
}
