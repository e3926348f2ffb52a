/**
 * What one connection may have under way: the sender's congestion control as a fluid, without
 * packets. A flow is told after each step what it brought and how long its way was.
 */
import type { Dice } from '../helpers/dice.js';
import type { CongestionControl } from './world.js';

export const MSS = 1448;

/** What a connection sends in its first round trip (RFC 6928), in bytes. */
export const FIRST_WINDOW = 10 * MSS;

/** What a flow is told of a step. */
export interface Course {
  nowMs: number;
  ms: number;
  /** Without load, and with what waits before the link. */
  baseMs: number;
  roundTripMs: number;
  /** Bytes per millisecond that it brought. */
  rate: number;
  /** The server had no more to give. */
  limited: boolean;
  /** Part of its packets that were lost on the way. */
  loss: number;
  /** Part of what it sent that found no room before the link. */
  dropped: number;
}

export interface Control {
  /** Bytes under way at most. */
  window(baseMs: number): number;
  /** Bytes per millisecond that it sends at most, besides the window. */
  pace(nowMs: number): number;
  step(course: Course): void;
  /** Nothing was sent for so long. */
  idled(ms: number): void;
  /** Nothing came through for some time: it begins anew. */
  stalled(): void;
  /** Whether it does what it will go on doing. */
  readonly isSteady: boolean;
  /** Bytes under way on average in the long run; null when what it has now tells that. */
  longRun(roundTripMs: number, loss: number): number | null;
}

export function controlOf(control: CongestionControl, dice: Dice): Control {
  return control === 'cubic' ? new Cubic(dice) : new Bbr(dice);
}

/** How slow start grows in a step: it doubles with each round trip, unless half of what it sends finds no room. */
const growth = ({ ms, roundTripMs, dropped }: Course): number =>
  2 ** (Math.min(4, ms / roundTripMs) * (1 - 2 * dropped));

/** CUBIC (RFC 9438) with HyStart, fast recovery, and its region that is as fast as Reno. */
class Cubic implements Control {
  private bytes = FIRST_WINDOW;
  private isStarting = true;
  /** Queueing delay when it began, which its own comes on top of. */
  private queuedMs: number | null = null;
  private lastMax = 0;
  private epochMs = 0;
  private epochBytes = 0;
  private riseMs = 0;
  private lostMs = -Infinity;

  constructor(private readonly dice: Dice) {}

  window(): number {
    return this.bytes;
  }

  pace(): number {
    return Infinity;
  }

  get isSteady(): boolean {
    return !this.isStarting;
  }

  step(course: Course): void {
    const { nowMs, ms, baseMs, roundTripMs, rate } = course;
    if (nowMs - this.lostMs >= roundTripMs && this.loses(course)) return this.lose(nowMs);
    // What is not used does not grow.
    if (rate * roundTripMs < 0.8 * this.bytes && !(this.bytes < 2 * rate * roundTripMs)) {
      this.epochMs += ms;
      return;
    }
    if (this.isStarting) {
      this.queuedMs ??= roundTripMs - baseMs;
      const patience = Math.min(16, Math.max(4, baseMs / 8));
      if (roundTripMs - baseMs > this.queuedMs + patience && this.bytes > 16 * MSS)
        return this.settle(nowMs, this.bytes);
      this.bytes = Math.max(4 * MSS, this.bytes * growth(course));
      return;
    }
    this.grow(nowMs, ms, roundTripMs);
  }

  /** RFC 9438 section 5.1, and Reno's where that is more: it may take minutes from one loss to the next. */
  longRun(roundTripMs: number, loss: number): number {
    const cubic = 1.054 * (roundTripMs / 1000 / loss) ** 0.75;
    return MSS * Math.max(cubic, 1.22 / Math.sqrt(loss));
  }

  private loses({ ms, rate, loss, dropped }: Course): boolean {
    const packets = (rate * ms) / MSS;
    const lost = packets * loss + packets * dropped * 3;
    return lost > 0 && this.dice.next() < 1 - Math.exp(-lost);
  }

  private lose(nowMs: number): void {
    const max = this.bytes < this.lastMax ? this.bytes * 0.85 : this.bytes;
    this.lastMax = this.bytes;
    this.bytes = Math.max(2 * MSS, 0.7 * this.bytes);
    this.lostMs = nowMs;
    this.settle(nowMs, max);
  }

  private settle(nowMs: number, max: number): void {
    this.isStarting = false;
    this.lastMax = Math.max(max, this.bytes);
    this.epochMs = nowMs;
    this.epochBytes = this.bytes;
    this.riseMs = 1000 * Math.cbrt((this.lastMax - this.bytes) / MSS / 0.4);
  }

  private grow(nowMs: number, ms: number, roundTripMs: number): void {
    const seconds = (nowMs - this.epochMs + roundTripMs - this.riseMs) / 1000;
    const cubic = this.lastMax + 0.4 * seconds ** 3 * MSS;
    const reno = this.epochBytes + (0.53 * MSS * (nowMs - this.epochMs)) / roundTripMs;
    const most = this.bytes * 1.5 ** Math.min(4, ms / roundTripMs);
    this.bytes = Math.max(this.bytes, Math.min(most, Math.max(cubic, reno)));
  }

  idled(ms: number): void {
    if (ms <= 250) return;
    this.bytes = Math.min(this.bytes, FIRST_WINDOW);
    this.isStarting = true;
    this.queuedMs = null;
  }

  stalled(): void {
    this.lastMax = this.bytes;
    this.bytes = 2 * MSS;
    this.isStarting = true;
    this.queuedMs = null;
  }
}

/** Rounds whose best rate BBR believes in. */
const ROUNDS = 10;
const STARTUP_GAIN = 2.89;
/** A longest time without a look at the empty link, and what that look takes. */
const PROBE_EVERY_MS = 10_000;
const PROBE_MS = 200;

/** BBR, version 1, as Linux has it: it paces at the best rate of ten round trips, and heeds no loss. */
class Bbr implements Control {
  private inflight = FIRST_WINDOW;
  private isStarting = true;
  private readonly best: number[] = [];
  private at = 0;
  private full = 0;
  private fullRounds = 0;
  private roundMs = 0;
  private roundBytes = 0;
  private phase: number;
  private clearMs = -Infinity;
  private probeUntilMs = -Infinity;

  constructor(dice: Dice) {
    this.phase = dice.int(2, 7);
  }

  /** The best of the last rounds, in bytes per millisecond. */
  private rate = 0;

  get isSteady(): boolean {
    return !this.isStarting;
  }

  window(baseMs: number): number {
    if (this.probeUntilMs > 0) return 4 * MSS;
    if (this.isStarting) return this.inflight;
    return Math.max(4 * MSS, 2 * this.rate * baseMs + 3 * MSS);
  }

  pace(): number {
    if (this.isStarting) return Infinity;
    return this.rate * (this.phase === 0 ? 1.25 : this.phase === 1 ? 0.75 : 1);
  }

  step(course: Course): void {
    const { nowMs, ms, baseMs, roundTripMs, rate, limited } = course;
    if (roundTripMs < baseMs * 1.02 + 0.3) this.clearMs = nowMs;
    if (this.clearMs < 0) this.clearMs = nowMs;
    if (this.probeUntilMs > 0) {
      if (nowMs >= this.probeUntilMs) {
        this.probeUntilMs = -Infinity;
        this.clearMs = nowMs;
      }
      this.roundMs = this.roundBytes = 0;
      return;
    }
    if (nowMs - this.clearMs > PROBE_EVERY_MS && !this.isStarting)
      this.probeUntilMs = nowMs + PROBE_MS + roundTripMs;
    if (this.isStarting) {
      const most = Math.max(FIRST_WINDOW, STARTUP_GAIN * Math.max(this.rate, rate) * baseMs);
      this.inflight = Math.min(most, Math.max(4 * MSS, this.inflight * growth(course)));
    }
    // What the server does not give tells nothing of the way, but for more than was known.
    if (limited && rate < this.rate) return;
    this.roundMs += ms;
    this.roundBytes += rate * ms;
    if (this.roundMs < roundTripMs) return;
    this.endRound(this.roundBytes / this.roundMs);
    this.roundMs = this.roundBytes = 0;
  }

  private endRound(rate: number): void {
    this.best[this.at++ % ROUNDS] = rate;
    this.rate = 0;
    for (const each of this.best) if (each > this.rate) this.rate = each;
    this.phase = (this.phase + 1) % 8;
    if (!this.isStarting) return;
    if (this.rate >= this.full * 1.25) {
      this.full = this.rate;
      this.fullRounds = 0;
    } else if (++this.fullRounds >= 3) {
      this.isStarting = false;
      this.phase = 1;
    }
  }

  longRun(): null {
    return null;
  }

  idled(): void {
    this.roundMs = this.roundBytes = 0;
  }

  stalled(): void {
    this.roundMs = this.roundBytes = 0;
  }
}
