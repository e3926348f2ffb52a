/**
 * How many connections one origin gets. A reducer of windows: a window tells what a number of
 * connections brings, and counts only if exactly that many received all through it. While connections end
 * one by one, and while the disk or a rate holds them back, nothing is learnt.
 *
 * `auto` begins with a number that fits the distance, doubles it while that pays and nothing shared is
 * full, and goes back when it did not pay. A server that objects lowers the ceiling to what it serves.
 */
import type { Tuning } from './tuning.js';
import type { LimitedBy } from './types.js';

/** What an earlier run with this origin came to. */
export interface KnownOrigin {
  /** The number that it settled at; null when it did not. */
  connections: number | null;
  /** Connections that worked when the server refused one more; null when it refused none. */
  limit: number | null;
}

/** What this run may tell a later one. */
export interface Lesson extends KnownOrigin {
  /** When the server last objected, by the clock of the observations; null when it never did. */
  objectedMs: number | null;
}

/** The present, as the controller needs it. */
export interface Present {
  /** Bytes received by all connections so far. */
  bytes: number;
  /** Connections that receive, and connections that have a lease. */
  receiving: number;
  busy: number;
  /** The disk, or a rate that was asked for, holds connections back. */
  held: boolean;
  /** Part of the time in which the receiving threads were at work, 0 to 1. */
  processor: number;
  /** How long the download still lasts at its present rate (ms). */
  lastsMs: number;
}

/** Two windows that differ by more have not settled; after so many windows they are taken as they are. */
const SETTLED = 1.1;
const MOST_WINDOWS = 6;

/** Slow start is over after so many round trips: a window that begins then needs no second one. */
const START_ROUND_TRIPS = 10;

/** What was learnt of a number is void when its rate is off by this factor. */
const OTHER_WORLD = 1.25;

/** A measured round trip is believed for so long, in windows. */
const FRESH_WINDOWS = 2;

/** A round trip is measured at least this often, so that it can be told what is full (ms). */
const TOLD_MS = 5000;

/** Refusals within this time are one objection (ms): what was opened together is refused together. */
const TOGETHER_MS = 1000;

/** The way back after an objection begins after this time (ms), doubled each time it is refused again. */
const BACK_MS = 2000;
const MOST_DOUBLINGS = 6;

/** Below this a round trip says nothing of a queue, in milliseconds: a busy machine takes as long. */
const QUEUE_NOISE_MS = 4;

interface Window {
  ms: number;
  bytes: number;
  /** The least of the processor in it. */
  processor: number;
}

export class Concurrency {
  private readonly auto: boolean;
  private readonly most: number;
  private readonly windowMs: number;
  private wanted: number;
  /** Connections that the files under way can use. */
  private usable = Infinity;
  /** Connections that the server lets work. */
  private limit: number;
  private window: Window | null = null;
  /** The number that the window is of. */
  private counted = 0;
  /** How many of these are to end. */
  private tooMany = 0;
  /** Since when exactly that many have received. */
  private sinceMs: number | null = null;
  private windows = 0;
  private last: number | null = null;
  /** Bytes per millisecond that each number brought last. */
  private readonly rates = new Map<number, number>();
  /** The number that was doubled, until it is known whether that paid. */
  private from: number | null = null;
  private holdMs: number;
  private heldUntilMs = -Infinity;
  private trip: { ms: number; atMs: number } | null = null;
  private asksTrip = false;
  private beganMs: number | null = null;
  private objectedMs = -Infinity;
  private objections = 0;
  private backMs = Infinity;
  private step = 1;
  private verdict: LimitedBy = 'unknown';

  /**
   * @param connections the user's number, or `auto`
   * @param roundTripMs of the first connection
   */
  constructor(
    connections: number | 'auto',
    private readonly roundTripMs: number,
    private readonly tuning: Tuning,
    known: KnownOrigin | null = null,
  ) {
    const { most, farMs, startFar, startNear, windowMs, windowRoundTrips, holdMs } = tuning;
    this.auto = connections === 'auto';
    this.most = connections === 'auto' ? most : connections;
    const start = roundTripMs >= farMs ? startFar : startNear;
    this.wanted = this.auto ? Math.min(this.most, known?.connections ?? start) : this.most;
    this.limit = this.most;
    this.windowMs = Math.max(windowMs, windowRoundTrips * roundTripMs);
    this.holdMs = holdMs;
    const limit = known?.limit ?? this.most;
    if (this.auto && limit < this.most) {
      this.limit = Math.max(1, limit);
      this.objections = 1;
    }
  }

  /** How many connections may work now. */
  get target(): number {
    return Math.max(1, Math.min(this.wanted, this.ceiling));
  }

  /** Connections whose leases are to end soon, for they were judged twice and did not pay. */
  get surplus(): number {
    return this.tooMany;
  }

  /** Connections that the server lets work, as far as it has objected. */
  get allowed(): number {
    return this.limit;
  }

  /** The most that may ever work, as far as is known. */
  get ceiling(): number {
    return Math.min(this.most, this.limit, this.usable);
  }

  /** The files under way can use so many connections: another number is not tried. */
  setUsable(connections: number): void {
    if (connections === this.usable) return;
    const before = this.target;
    this.usable = connections;
    if (this.target !== before) this.forgetWindow();
  }

  get limitedBy(): LimitedBy {
    return this.verdict;
  }

  /** Whether a round trip beside the transfer is to be measured now; asked once. */
  takeTripWish(): boolean {
    const asks = this.asksTrip;
    this.asksTrip = false;
    return asks;
  }

  /** A round trip was measured beside the transfer; null when it took too long. */
  roundTrip(ms: number | null, nowMs: number): void {
    this.trip = { ms: ms ?? Infinity, atMs: nowMs };
  }

  /** What a later run may begin with. */
  get lesson(): Lesson {
    const isFree = this.usable >= this.most;
    const isKnown = this.auto && isFree && this.rates.has(this.target) && this.from === null;
    return {
      connections: isKnown ? this.target : null,
      limit: this.limit < this.most ? this.limit : null,
      objectedMs: this.objectedMs > -Infinity ? this.objectedMs : null,
    };
  }

  /**
   * The server refused a connection while it served others.
   * @param served connections that go on
   * @param pauseMs what it asked to wait
   */
  objected(nowMs: number, served: number, pauseMs = 0): void {
    if (nowMs - this.objectedMs >= TOGETHER_MS) this.objections++;
    this.objectedMs = nowMs;
    this.limit = Math.max(1, Math.min(this.limit, served));
    this.step = 1;
    const doublings = Math.min(this.objections - 1, MOST_DOUBLINGS);
    this.backMs = nowMs + Math.max(pauseMs, BACK_MS * 2 ** doublings);
    this.forgetWindow();
    if (this.from !== null && this.limit <= this.from) this.from = null;
  }

  /** Tries more after an objection: one, then two, as long as none of them is refused. */
  private comeBack(nowMs: number): void {
    if (this.limit >= this.most || nowMs < this.backMs) return;
    this.limit = Math.min(this.most, this.limit + this.step);
    this.step *= 2;
    const doublings = Math.min(Math.max(0, this.objections - 1), MOST_DOUBLINGS);
    this.backMs = nowMs + BACK_MS * 2 ** doublings;
    if (this.limit >= this.most) this.objections = 0;
  }

  private forgetWindow(): void {
    this.window = this.sinceMs = null;
    this.last = null;
    this.windows = 0;
    this.tooMany = 0;
  }

  /** Takes note of the present; to be called at each tick. */
  sample(now: Present, nowMs: number): void {
    if (this.backMs === Infinity && this.limit < this.most) this.backMs = nowMs + BACK_MS;
    this.comeBack(nowMs);
    if (now.held) this.verdict = 'disk';
    else if (this.verdict === 'disk') this.verdict = 'unknown';
    if (now.held || now.receiving !== now.busy || now.busy < this.target) {
      this.window = this.sinceMs = null;
      return;
    }
    if (now.busy !== this.counted) this.forgetWindow();
    this.counted = now.busy;
    this.sinceMs ??= nowMs;
    this.window ??= this.openWindow(now, nowMs);
    this.window.processor = Math.min(this.window.processor, now.processor);
    const elapsed = nowMs - this.window.ms;
    if (elapsed < this.windowMs) return;
    const rate = (now.bytes - this.window.bytes) / elapsed;
    const { processor, ms } = this.window;
    this.window = this.openWindow(now, nowMs);
    const isPastStart = ms - this.sinceMs >= START_ROUND_TRIPS * this.roundTripMs;
    const level = this.settledLevel(rate, isPastStart);
    if (level === null) return;
    if (now.busy > this.target) this.judgeBeyond(now.busy, level);
    else this.judge({ level, processor, lastsMs: now.lastsMs }, nowMs);
  }

  private openWindow({ bytes }: Present, nowMs: number): Window {
    // What a round trip takes in this window decides at its end whether there is room for more.
    const mayGrow = this.auto && this.target < this.ceiling && nowMs >= this.heldUntilMs;
    this.beganMs ??= nowMs;
    const isOld = nowMs - (this.trip?.atMs ?? this.beganMs) > TOLD_MS;
    this.asksTrip = mayGrow || isOld;
    return { ms: nowMs, bytes, processor: 1 };
  }

  /** What the present number brings, in bytes per millisecond; null until that is known. */
  private settledLevel(rate: number, isPastStart: boolean): number | null {
    const { last } = this;
    this.last = rate;
    this.windows++;
    const isMoving = last === null || rate > last * SETTLED || rate * SETTLED < last;
    if (isMoving && !isPastStart && this.windows < MOST_WINDOWS) return null;
    return last === null || isPastStart ? rate : (rate + last) / 2;
  }

  /**
   * More than the target work on: they went on with their leases when their number did not pay. Leases may
   * last for hours, so they are judged again. They stay when they pay after all. When they bring far less
   * than fewer did, the slow ones are what is left of them: those that would last longest end soon.
   */
  private judgeBeyond(number: number, level: number): void {
    this.rates.set(number, level);
    if (!this.auto || number > this.ceiling) return;
    if (this.pays(level, this.target)) this.wanted = number;
    else if (level * OTHER_WORLD < (this.rates.get(this.target) ?? 0))
      this.tooMany = number - this.target;
  }

  private judge(
    { level, processor, lastsMs }: { level: number; processor: number; lastsMs: number },
    nowMs: number,
  ): void {
    const { target } = this;
    const before = this.rates.get(target);
    this.rates.set(target, level);
    if (this.from !== null && !this.hasPaid(level, nowMs)) return;
    const isOther =
      before !== undefined && (level > before * OTHER_WORLD || level * OTHER_WORLD < before);
    if (isOther) this.heldUntilMs = nowMs;
    this.verdict = this.judgeLimit(processor, nowMs);
    if (!this.auto || target >= this.ceiling || nowMs < this.heldUntilMs) return;
    // What would end before further connections are up to speed is not worth opening them.
    if (lastsMs < 2 * this.windowMs) return;
    if (this.verdict === 'processor' || !this.hasRoom(nowMs)) return;
    this.from = target;
    this.wanted = Math.min(this.most, target * 2);
    this.forgetWindow();
  }

  /** Whether this level is worth more connections than `fewer`. */
  private pays(level: number, fewer: number): boolean {
    return level >= (this.rates.get(fewer) ?? 0) * this.tuning.gain;
  }

  /** Whether doubling paid; if not, goes back. */
  private hasPaid(level: number, nowMs: number): boolean {
    const from = this.from as number;
    this.from = null;
    if (this.pays(level, from)) {
      this.holdMs = this.tuning.holdMs;
      return true;
    }
    this.wanted = from;
    this.heldUntilMs = nowMs + this.holdMs;
    this.holdMs *= 2;
    this.forgetWindow();
    return false;
  }

  /** Whether the link has room, by a fresh round trip. */
  private hasRoom(nowMs: number): boolean {
    if (this.trip === null || nowMs - this.trip.atMs > FRESH_WINDOWS * this.windowMs) return false;
    return !this.isFull(this.trip.ms);
  }

  private isFull(ms: number): boolean {
    const { fullFactor } = this.tuning;
    return ms > Math.max(this.roundTripMs * fullFactor, this.roundTripMs + QUEUE_NOISE_MS);
  }

  private judgeLimit(processor: number, nowMs: number): LimitedBy {
    if (processor >= this.tuning.busyPart) return 'processor';
    const { trip } = this;
    if (this.limit < this.most && this.target >= this.limit) return 'server';
    if (trip === null || nowMs - trip.atMs > 2 * TOLD_MS) return 'unknown';
    // Where neither the link nor the processor is full, the server gives each connection so much.
    return this.isFull(trip.ms) ? 'link' : 'server';
  }
}
