/** Outages: when nothing comes through, and when what was lost in one is sent again. */
import type { Incident } from './world.js';

interface Pause {
  atMs: number;
  endMs: number;
}

/** The first retransmission of a handshake, and of what is under way; each further one waits twice as long. */
const HANDSHAKE_MS = 1000;
const LEAST_MS = 200;

export class Weather {
  private readonly pauses: Pause[];
  private paused = false;

  constructor(
    incidents: readonly Incident[],
    private readonly roundTripMs: number,
  ) {
    this.pauses = incidents
      .flatMap((each) =>
        each.kind === 'pause' ? [{ atMs: each.atMs, endMs: each.atMs + each.forMs }] : [],
      )
      .sort((a, b) => a.atMs - b.atMs);
  }

  get isPaused(): boolean {
    return this.paused;
  }

  private at(nowMs: number): Pause | undefined {
    return this.pauses.find(({ atMs, endMs }) => nowMs >= atMs && nowMs < endMs);
  }

  /** When it changes next. */
  nextMs(nowMs: number): number {
    let next = Infinity;
    for (const { atMs, endMs } of this.pauses) {
      if (atMs > nowMs) next = Math.min(next, atMs);
      if (endMs > nowMs) next = Math.min(next, endMs);
    }
    return next;
  }

  /** Whether an outage has begun or ended since the last call. */
  changed(nowMs: number): boolean {
    const paused = this.at(nowMs) !== undefined;
    if (paused === this.paused) return false;
    this.paused = paused;
    return true;
  }

  /** When what was under way as the present outage began comes through. */
  resumesMs(nowMs: number): number {
    const pause = this.at(nowMs);
    if (pause === undefined) return nowMs;
    return retried(pause.atMs, pause.endMs, LEAST_MS + this.roundTripMs) + this.roundTripMs;
  }

  /** When something arrives that begins its way now and takes so long. */
  arrivesMs(fromMs: number, ms: number): number {
    if (this.pauses.length === 0) return fromMs + ms;
    const pause = this.pauses.find(({ atMs, endMs }) => endMs > fromMs && atMs < fromMs + ms);
    if (pause === undefined) return fromMs + ms;
    return retried(fromMs, pause.endMs, HANDSHAKE_MS) + ms;
  }
}

function retried(fromMs: number, endMs: number, firstMs: number): number {
  let [at, wait] = [fromMs, firstMs];
  while (at < endMs) {
    at += wait;
    wait *= 2;
  }
  return at;
}
