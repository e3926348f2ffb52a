/**
 * What a free connection does when nobody has anything left to give: of cut, hedge and abandon the
 * move whose gain is worth its price in overhead. Pure arithmetic.
 */
import { finishMs } from './forecast.js';
import type { Flow } from './forecast.js';
import { SEAM_BYTES } from './overhead.js';
import type { Tuning } from './tuning.js';

/** A lease that is out, as far as others may take from it. */
export interface Target {
  lease: number;
  /** First byte that has not come. */
  position: number;
  /** First byte that is not in the file: a second copy is compared with what is before it. */
  written: number;
  end: number;
  flow: Flow;
  /** What is under way on its connection beyond a cut, in bytes. */
  underWay: number;
  /** Another lease is asked for behind it, or it is fetched twice: its end stays. */
  isFixed: boolean;
}

export interface Move {
  kind: 'cut' | 'hedge';
  /** The lease that is taken from. */
  lease: number;
  /** First byte that the free connection fetches, up to the end of that lease. */
  from: number;
  /** When both are done (ms). */
  endsMs: number;
  /** What it costs beside the file's own bytes. */
  bytes: number;
}

/** A lease whose rest is below this is fetched twice rather than divided, in bytes. */
const HEDGED_BYTES = 128 * 1024;

/** Cuts fall on multiples of this, in bytes. */
const CUT_ALIGN = 16 * 1024;

const CUT_STEPS = 16;

/**
 * The best move for a free connection, or null when none is worth it.
 * @param priceMs what a move must gain for its bytes of overhead
 */
export function rebalance(
  flow: Flow,
  targets: readonly Target[],
  options: { mayHedge: boolean; priceMs: (bytes: number) => number },
  { tickMs }: Tuning,
): Move | null {
  let victim: Target | null = null;
  let endsMs = 0;
  for (const target of targets) {
    const ms = finishMs(target.flow, target.end - target.position);
    if (ms > endsMs) {
      victim = target;
      endsMs = ms;
    }
  }
  if (victim === null || victim.isFixed) return null;
  const at = cutPoint(flow, victim);
  const isDivisible = victim.end - victim.position > HEDGED_BYTES && at < victim.end;
  const move = isDivisible ? cut(flow, victim, at) : hedge(flow, victim);
  if (move.kind === 'hedge' && !options.mayHedge) return null;
  // What brings nothing never ends by itself: any end is a gain.
  const isStuck = endsMs === Infinity && finishMs(flow, victim.end - move.from) < Infinity;
  const gainMs = isStuck ? Infinity : endsMs - move.endsMs;
  return gainMs > Math.max(tickMs, options.priceMs(move.bytes)) ? move : null;
}

function cut(flow: Flow, victim: Target, at: number): Move {
  const here = finishMs(victim.flow, at - victim.position);
  const there = finishMs(flow, victim.end - at);
  const bytes = Math.min(victim.underWay, victim.end - at) + SEAM_BYTES;
  return { kind: 'cut', lease: victim.lease, from: at, endsMs: Math.max(here, there), bytes };
}

function hedge(flow: Flow, victim: Target): Move {
  const bytes = victim.end - victim.written;
  const endsMs = finishMs(flow, bytes);
  return { kind: 'hedge', lease: victim.lease, from: victim.written, endsMs, bytes };
}

/** Where both connections end together. */
function cutPoint(flow: Flow, victim: Target): number {
  const left = victim.end - victim.position;
  let low = 0;
  let high = left;
  for (let step = 0; step < CUT_STEPS; step++) {
    const middle = (low + high) / 2;
    if (finishMs(victim.flow, middle) < finishMs(flow, left - middle)) low = middle;
    else high = middle;
  }
  // Behind the next byte to come, so that the lease ends by itself.
  return Math.ceil((victim.position + Math.max(low, 1)) / CUT_ALIGN) * CUT_ALIGN;
}

/** A connection at work, as far as its slowness goes. */
export interface Pace {
  lease: number;
  /** Bytes per millisecond, over long enough to tell. */
  rate: number;
  /** Bytes that it has still to bring. */
  left: number;
  /** How long nothing has come (ms). */
  silentMs: number;
}

/**
 * The leases whose connections are so slow that a new one would have their bytes sooner, dial and all.
 * @param freshMs what a new connection takes to its first byte (ms)
 */
export function stragglers(
  paces: readonly Pace[],
  usual: number,
  freshMs: number,
  { slowFactor, tickMs }: Tuning,
): number[] {
  return paces
    .filter(({ rate, left, silentMs }) => {
      if (rate * slowFactor >= usual) return false;
      const goesOn = silentMs + (rate > 0 ? left / rate : Infinity);
      return goesOn > 2 * (freshMs + left / usual) + 10 * tickMs;
    })
    .map(({ lease }) => lease);
}
