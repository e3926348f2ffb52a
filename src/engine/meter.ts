/** Rates from counters. Pure: the caller brings the clock. */

/**
 * Smooths a growing counter into bytes per second. A rate counts the less the older it is, and for as
 * long as it lasted: what comes in the first milliseconds, or does not come yet, is not taken for what
 * goes on.
 */
export class Meter {
  private lastBytes: number;
  private lastMs: number;
  private weight = 0;
  private smoothed = 0;

  /** @param tauMs time after which an old rate counts for a third */
  constructor(
    private readonly tauMs: number,
    nowMs: number,
    bytes = 0,
  ) {
    this.lastMs = nowMs;
    this.lastBytes = bytes;
  }

  /** Bytes per second; 0 before the first sample. */
  get rate(): number {
    return this.smoothed;
  }

  sample(nowMs: number, bytes: number): void {
    const elapsed = nowMs - this.lastMs;
    if (elapsed <= 0) return;
    const current = (Math.max(0, bytes - this.lastBytes) * 1000) / elapsed;
    const kept = Math.exp(-elapsed / this.tauMs);
    this.weight = kept * this.weight + (1 - kept);
    this.smoothed += ((1 - kept) / this.weight) * (current - this.smoothed);
    this.lastMs = nowMs;
    this.lastBytes = bytes;
  }
}
