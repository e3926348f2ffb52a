/**
 * What the scheduler keeps of one connection over its leases: what it works on, how fast it is, and
 * how it would do with the next range.
 */
import { INITIAL_WINDOW } from './forecast.js';
import type { Flow, Path } from './forecast.js';
import type { LeaseProgress, LeaseState, Span } from './types.js';

/** A lease on a connection. */
export interface Work {
  lease: number;
  /** As it was asked for: the ledger has the present end. */
  span: Span;
  /** When it was asked for. */
  askedMs: number;
  state: LeaseState;
  received: number;
  /** Bytes of its range that are in the file. */
  written: number;
  /** When its first byte was seen; null before. */
  firstMs: number | null;
  /** Its answer goes on to the end of the file, whatever its own end is. */
  isOpenEnded: boolean;
  /** It fetches the end of another lease as well. */
  hedges: number | null;
  /** It was asked for on a connection that has to be opened. */
  dials: boolean;
}

/**
 * How long a rate remembers, in milliseconds and in round trips: a server that limits a connection
 * sends each second's worth at once.
 */
const RATE_MS = 1000;
const RATE_ROUND_TRIPS = 4;

/** A rate is believed from this age on, in milliseconds and in round trips. */
const SETTLED_MS = 300;
const SETTLED_ROUND_TRIPS = 4;

/** Slow start takes no more round trips than this: the window has grown a thousandfold. */
const START_ROUND_TRIPS = 10;

/** Less than this without a byte is no silence (ms). */
const SILENT_MS = 100;

/** TCP forgets the window of a connection that was idle for a retransmission time-out (RFC 5681 section 4.1). */
const WARM_MS = 200;

/** What all connections of an origin know. */
export interface Shared {
  path: Path;
  /** Expected times of a new dial and of an answer (ms). */
  dialMs: number;
  firstByteMs: number;
  /** Bytes per millisecond of a usual connection; null while none has a rate. */
  usual: number | null;
}

export class FlowBook {
  work: Work | null = null;
  behind: Work | null = null;
  /** It is open, and can serve another request. */
  isOpen = false;
  idleSinceMs = -Infinity;
  restUntilMs = -Infinity;
  /** How often in a row it was replaced for being slow. */
  replaced = 0;
  /** Bytes per millisecond, measured; null while nothing is known. */
  rate: number | null = null;
  /** The same of the last moments. */
  private recent = 0;
  private growing = true;
  private sampled: { ms: number; received: number } | null = null;
  /** When bytes last came. */
  private heardMs = -Infinity;

  /** @param source whose server it is a connection to, from 0 */
  constructor(
    readonly connection: number,
    readonly source = 0,
  ) {}

  /** Puts a lease on it: to be received next, or behind the present one. */
  begin(work: Work): void {
    if (this.work === null) {
      this.work = work;
      this.sampled = null;
      if (work.dials) this.forgetRate();
    } else this.behind = work;
  }

  /** Takes an ended lease off it; what was asked for behind it is received from now on. */
  end(lease: number, nowMs: number): Work | null {
    if (this.behind?.lease === lease) {
      const ended = this.behind;
      this.behind = null;
      return ended;
    }
    const ended = this.work;
    if (ended?.lease !== lease) return null;
    this.work = this.behind;
    this.behind = null;
    this.sampled = null;
    this.idleSinceMs = nowMs;
    return ended;
  }

  private forgetRate(): void {
    this.rate = null;
    this.recent = 0;
    this.growing = true;
  }

  /** Takes note of how far its lease is. */
  sample(progress: LeaseProgress, nowMs: number, { roundTripMs }: Path): void {
    const { work } = this;
    if (work === null || progress.lease !== work.lease) return;
    work.state = progress.state;
    work.received = progress.received;
    work.written = progress.written;
    if (progress.state !== 'receiving') return;
    work.firstMs ??= nowMs;
    if (this.sampled === null) this.sampled = { ms: nowMs, received: progress.received };
    const ms = nowMs - this.sampled.ms;
    if (progress.received > this.sampled.received || ms === 0) this.heardMs = nowMs;
    if (ms <= 0) return;
    const rate = (progress.received - this.sampled.received) / ms;
    this.sampled = { ms: nowMs, received: progress.received };
    const before = this.recent;
    this.recent = mean(before, rate, ms, Math.max(50, roundTripMs));
    const isStarting = work.dials && nowMs - work.firstMs < START_ROUND_TRIPS * roundTripMs;
    const wasGrowing = this.growing;
    this.growing = isStarting && this.recent > before;
    // What slow start brought is no part of the rate that it led to.
    if (wasGrowing && !this.growing) this.rate = this.recent;
    this.rate = mean(
      this.rate ?? rate,
      rate,
      ms,
      Math.max(RATE_MS, RATE_ROUND_TRIPS * roundTripMs),
    );
  }

  /** Whether it can be believed to be as fast as it will be. */
  isSettled(nowMs: number, { roundTripMs }: Path): boolean {
    const firstMs = this.work?.firstMs ?? null;
    if (this.rate === null || firstMs === null) return false;
    return (
      !this.growing && nowMs - firstMs > Math.max(SETTLED_MS, SETTLED_ROUND_TRIPS * roundTripMs)
    );
  }

  /** How its present lease goes on. */
  ahead(nowMs: number, shared: Shared): Flow {
    const { work } = this;
    if (work === null) return this.next(nowMs, shared);
    if (work.firstMs === null) return this.waiting(work, nowMs, shared);
    const { roundTripMs } = shared.path;
    const window = Math.max(INITIAL_WINDOW, this.recent * roundTripMs);
    const startMs = this.silentMs(nowMs, shared.path);
    const { path } = shared;
    if (this.isSettled(nowMs, path)) return { startMs, window, plateau: this.rate ?? 0, path };
    const usual = shared.usual ?? (this.growing ? Infinity : 0);
    return { startMs, window, plateau: Math.max(this.recent, this.rate ?? 0, usual), path };
  }

  /** How long it has been silent (ms), which is how long it may go on to be; 0 while bytes come in. */
  silentMs(nowMs: number, { roundTripMs }: Path): number {
    const ms = nowMs - this.heardMs;
    const isBegun = this.work !== null && this.work.firstMs !== null;
    return isBegun && ms > Math.max(SILENT_MS, 2 * roundTripMs) ? ms : 0;
  }

  /** What has not answered for longer than expected may take as long again. */
  private waiting({ askedMs, dials }: Work, nowMs: number, shared: Shared): Flow {
    const waited = nowMs - askedMs;
    const expected = (dials ? shared.dialMs : 0) + shared.firstByteMs;
    return {
      startMs: waited < expected ? expected - waited : waited - expected,
      window: this.startWindow(dials, shared.path),
      plateau: this.plateau(shared),
      path: shared.path,
    };
  }

  /** How a lease would go that it is given now; behind the present one when it has one. */
  next(nowMs: number, shared: Shared, leftBytes = 0): Flow {
    if (this.work !== null) {
      const now = this.ahead(nowMs, shared);
      const endsMs = now.startMs + leftBytes / Math.max(this.rate ?? 0, 1e-3);
      const window = Math.max(INITIAL_WINDOW, this.recent * shared.path.roundTripMs);
      return { startMs: endsMs, window, plateau: now.plateau, path: shared.path };
    }
    const dials = !this.isOpen;
    const isWarm = this.isOpen && nowMs - this.idleSinceMs < WARM_MS;
    return {
      startMs: (dials ? shared.dialMs : 0) + shared.firstByteMs,
      window: this.startWindow(!isWarm, shared.path),
      plateau: this.plateau(shared),
      path: shared.path,
    };
  }

  private startWindow(isCold: boolean, { roundTripMs }: Path): number {
    return isCold ? INITIAL_WINDOW : Math.max(INITIAL_WINDOW, (this.rate ?? 0) * roundTripMs);
  }

  private plateau({ usual }: Shared): number {
    return this.rate ?? usual ?? Infinity;
  }

  /** Bytes that may be on their way to it: what a cut wastes. */
  underWay(path: Path): number {
    return Math.min(path.window, Math.max(INITIAL_WINDOW, this.recent * path.roundTripMs));
  }
}

/** An exponential mean: what is `tauMs` old counts for a third. */
function mean(before: number, now: number, ms: number, tauMs: number): number {
  return before + (1 - Math.exp(-ms / tauMs)) * (now - before);
}
