/**
 * What is different while somebody follows the contiguous front (a hash): one connection that is far
 * slower than its peers would make it wait. Pure arithmetic.
 */
import { alignDown } from './align.js';
import type { ActiveLease, Costs, Cut } from './moves.js';
import { RESCUE_SEAMS } from './seam-budget.js';

/** A lease need only be long enough for its request not to matter. */
const BYTES = 8 * 1024 * 1024;
const MS = 100;
const ROUND_TRIPS = 10;

/** A connection that takes this many times longer than another is in the way. */
const TOO_SLOW = 4;

/** No lease is judged by its first so many milliseconds. */
const YOUNG_MS = 20;

/** What is left to a lease that is cut. */
const LEFT_BYTES = 128 * 1024;

/** The longest lease that keeps the front moving, in bytes. */
export function longestInOrder({ usualRate, roundTripMs }: Costs): number {
  const ms = Math.max(MS, ROUND_TRIPS * roundTripMs);
  return Math.max(BYTES, ((usualRate ?? 0) * ms) / 1000);
}

/** Whether the front would wait for the connection that asks: it works from the end of the file. */
export function isHindrance({ inOrder, ownRate, bestRate }: Costs): boolean {
  return inOrder && ownRate !== null && bestRate !== null && ownRate * TOO_SLOW < bestRate;
}

/**
 * The rest of the first lease that holds the front up, for a connection that is much faster; null
 * when there is none. On loopback some of many connections get a hundredth of what others get,
 * because Linux never enlarges their receive buffers.
 * @param gap where nobody has been asked for anything yet: what lies behind it is not in the way
 */
export function cutFront(active: readonly ActiveLease[], gap: number, costs: Costs): Cut | null {
  const { inOrder, ownRate, seams } = costs;
  if (!inOrder || ownRate === null || seams.all < 1 + RESCUE_SEAMS) return null;
  let first: ActiveLease | null = null;
  for (const lease of active) {
    if (lease.position >= gap || !holdsUp(lease, ownRate, costs)) continue;
    if (first === null || lease.position < first.position) first = lease;
  }
  if (first === null) return null;
  const start = alignDown(first.position + LEFT_BYTES);
  return { span: { start, end: first.end }, lease: first.lease };
}

function holdsUp(lease: ActiveLease, rate: number, { requestMs }: Costs): boolean {
  const left = lease.end - lease.position;
  if (lease.fixed || lease.givenUp || left < 2 * LEFT_BYTES) return false;
  if (lease.ageMs < Math.max(YOUNG_MS, TOO_SLOW * requestMs)) return false;
  const againMs = requestMs + (left * 1000) / rate;
  return TOO_SLOW * againMs * lease.meanRate < left * 1000;
}
