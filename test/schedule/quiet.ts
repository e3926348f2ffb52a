/**
 * When nothing changes, time may pass in long strides: each connection then goes on with what it
 * brought on average, and the decider is asked more rarely. A file of a terabyte takes as long to
 * play as one of some gigabytes.
 */
import type { Connection } from './server.js';

/** Nothing must have changed for so long, in milliseconds and round trips. */
const QUIET_MS = 3000;
const QUIET_ROUND_TRIPS = 30;

/** Part of the time without a change after which the decider is asked again. */
const TICK_PART = 1 / 50;

export class Quiet {
  private sinceMs = 0;
  private readonly waitMs: number;
  private markMs: number | null = null;
  private readonly bytes = new Map<Connection, number>();
  private rates: Map<Connection, number> | null = null;

  constructor(roundTripMs: number) {
    this.waitMs = Math.max(QUIET_MS, QUIET_ROUND_TRIPS * roundTripMs);
  }

  get isCruising(): boolean {
    return this.rates !== null;
  }

  /** What a connection brings while nothing changes, in bytes per millisecond. */
  rateOf(connection: Connection): number {
    return this.rates?.get(connection) ?? 0;
  }

  /** How many connections bring something. */
  get size(): number {
    return this.rates?.size ?? 0;
  }

  /** Says what connections will bring in the long run, where the last seconds do not tell. */
  correct(rates: ReadonlyMap<Connection, number>): void {
    for (const [connection, rate] of rates) this.rates?.set(connection, rate);
  }

  /** Something changed. */
  disturb(nowMs: number): void {
    this.sinceMs = nowMs;
    this.markMs = this.rates = null;
    this.bytes.clear();
  }

  count(connection: Connection, bytes: number): void {
    if (this.markMs !== null && this.rates === null)
      this.bytes.set(connection, (this.bytes.get(connection) ?? 0) + bytes);
  }

  /** How long until the decider is asked next; `leastMs` when things move. */
  tickMs(nowMs: number, leastMs: number): number {
    const quietMs = nowMs - this.sinceMs;
    // The second half of the time tells what each connection goes on with.
    if (quietMs >= this.waitMs / 2) this.markMs ??= nowMs;
    if (quietMs < this.waitMs || this.markMs === null) return leastMs;
    if (this.rates === null) {
      const ms = nowMs - this.markMs;
      // What comes once a second is not to be counted once too often.
      if (ms % 1000 >= leastMs) return leastMs;
      this.rates = new Map();
      for (const [connection, bytes] of this.bytes) this.rates.set(connection, bytes / ms);
    }
    return Math.max(leastMs, quietMs * TICK_PART);
  }
}
