/**
 * What a free connection is given of what nobody works on: as much as it brings within the horizon,
 * less a reserve. The first answer goes on to the end of the file, so its end is as good as a gap.
 */
import { bytesWithin, finishMs } from './forecast.js';
import type { Flow } from './forecast.js';
import { SEAM_BYTES } from './overhead.js';
import type { Tuning } from './tuning.js';
import type { Span } from './types.js';

/** What there is to assign from. */
export interface Stock {
  /** Ranges that nobody works on, ascending and disjoint. */
  gaps: readonly Span[];
  /** Bytes in all gaps together. */
  missing: number;
  /** When everything will be here (ms). */
  horizonMs: number;
  /** How many connections share it. */
  connections: number;
  /** What a further request on an open connection takes (ms). */
  requestMs: number;
  /** Bytes of overhead that may still be spent. */
  overheadLeft: number;
  /** The most that a lease may be long, in bytes: a reader follows the front. */
  longest: number;
}

/** Bytes that a connection is given, of `available` that nobody works on. */
export function lengthFor(
  flow: Flow,
  available: number,
  stock: Stock,
  { reserve, leastBytes, tickMs }: Tuning,
): number {
  const { horizonMs, requestMs, connections, overheadLeft, longest } = stock;
  const spareMs = Math.max(0, horizonMs - flow.startMs) * reserve;
  // What would leave no time for a further request is not kept back.
  const isLast = spareMs <= requestMs + tickMs;
  const untilMs = isLast ? horizonMs : horizonMs - spareMs;
  // A last round is shared equally where the forecast knows no better.
  const fair = isLast ? available / connections : 0;
  const brings = Math.max(fair, bytesWithin(flow, untilMs));
  // Half of what is left of the budget may go into dividing what is left of the file.
  const affordable = (available * SEAM_BYTES) / Math.max(overheadLeft / 2, 1);
  const wanted = Math.min(longest, Math.max(leastBytes, brings, affordable));
  const length = Math.ceil(wanted / leastBytes) * leastBytes;
  return available - length < leastBytes ? available : length;
}

/** The range for a connection from the gaps, in order of offset; null when there is none. */
export function fromGaps(flow: Flow, stock: Stock, tuning: Tuning): Span | null {
  const [gap] = stock.gaps;
  if (gap === undefined) return null;
  const length = Math.min(gap.end - gap.start, lengthFor(flow, stock.missing, stock, tuning));
  const end = gap.end - gap.start - length < tuning.leastBytes ? gap.end : gap.start + length;
  return { start: gap.start, end };
}

/**
 * The range for a connection off the end of the first answer; null when that ends as soon by itself.
 * @param open what is left of the first lease, and how it goes on
 */
export function fromOpenEnd(
  flow: Flow,
  open: { position: number; end: number; flow: Flow },
  stock: Stock,
  tuning: Tuning,
): Span | null {
  const { leastBytes } = tuning;
  const left = open.end - open.position;
  const length = Math.min(left / 2, lengthFor(flow, left, stock, tuning));
  const start = Math.ceil((open.end - length) / leastBytes) * leastBytes;
  if (start >= open.end || start - open.position < leastBytes) return null;
  const alone = finishMs(open.flow, left);
  const gained = finishMs(flow, open.end - start);
  return gained + tuning.tickMs < alone ? { start, end: open.end } : null;
}
