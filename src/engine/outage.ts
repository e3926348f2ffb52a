/**
 * Failures in a row while nothing is served. Progress starts the count anew. A download that ran for
 * long is given as much time to come back as it ran, up to a bound: a router that starts again must
 * not end what ran for an hour.
 */
import type { SluiceError } from '../errors.js';

/** The longest outage that is waited out whatever the number of retries, in milliseconds. */
const PATIENCE_MS = 90_000;

/** Part of the time that it ran for which a download waits. */
const PATIENCE_PART = 0.5;

/** While an outage is waited out nobody waits longer than this between two tries (ms). */
const LOOK_MS = 8000;

/** After so many failures in a row of the addresses, the name is looked up again. */
const MOVED_AFTER = 2;

export class Outage {
  private count = 0;
  /** When a failure was last counted. */
  private countedMs = 0;
  /** When the outage began. */
  private sinceMs: number | null = null;

  /**
   * @param retries failures in a row that are tried again
   * @param mark bytes in place at the beginning
   */
  constructor(
    private readonly retries: number,
    private mark: number,
    private readonly beganMs: number,
  ) {}

  /** Failures in a row. */
  get length(): number {
    return this.count;
  }

  /**
   * Counts a failure. Tries that were under way together and fail together are one failure.
   * @param askedMs when the try began
   * @param inPlace bytes in the file now; what is received and thrown away is no progress
   * @param tries how many it counts for: one that was given more time counts for more
   */
  failed(askedMs: number, progressed: boolean, inPlace: number, nowMs: number, tries = 1): void {
    if (progressed || inPlace > this.mark) {
      this.count = 0;
      this.sinceMs = null;
    }
    this.mark = Math.max(this.mark, inPlace);
    this.sinceMs ??= nowMs;
    if (this.count > 0 && askedMs < this.countedMs) return;
    this.count += this.count === 0 ? 1 : tries;
    this.countedMs = nowMs;
  }

  /** How long the outage may last whatever the number of tries (ms). */
  private patienceMs(): number {
    const ranMs = (this.sinceMs ?? this.beganMs) - this.beganMs;
    return Math.min(PATIENCE_MS, ranMs * PATIENCE_PART);
  }

  /**
   * Whether as many failures have come in a row as are allowed, and the download has waited as long as
   * it deserves. Connections that all wait in vain always see another one at work.
   * @param others leases that are out
   */
  isOver(others: number, nowMs: number): boolean {
    const isMany = this.count > (others === 0 ? this.retries : (this.retries + 1) * 2);
    return isMany && (this.retries === 0 || nowMs - (this.sinceMs ?? nowMs) >= this.patienceMs());
  }

  /** How long a pause may be at most (ms): what the server asks for, else short enough to notice the end. */
  longestPauseMs(askedMs: number | null): number {
    return askedMs === null && this.patienceMs() > LOOK_MS ? LOOK_MS : Infinity;
  }

  /** Whether the addresses fail and not the server: the name is to be looked up again. */
  mayHaveMoved({ code }: SluiceError): boolean {
    const isDial = code === 'CONNECT_FAILED' || code === 'CONNECT_TIMEOUT';
    return isDial && this.count >= MOVED_AFTER;
  }
}
