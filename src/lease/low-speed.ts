/** Whether a connection has been slower than the user puts up with for as long as that (`--low-speed`). */

/** Looks at the speed this often, in milliseconds: a pause that is shorter is none. */
const SAMPLE_MS = 1000;

export interface LowSpeed {
  /** Below this a connection is too slow. */
  bytesPerSecond: number;
  /** For so long, in milliseconds. */
  ms: number;
}

export class LowSpeedWatch {
  private sampledMs: number;
  private sampled = 0;
  /** When it was last fast enough. */
  private goodMs: number;
  private wasHeld = false;

  /** @param nowMs of a monotonic clock */
  constructor(
    private readonly limit: LowSpeed,
    nowMs: number,
  ) {
    this.sampledMs = this.goodMs = nowMs;
  }

  /**
   * Takes note of what has come; to be called several times in each sample.
   * @param received bytes since the beginning
   * @param isHeld we take nothing now: that says nothing of the connection
   * @returns whether it is to be ended
   */
  isOver(received: number, isHeld: boolean, nowMs: number): boolean {
    this.wasHeld ||= isHeld;
    const ms = nowMs - this.sampledMs;
    if (ms < Math.min(SAMPLE_MS, this.limit.ms)) return false;
    const rate = ((received - this.sampled) * 1000) / ms;
    if (this.wasHeld || rate >= this.limit.bytesPerSecond) this.goodMs = nowMs;
    this.wasHeld = false;
    this.sampledMs = nowMs;
    this.sampled = received;
    return nowMs - this.goodMs >= this.limit.ms;
  }
}
