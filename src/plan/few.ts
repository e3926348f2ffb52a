/** How many of the connections are used where the threads that receive are the limit. Pure: the caller brings the clock. */

import type { Costs } from './moves.js';
import { FAR_MS } from './ramp.js';

/** What comes in is looked at after so many milliseconds, and how busy the thread is once it is not at work on beginning. */
const LOOK_MS = 20;
const BEGUN_MS = 40;

/** Weight of the last look. */
const NEWEST = 0.3;

/** What a few connections have to keep up. */
export interface Enough {
  /** How many of them there are to each thread that receives. */
  perThread: number;
  /** Part of the time, 0 to 1, in which the thread is at work: it can take little more from others. */
  busy: number;
  /**
   * Bytes per millisecond that come in from the beginning: a thread may be at work on something else.
   * No more than cold code brings in its first 30 ms on a slow machine, which was 120,000.
   */
  rate: number;
}

/** More connections to a thread only push each other's bytes out of the processor's caches. */
export const ENOUGH: Enough = { perThread: 2, busy: 0.8, rate: 50_000 };

/** The same with TLS, where each byte is touched three times more. */
export const ENOUGH_ENCRYPTED: Enough = { ...ENOUGH, perThread: 1 };

/** While a hash follows, more would end their leases in any order, and leave it first waiting and then behind. */
export const ENOUGH_IN_ORDER: Enough = { perThread: 1, busy: 0.5, rate: 0 };

/** Less than this is fetched before one knows, in bytes. */
const LITTLE = 64 * 1024 * 1024;

/**
 * What a few must keep up; null where all are to be used at once: the server is far, or the file small.
 * @param missing bytes
 */
export function enoughFor(
  missing: number,
  { inOrder, roundTripMs }: Pick<Costs, 'inOrder' | 'roundTripMs'>,
  scheme: 'http' | 'https',
): Enough | null {
  if (roundTripMs >= FAR_MS) return null;
  if (inOrder) return ENOUGH_IN_ORDER;
  if (missing < LITTLE) return null;
  return scheme === 'https' ? ENOUGH_ENCRYPTED : ENOUGH;
}

/** Decides once, at the latest when a few are not enough any more: from then on all are used. */
export class Few {
  private busy: number | null = null;
  private isOver = false;

  /**
   * @param enough what a few must keep up; null when all are to be used at once
   * @param receivers threads that receive
   * @param beganMs when the download began
   */
  constructor(
    private readonly enough: Enough | null,
    private readonly receivers: number,
    private readonly beganMs: number,
  ) {}

  /**
   * @param busy part of the time since the last look in which the main thread was at work, 0 to 1
   * @param bytes received since the download began
   */
  sample(nowMs: number, busy: number, bytes: number): void {
    const elapsed = nowMs - this.beganMs;
    if (this.enough === null || elapsed < LOOK_MS) return;
    this.isOver ||= bytes < this.enough.rate * elapsed;
    if (elapsed < BEGUN_MS) return;
    this.busy = this.busy === null ? busy : this.busy + NEWEST * (busy - this.busy);
    this.isOver ||= this.busy < this.enough.busy;
  }

  /** How many of `target` connections are used now. */
  of(target: number): number {
    if (this.enough === null || this.isOver) return target;
    return Math.min(target, this.enough.perThread * this.receivers);
  }
}
