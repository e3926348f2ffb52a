/** How many connections to use. Pure: the caller brings the clock and the counters. */
import { BOOST_LANES, MOST_UNDER_WAY } from './boost.js';
import type { Link } from './link.js';
import { Slump } from './slump.js';

/** The most that `auto` uses. */
export const AUTO_MAX = 16;

/** Where a round trip is short, `auto` goes on with so many; with its most when one is slow. */
export const AUTO_NEAR = 4;

/** A far link that many connections did not fill in time, or that one does not keep full, goes on with so many. */
export const AUTO_FAR = 8;

/** Bytes per millisecond that are plenty: more connections than {@link AUTO_NEAR} are not tried soon. */
const PLENTY = 400_000;

/** Where they bring plenty, more are tried only after this long. */
const PLENTY_MS = 2000;

/**
 * Bytes per millisecond that are slow for a server nearby, which may be throttled: from one
 * connection in its first window, which it begins cold, and from {@link AUTO_NEAR}.
 */
const SLOW_ONE = 50_000;
const SLOW = 100_000;

/** The first window nearby ends once slow start is over, after so many round trips, and not before this, in milliseconds. */
const NEAR_ROUND_TRIPS = 12;
const NEAR_WINDOW_MS = 20;

/** From this round trip on, slow start is dear, and one connection may fill the link. */
export const FAR_MS = 10;

/** From this round trip on, a link is begun with many connections: below, one fills it nearly as soon. */
const BOOST_MS = 40;

/** A far link that has not filled after so many round trips needs more than one connection. */
const BOOST_ROUND_TRIPS = 12;

/** A link that holds no more is full again soon after a lost packet, and many connections share it badly. */
const LITTLE_UNDER_WAY = 1_000_000;

/** More connections must bring this much to be kept. */
const WORTH = 1.1;

/** A rate that grows or falls faster than this from window to window has not settled yet. */
const GROWING = 1.15;

/** A rate that never settles is taken as it is after so many windows. */
const MAX_WINDOWS = 12;

/** A link that is full in so many windows in a row is taken to be. */
const FULL_WINDOWS = 4;

/** A full link is looked at this often, in milliseconds. */
const WATCH_MS = 2000;

/** What comes in within so many windows is not worth more connections: they need some to get their share. */
const WORTH_WINDOWS = 10;

/** A window is this many round trips long, and at least {@link MIN_WINDOW_MS}. */
const WINDOW_ROUND_TRIPS = 4;
const MIN_WINDOW_MS = 50;

/** After the server objected, one more connection is tried after this long, doubled each time. */
const RETRY_LIMIT_MS = 15_000;

/** Refusals that follow each other within this time count as one. */
const BURST_MS = 2000;

/** A limit that an earlier run met is tried anew after this long. */
const RETRY_REMEMBERED_MS = 4 * RETRY_LIMIT_MS;

/** What an earlier run with this server came to. */
export interface Remembered {
  /** The number that it settled at; null when it did not. */
  connections: number | null;
  /** Connections that worked when the server refused one more; null when it refused none. */
  limit: number | null;
}

/** What this run may tell a later one. */
export interface Lesson extends Remembered {
  /** When the server last objected, by the clock of the samples; null when it never did. */
  objectedMs: number | null;
}

/** What the ramp is told about the present. */
export interface RampSample {
  nowMs: number;
  /** Bytes received by all connections so far. */
  bytes: number;
  /** Connections that receive a body now. */
  receiving: number;
}

/**
 * The target number of connections over time. A fixed number stays, unless the server objects.
 * `auto` begins with one, measures what its connections yield once their rate has settled, doubles
 * them unless the link is full, and goes back when twice as many do not yield more. A far link it
 * begins with some for a moment, see {@link isBoosting}.
 */
export class Ramp {
  private readonly auto: boolean;
  private readonly ceiling: number;
  private readonly windowMs: number;
  /** The first window nearby. */
  private readonly nearWindowMs: number;
  /** Bytes per millisecond of the last window nearby. */
  private nearRate = 0;
  /** Where measured round trips go; null when none are wanted. */
  readonly link: Link | null;
  private wanted: number;
  private limit: number;
  private settled: boolean;
  /** The first window is still to tell whether one connection is plenty. */
  private near: boolean;
  private limitUntilMs = 0;
  private firstMs: number | null = null;
  /** A remembered limit is kept for so long after the first sample. */
  private holdMs = 0;
  private objections = 0;
  private objectedMs = -Infinity;
  /** The window that is being measured. */
  private since: { ms: number; bytes: number } | null = null;
  private windows = 0;
  private lastRate: number | null = null;
  /** What half as many connections yielded. */
  private before: number | null = null;
  private boosting = false;
  /** Until it has told once that the link is not kept full, or the number is found; null when nobody asks. */
  private slump: Slump | null = null;
  private boostUntilMs: number | null = null;
  /** Bytes that came in within the last round trip of the start. */
  private underWay = 0;
  private fullWindows = 0;
  /** It settled because the link is full. */
  private filled = false;

  /**
   * @param connections the user's number, or `auto`
   * @param roundTripMs of the first connection
   * @param remembered what `auto` begins with instead of what it knows of no server
   * @param link what is known of the way to the server, of use to `auto` where that is far; null
   *   when nobody measures it
   * @param missing bytes that are to be received
   */
  constructor(
    connections: number | 'auto',
    roundTripMs: number,
    remembered: Remembered | null = null,
    link: Link | null = null,
    private readonly missing = Infinity,
  ) {
    const auto = connections === 'auto';
    this.auto = auto;
    this.ceiling = auto ? AUTO_MAX : connections;
    this.limit = this.ceiling;
    this.wanted = auto ? 1 : connections;
    this.near = auto && roundTripMs < FAR_MS;
    this.settled = !auto;
    this.link = auto && !this.near ? link : null;
    this.boosting = this.link !== null && roundTripMs >= BOOST_MS;
    if (this.boosting) this.slump = new Slump(roundTripMs);
    this.windowMs = Math.max(MIN_WINDOW_MS, WINDOW_ROUND_TRIPS * roundTripMs);
    this.nearWindowMs = Math.min(
      this.windowMs,
      Math.max(NEAR_WINDOW_MS, NEAR_ROUND_TRIPS * roundTripMs),
    );
    if (auto && remembered !== null) this.recall(remembered);
  }

  private recall({ connections, limit }: Remembered): void {
    // Nearby, the first 50 ms tell more than an earlier run, which may have found the machine busy.
    if (connections !== null && !this.near)
      this.wanted = Math.min(this.ceiling, Math.max(1, connections));
    if (limit === null || limit >= this.ceiling) return;
    this.limit = Math.max(1, limit);
    this.holdMs = RETRY_REMEMBERED_MS;
  }

  /**
   * What a later run may begin with; null for a fixed number. Of a link that is full it is half: fewer
   * may fill it as well, and one run by another the number comes down to what is needed.
   */
  get lesson(): Lesson | null {
    if (!this.auto) return null;
    const connections = this.filled ? Math.max(1, this.target >> 1) : this.target;
    return {
      connections: this.settled ? connections : null,
      limit: this.limit < this.ceiling ? this.limit : null,
      objectedMs: this.objections > 0 ? this.objectedMs : null,
    };
  }

  /** How many connections may be in use now. */
  get target(): number {
    const wanted = this.boosting ? Math.max(BOOST_LANES, this.wanted) : this.wanted;
    return Math.max(1, Math.min(wanted, this.limit));
  }

  /** A far link is being filled: what is handed out now is little, see `boost.ts`. */
  get isBoosting(): boolean {
    return this.boosting;
  }

  /**
   * Whether a connection may help to fill the link.
   * @param idleSinceMs when it ended what it did; null when it has done nothing yet
   * @param isBusy it does something still
   */
  mayBoost(idleSinceMs: number | null, isBusy: boolean): boolean {
    if (isBusy) return this.link?.isQueued === false;
    return idleSinceMs === null || this.link?.isClearSince(idleSinceMs) === true;
  }

  /** Whether a round trip beside the transfer is to be measured now, for {@link link}. */
  wantsRoundTrip(nowMs: number): boolean {
    const { link, windowMs } = this;
    if (link === null || (this.settled && !this.filled)) return false;
    if (this.boosting) return link.isDue(nowMs, link.roundTripMs);
    if (this.filled) return link.isDue(nowMs, WATCH_MS);
    return link.isDue(nowMs, this.slump === null ? windowMs : windowMs / 2);
  }

  /** Takes note of the present; to be called many times in a window. */
  sample(now: RampSample): void {
    if (this.holdMs > 0) {
      this.limitUntilMs = now.nowMs + this.holdMs;
      this.holdMs = 0;
    }
    if (this.limit < this.ceiling && now.nowMs >= this.limitUntilMs) {
      this.limit++;
      this.limitUntilMs = now.nowMs + RETRY_LIMIT_MS;
    }
    this.slump?.sample(now.nowMs, now.bytes);
    if (this.boosting) return this.boost(now);
    if (this.settled) this.slump = null;
    if (this.isSlack) return this.widen();
    if (this.filled && this.link?.isClear === true) this.resume();
    if (this.settled) return;
    // Too few: some are still to come. Too many: some of the level before still end their leases, and
    // what they bring is not this level's. Either way the window teaches nothing.
    if (now.receiving !== this.target) {
      this.since = null;
      return;
    }
    const rate = this.rateOver(this.presentWindowMs, now);
    if (rate !== null) this.judge(rate, now);
  }

  private get presentWindowMs(): number {
    return this.near && this.firstMs === null ? this.nearWindowMs : this.windowMs;
  }

  private allAtOnce(): void {
    this.near = false;
    this.settled = true;
    this.wanted = this.ceiling;
  }

  /** Bytes per millisecond of the window that ends now; null while it is not `windowMs` long. */
  private rateOver(windowMs: number, { nowMs, bytes }: RampSample): number | null {
    this.since ??= { ms: nowMs, bytes };
    const elapsed = nowMs - this.since.ms;
    if (elapsed < windowMs) return null;
    const rate = (bytes - this.since.bytes) / elapsed;
    this.since = { ms: nowMs, bytes };
    return rate;
  }

  /** The start on a far link ends when it is full, or when it should have been. */
  private boost(now: RampSample): void {
    const roundTripMs = this.link?.roundTripMs ?? 0;
    const isFull = this.link?.isQueued === true;
    this.boostUntilMs ??= now.nowMs + BOOST_ROUND_TRIPS * roundTripMs;
    const rate = this.rateOver(roundTripMs, now);
    if (rate !== null) this.underWay = rate * roundTripMs;
    if (!isFull && now.nowMs < this.boostUntilMs) return;
    this.boosting = false;
    this.since = null;
    if (!isFull || this.underWay > MOST_UNDER_WAY) this.widen();
  }

  /** Whether one connection does not keep the link as full as the start had it. */
  private get isSlack(): boolean {
    if (this.slump === null || this.underWay <= LITTLE_UNDER_WAY) return false;
    return this.slump.isLow || this.link?.isClear === true;
  }

  /**
   * Many connections did not fill the link in time; or they did for a moment, and one does not keep
   * it full, for want of a window or for lost packets.
   */
  private widen(): void {
    this.slump = null;
    this.resume();
    this.wanted = Math.min(this.ceiling, Math.max(AUTO_FAR, this.wanted));
  }

  /** What was a full link is not full any more. */
  private resume(): void {
    this.filled = this.settled = false;
    this.before = this.lastRate = this.since = null;
    this.windows = this.fullWindows = 0;
  }

  private judge(rate: number, { nowMs, bytes }: RampSample): void {
    const last = this.lastRate;
    this.lastRate = rate;
    this.windows++;
    if (last === null) return this.leap(rate, nowMs);
    const moves = rate > last * GROWING || rate * GROWING < last;
    if (moves && this.windows < MAX_WINDOWS) return;
    const plateau = Math.max(rate, last);
    if (this.before !== null && plateau < this.before * WORTH) {
      this.wanted = Math.max(1, Math.floor(this.wanted / 2));
      this.settled = true;
      return;
    }
    // A server that throttles may fill the link in bursts.
    this.fullWindows = this.link?.isQueued === true ? this.fullWindows + 1 : 0;
    if (this.fullWindows > 0) {
      this.filled = this.settled = this.fullWindows >= FULL_WINDOWS;
      return;
    }
    if (this.missing - bytes < WORTH_WINDOWS * this.windowMs * plateau) return;
    this.before = plateau;
    this.lastRate = this.since = null;
    this.windows = 0;
    this.settled = this.wanted >= this.ceiling;
    this.wanted = Math.min(this.ceiling, this.wanted * 2);
  }

  /**
   * Nearby, one connection gets company as soon as its first window has ended. A throttled server
   * may send the first second's worth at once, so what is plenty now is asked again with each window.
   */
  private leap(rate: number, nowMs: number): void {
    if (!this.near) return;
    const isFirst = this.firstMs === null;
    this.firstMs ??= nowMs;
    const isFalling = rate * GROWING < this.nearRate;
    this.nearRate = rate;
    this.lastRate = null;
    this.windows = 0;
    if (rate < (isFirst ? SLOW_ONE : SLOW)) return this.allAtOnce();
    const isPlenty = rate >= PLENTY && nowMs - this.firstMs < PLENTY_MS;
    this.near = isFirst || isPlenty || isFalling;
    if (!isFirst) return;
    this.wanted = AUTO_NEAR;
    this.since = null;
  }

  /**
   * The server refused a connection while others work: stay with what works, and try one more
   * later, ever more rarely.
   */
  objected(nowMs: number, working: number): void {
    this.limit = Math.max(1, Math.min(this.limit, working));
    this.holdMs = 0;
    // Connections that were opened together are refused together: that is one objection.
    if (nowMs - this.objectedMs >= BURST_MS) this.objections++;
    this.objectedMs = nowMs;
    this.limitUntilMs = nowMs + RETRY_LIMIT_MS * 2 ** Math.min(this.objections - 1, 6);
  }
}
