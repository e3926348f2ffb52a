/**
 * CRCs of a file while it is downloaded. Those of its parts combine, so a part is summed as soon as it is
 * in place, in whatever order: the download keeps its own.
 */
import type { CrcAlgorithm } from './crc-combine.js';
import type { SumMore } from './front.js';
import { HashThread } from './hash-thread.js';

/** Half-open, in bytes. */
interface Range {
  start: number;
  end: number;
}

/** A thread that sums the parts of one file. */
export class Summer extends HashThread {
  constructor(readonly algorithms: readonly CrcAlgorithm[]) {
    super({ sums: [...algorithms] });
  }

  /** Tells of ranges that are in place and will not change; each byte of the file once. */
  add(ranges: Range[]): void {
    const more: SumMore = { ranges, size: null };
    if (ranges.length > 0) this.worker.postMessage(more);
  }

  /**
   * Waits for the sums of the whole file.
   * @param rest what was not added yet
   * @throws SluiceError DISK_IO, WORKER_LOST
   */
  async finish(rest: Range[], size: number): Promise<Map<CrcAlgorithm, string>> {
    const more: SumMore = { ranges: rest, size };
    this.worker.postMessage(more);
    const digests = await this.digests();
    return new Map(this.algorithms.map((algorithm, i) => [algorithm, digests[i] as string]));
  }
}
