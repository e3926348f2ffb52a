/** Whether much less comes in than came in before. Pure: the caller brings the clock. */

/** What comes in is averaged over so many steps: a lost packet holds up what comes behind it for two or three. */
const STEPS = 6;

/** A step is half a round trip, and at least this long, in milliseconds. */
const MIN_STEP_MS = 100;

/** So much less than the best average. */
const FALLEN = 0.8;

interface Sample {
  ms: number;
  bytes: number;
}

/** Watches a counter of bytes from the beginning of a transfer. */
export class Slump {
  private readonly stepMs: number;
  /** The last steps, the oldest first. */
  private readonly steps: Sample[] = [];
  private best = 0;
  private low = 0;

  /** @param roundTripMs without load, in milliseconds */
  constructor(roundTripMs: number) {
    this.stepMs = Math.max(MIN_STEP_MS, roundTripMs / 2);
  }

  /** @param bytes received so far */
  sample(nowMs: number, bytes: number): void {
    const last = this.steps.at(-1);
    if (last !== undefined && nowMs - last.ms < this.stepMs) return;
    this.steps.push({ ms: nowMs, bytes });
    if (this.steps.length <= STEPS) return;
    const first = this.steps.shift() as Sample;
    const rate = (bytes - first.bytes) / (nowMs - first.ms);
    this.best = Math.max(this.best, rate);
    this.low = rate < this.best * FALLEN ? this.low + 1 : 0;
  }

  /** So it has been for as many steps again. */
  get isLow(): boolean {
    return this.low >= STEPS;
  }
}
