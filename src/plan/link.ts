/**
 * Whether a link is full, from round trips measured beside a transfer: where it is, packets wait in
 * its queue. More connections then share what one has, and lose packets. Pure: the caller brings the
 * clock and measures.
 */

/** A round trip this much longer than the first one has waited in a queue. */
const QUEUED_FACTOR = 1.25;
const QUEUED_SLACK_MS = 5;

/** One long round trip may be chance. */
const AGREEING = 2;

/** The most measurements of one transfer. */
const MOST = 100;

export class Link {
  /** When the last measurement ended, or the first one was thought of. */
  private endedMs: number | null = null;
  /** When the measurement that is under way began; null while there is none. */
  private beganMs: number | null = null;
  /** When the last measurement began that tells something. */
  private lastBeganMs = -Infinity;
  private count = 0;
  /** Measurements in a row that agree with the last one. */
  private agreeing = 0;
  private queued = false;

  /** @param roundTripMs without load */
  constructor(readonly roundTripMs: number) {}

  /**
   * Whether a round trip is to be measured now; the caller answers with {@link measured}.
   * @param pauseMs the least time since the last measurement
   */
  isDue(nowMs: number, pauseMs: number): boolean {
    this.endedMs ??= nowMs;
    if (this.beganMs !== null || nowMs < this.endedMs + pauseMs || this.count >= MOST) return false;
    this.beganMs = nowMs;
    this.count++;
    return true;
  }

  /** Takes a measurement; null when there was none, which tells nothing. */
  measured(ms: number | null, nowMs: number): void {
    if (ms !== null) {
      this.lastBeganMs = this.beganMs ?? nowMs;
      const queued = ms > this.roundTripMs * QUEUED_FACTOR + QUEUED_SLACK_MS;
      this.agreeing = queued === this.queued ? this.agreeing + 1 : 1;
      this.queued = queued;
    }
    this.beganMs = null;
    this.endedMs = nowMs;
  }

  /** The last measurement waited in a queue: the link is full, or was. */
  get isQueued(): boolean {
    return this.queued;
  }

  /** Nothing waited in a measurement that was begun after `ms`. */
  isClearSince(ms: number): boolean {
    return !this.queued && this.lastBeganMs >= ms;
  }

  /** Nothing waits any more: so said the last two. */
  get isClear(): boolean {
    return !this.queued && this.agreeing >= AGREEING;
  }
}
