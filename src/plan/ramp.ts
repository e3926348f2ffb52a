/** How many connections to use. Pure: the caller brings the clock and the measurements. */

/** Connections that `auto` starts with once the first answer is in. */
export const AUTO_START = 4;

/** The most that `auto` uses. */
export const AUTO_MAX = 16;

/** An added step must bring this much to be followed by another. */
const WORTH = 1.1;

/** After the server objected, one more connection is tried again after this long, doubled each time. */
const RETRY_LIMIT_MS = 15_000;

/** What the ramp is told about the present. */
export interface RampSample {
  nowMs: number;
  /** Bytes per second of all connections together. */
  rate: number;
  /** Connections that receive a body now. */
  receiving: number;
}

/** The target number of connections over time, for a fixed number or for `auto`. */
export class Ramp {
  private wanted: number;
  private limit: number;
  private settled: boolean;
  private since: number | null = null;
  private before = 0;
  private limitUntilMs = 0;
  private objections = 0;

  /**
   * @param connections the user's number, or `auto`
   * @param windowMs how long a step is measured
   */
  constructor(
    connections: number | 'auto',
    private readonly windowMs: number,
  ) {
    this.wanted = connections === 'auto' ? AUTO_START : connections;
    this.limit = connections === 'auto' ? AUTO_MAX : connections;
    this.settled = connections !== 'auto';
    this.ceiling = this.limit;
  }

  private readonly ceiling: number;

  /** How many connections may be in use now. */
  get target(): number {
    return Math.max(1, Math.min(this.wanted, this.limit));
  }

  /** Looks at the last window and grows while growing pays. */
  sample({ nowMs, rate, receiving }: RampSample): void {
    if (this.limit < this.ceiling && nowMs >= this.limitUntilMs) {
      this.limit++;
      this.limitUntilMs = nowMs + RETRY_LIMIT_MS;
    }
    if (this.settled) return;
    if (receiving < this.target) {
      this.since = null;
      return;
    }
    this.since ??= nowMs;
    if (nowMs - this.since < this.windowMs) return;
    this.since = null;
    if (rate < this.before * WORTH || this.target >= this.ceiling) {
      this.settled = true;
      return;
    }
    this.before = rate;
    this.wanted = Math.min(this.ceiling, this.wanted * 2);
  }

  /**
   * The server refused a connection while others work: stay with what works, and try one more
   * later, ever more rarely.
   */
  objected(nowMs: number, working: number): void {
    this.limit = Math.max(1, Math.min(this.limit, working));
    this.objections++;
    this.limitUntilMs = nowMs + RETRY_LIMIT_MS * 2 ** Math.min(this.objections - 1, 6);
  }
}
