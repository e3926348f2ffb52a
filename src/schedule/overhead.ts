/**
 * One budget for everything that is fetched beside the file's own bytes: seams, what is under way
 * when a lease is cut, and second copies (P5). Whatever is merely useful has its price in it.
 */
import type { Tuning } from './tuning.js';

/** How many bytes beside a lease are fetched as well and compared (P5). */
export const SEAM_BYTES = 4096;

export class Overhead {
  private readonly budget: number;
  private spentBytes = 0;

  /** @param total length of the file in bytes */
  constructor(total: number, { overheadPart, overheadBytes }: Tuning) {
    this.budget = Math.max(overheadBytes, total * overheadPart);
  }

  /** Bytes that may still be spent. */
  get left(): number {
    return Math.max(0, this.budget - this.spentBytes);
  }

  /** Bytes spent so far. */
  get spent(): number {
    return this.spentBytes;
  }

  spend(bytes: number): void {
    this.spentBytes += bytes;
  }

  /**
   * What a move must gain to be worth its bytes, in milliseconds. Bytes are cheap while the budget is
   * large, and dear when it is nearly used up.
   * @param lastsMs how long the download still lasts
   */
  priceMs(bytes: number, lastsMs: number): number {
    return bytes > this.left ? Infinity : (bytes / this.left) * lastsMs;
  }
}
