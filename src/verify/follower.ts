/** Hashing a file in order while it is downloaded. */
import type { ChecksumAlgorithm } from './checksum.js';
import { HashThread } from './hash-thread.js';
import type { PieceForm } from './pieces.js';

/** A hash thread at work on one file. */
export class Follower extends HashThread {
  /** The digests of all pieces, one after the other; empty before {@link finish} and without pieces. */
  pieceDigests = '';

  constructor(
    readonly algorithms: readonly ChecksumAlgorithm[],
    form: PieceForm | null = null,
  ) {
    // The digests that the pieces must have stay here.
    const pieces = form === null ? null : { algorithm: form.algorithm, length: form.length };
    super({ algorithms: [...algorithms], pieces });
  }

  /** Tells that `[0, offset)` is in place and will not change. */
  advance(offset: number): void {
    this.front.advance(offset, false);
  }

  /**
   * Waits for the digests of the whole file.
   * @throws SluiceError DISK_IO, WORKER_LOST
   */
  async finish(size: number): Promise<Map<ChecksumAlgorithm, string>> {
    this.front.advance(size, true);
    const digests = await this.digests();
    this.pieceDigests = digests[this.algorithms.length] ?? '';
    return new Map(this.algorithms.map((algorithm, i) => [algorithm, digests[i] as string]));
  }
}
