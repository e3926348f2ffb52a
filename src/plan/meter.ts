/** Rates from counters. Pure: the caller brings the clock. */

/** Smooths a growing counter into bytes per second. */
export class Meter {
  private lastBytes: number;
  private lastMs: number;
  private smoothed: number | null = null;

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
    return this.smoothed ?? 0;
  }

  sample(nowMs: number, bytes: number): void {
    const elapsed = nowMs - this.lastMs;
    if (elapsed <= 0) return;
    const current = (Math.max(0, bytes - this.lastBytes) * 1000) / elapsed;
    const weight = 1 - Math.exp(-elapsed / this.tauMs);
    this.smoothed =
      this.smoothed === null ? current : this.smoothed + weight * (current - this.smoothed);
    this.lastMs = nowMs;
    this.lastBytes = bytes;
  }
}

/** The middle of the values; null when there is none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** The largest of the values; null when there is none. */
export function fastest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}
