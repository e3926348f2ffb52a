/**
 * Which range an idle connection gets. Pure arithmetic over what is missing and over the leases
 * that are out: first from the gaps, then from the lease that would end last.
 */
import { assert } from '../errors.js';
import { alignDown, alignUp } from './align.js';
import { farShare } from './boost.js';
import { cutFront, isHindrance, longestInOrder } from './in-order.js';
import type { ActiveLease, Books, Costs, Cut, Move, Span } from './moves.js';
import { FAR_MS } from './ramp.js';
import { RESCUE_SEAMS } from './seam-budget.js';

/** The smallest lease that is cut off another one. */
export const MIN_STEAL_BYTES = 64 * 1024;

/** With leases of this size, 4 KiB of seam are less than 0.1 % more bytes (P5). */
export const SEAM_FRIENDLY_BYTES = 4 * 1024 * 1024;

/** A lease that takes longer than this is worth a seam, however small. */
const WORTH_A_SEAM_MS = 1500;

/** When so few leases are out, all other connections wait for them. */
const TAIL_LEASES = 4;

/** Seams that are kept for then, and what they should save. */
const TAIL_SEAMS = 2;
const WORTH_IN_TAIL_MS = 500;

/** A cut is worth it when the thief is done within this part of the time that the victim would take. */
const WORTH_PART = 0.6;

/** What a connection sends in its first round trip (RFC 6928), in bytes. */
const FIRST_WINDOW = 10 * 1460;

/** Part of its fair share of what is missing that a connection gets at once; the rest levels out. */
const SHARE = 0.6;

/** A lease should carry a connection for at least this long, in milliseconds. */
const WORTH_LEASE_MS = 400;

/** The least that a new connection on a far link is begun for, in bytes. */
const LEAST_FAR_BYTES = 256 * 1024;

/** The smallest lease that a gap is divided into. */
export function smallestLease(costs: Costs): number {
  const { usualRate } = costs;
  if (usualRate === null) return SEAM_FRIENDLY_BYTES;
  const timed = (usualRate * weight(costs) * WORTH_LEASE_MS) / 1000;
  return Math.max(MIN_STEAL_BYTES, Math.min(SEAM_FRIENDLY_BYTES, timed));
}

/** A slow connection gets less than its share, and a fast one more, so that they end together. */
function weight({ ownRate, usualRate }: Costs): number {
  if (ownRate === null || usualRate === null || usualRate <= 0) return 1;
  return Math.min(2, Math.max(1 / 8, ownRate / usualRate));
}

/**
 * How much of `missing` bytes one of `lanes` connections gets: less and less towards the end, and
 * never so little that what seams may cost does not last.
 */
export function leaseLength(missing: number, lanes: number, costs: Costs): number {
  const share = Math.max(smallestLease(costs), (SHARE * missing * weight(costs)) / lanes);
  const wanted = costs.inOrder ? Math.min(share, longestInOrder(costs)) : share;
  return alignUp(Math.max(wanted, missing / (costs.seams.splits + 1)));
}

/**
 * The range for one of `lanes` connections out of the gaps, in order of offset, or the last one for a
 * hindrance. Leases shrink as the end comes near, so that connections of unlike speed end together
 * and none has to be cut.
 * @param gaps ascending and disjoint, not empty
 * @param missing bytes in all gaps together
 */
export function grantFromGaps(
  gaps: readonly Span[],
  missing: number,
  lanes: number,
  costs: Costs,
): Span {
  const gap = isHindrance(costs) ? gaps.at(-1) : gaps[0];
  assert(gap !== undefined && gap.end > gap.start && lanes >= 1, 'a gap and a connection');
  if (costs.seams.splits < 1) return gap;
  const length = leaseLength(missing, lanes, costs);
  // What would be left of the gap must be worth a lease of its own.
  if (gap.end - gap.start < length + smallestLease(costs) / 2) return gap;
  if (isHindrance(costs)) return { start: cutAt(gap.end - length, gap.start), end: gap.end };
  return { start: gap.start, end: cutAt(gap.start + length, gap.start + MIN_STEAL_BYTES) };
}

/**
 * What to take from the lease that would end last, or null when nothing is worth a request.
 * The cut falls where both would finish together, given their rates.
 */
export function grantByCut(active: readonly ActiveLease[], costs: Costs): Cut | null {
  let best: Cut | null = null;
  let bestMs = 0;
  const isTail = active.filter(({ givenUp }) => !givenUp).length <= TAIL_LEASES;
  for (const lease of active) {
    const cut = cutOf(lease, isTail, costs);
    if (cut === null) continue;
    const leftMs = timeLeftMs(lease, costs);
    if (leftMs > bestMs) {
      best = cut;
      bestMs = leftMs;
    }
  }
  return best;
}

/**
 * A lease off the end of the one whose answer goes on to the end of the file, as if that rest were a
 * gap; null when little is left. Its connection is warm, and what is under way on it when it is cut is
 * fetched in vain: on a far link it should last as long as the download.
 */
export function grantFromEnd(
  open: ActiveLease,
  lanes: number,
  out: number,
  costs: Costs,
): Cut | null {
  const left = open.end - open.position;
  if (open.fixed || open.givenUp || costs.seams.splits < 1) return null;
  const isNew = costs.ownRate === null;
  const most = isNew ? shareOf(left, lanes - out, costs) : left / 2;
  const length = Math.min(leaseLength(left, lanes, costs), most);
  if (length < (isNew ? LEAST_FAR_BYTES : smallestLease(costs))) return null;
  // Who would begin anew for what is there as soon without it is left alone. Where there is time for
  // slow start, the usual rate, which may be that of the first short leases, does not tell.
  const { usualRate } = costs;
  const leftMs = timeLeftMs(open, costs);
  if (usualRate !== null && leftMs < fairMs(costs) && fetchMs(length, usualRate, costs) > leftMs)
    return null;
  const start = cutAt(open.end - length, open.position + MIN_STEAL_BYTES);
  return { span: { start, end: open.end }, lease: open.lease };
}

/** What each connection gets of a file that is too short to give them all what is worth a seam. */
const shareOf = (left: number, others: number, { seams }: Costs): number =>
  Math.max(farShare(left, Math.max(1, others)), left / (seams.splits + 1));

/** Milliseconds until a lease ends at its rate, or at the usual rate while its own is unknown. */
export function timeLeftMs(lease: ActiveLease, costs: Costs): number {
  const rate = lease.rate ?? costs.usualRate;
  const left = Math.max(0, lease.end - lease.position);
  if (left === 0) return 0;
  if (rate === null || rate <= 0) return lease.rate === null ? left / 1e6 : Number.MAX_SAFE_INTEGER;
  return (left * 1000) / rate;
}

function cutOf(lease: ActiveLease, isTail: boolean, costs: Costs): Cut | null {
  const left = lease.end - lease.position;
  if (lease.fixed || left < 2 * MIN_STEAL_BYTES) return null;
  if (!maySpendOn(lease, left, isTail, costs)) return null;
  const thief = costs.usualRate ?? lease.rate ?? 1;
  const isLate = mayCatchUp(lease, costs);
  const victim = isLate
    ? Math.max(lease.rate ?? 0, thief, costs.ownRate ?? 0)
    : (lease.rate ?? thief);
  const leftMs = timeLeftMs(isLate ? { ...lease, rate: victim } : lease, costs);
  const keepMs =
    leftMs === Number.MAX_SAFE_INTEGER ? 0 : balance(left, victim, thief, costs.requestMs);
  const kept = Math.min(
    left - MIN_STEAL_BYTES,
    Math.max(MIN_STEAL_BYTES, (victim * keepMs) / 1000),
  );
  const end = cutAt(lease.position + kept, lease.position + MIN_STEAL_BYTES);
  if (fetchMs(lease.end - end, thief, costs) > WORTH_PART * leftMs) return null;
  return { span: { start: end, end: lease.end }, lease: lease.lease };
}

/**
 * Whether a slow connection on a far link may do as well as the others once it has had its time: one
 * that would have to begin anew for the rest of it has to have that time as well.
 */
function mayCatchUp(lease: ActiveLease, costs: Costs): boolean {
  if (costs.isWarm || costs.roundTripMs < FAR_MS) return false;
  return lease.ageMs < fairMs(costs) && !isSilent(lease, costs);
}

/**
 * Whether a lease may be cut for one more seam. The last ones are for those who are far too slow, and
 * some before them for the end, when everybody waits for few.
 */
function maySpendOn(lease: ActiveLease, left: number, isTail: boolean, costs: Costs): boolean {
  const { splits, all } = costs.seams;
  // What is left of a lease that is given up is asked for again, with one more seam at its new end.
  const least = lease.givenUp ? 2 : 1;
  const kept = isStraggler(lease, costs) ? 0 : isTail ? RESCUE_SEAMS : RESCUE_SEAMS + TAIL_SEAMS;
  if (all < Math.max(least, 1 + kept)) return false;
  if (splits >= 1 || left >= 2 * SEAM_FRIENDLY_BYTES) return true;
  return timeLeftMs(lease, costs) >= (isTail ? WORTH_IN_TAIL_MS : WORTH_A_SEAM_MS);
}

/** Milliseconds that a connection that was idle takes for a range: the request, slow start, the bytes. */
function fetchMs(bytes: number, rate: number, costs: Costs): number {
  const { isWarm, roundTripMs } = costs;
  const slowStart = isWarm ? 0 : roundTripMs * Math.log2(1 + bytes / FIRST_WINDOW);
  return costs.requestMs + Math.max(slowStart, (bytes * 1000) / rate);
}

/** The time after which two connections finish `left` bytes together, one starting `delayMs` later. */
function balance(left: number, victim: number, thief: number, delayMs: number): number {
  return (left * 1000 + thief * delayMs) / (victim + thief);
}

/** On a boundary, but not below `lowest`. */
function cutAt(offset: number, lowest: number): number {
  const aligned = alignDown(offset);
  return aligned >= lowest ? aligned : Math.ceil(offset);
}

/** A lease that is silent for this long has stopped, for all we know, in milliseconds. */
const SILENT_MS = 200;
const SILENT_REQUESTS = 3;

/** One with another lease behind it, which would be lost with it, may be silent for so long. */
const LONG_SILENT_MS = 1000;

function isSilent({ silentMs }: ActiveLease, { requestMs }: Costs): boolean {
  return silentMs > SILENT_MS + SILENT_REQUESTS * requestMs;
}

/**
 * What to do about a lease so slow that the rest of it should be fetched by another connection, and
 * that cannot be cut: too little is left, or another lease waits behind it, which ends with it. A
 * second copy costs little and is asked for early; giving up what may come after all is for the
 * hopeless.
 */
export function slowTail(active: readonly ActiveLease[], costs: Costs): Move | null {
  const { usualRate, requestMs, mayDouble } = costs;
  if (usualRate === null || costs.seams.all < RESCUE_SEAMS) return null;
  for (const { lease, position, end, rate, ...is } of active) {
    const left = end - position;
    if (is.givenUp || rate === null || left <= 0) continue;
    const leftMs = rate === 0 ? Infinity : (left * 1000) / rate;
    const againMs = requestMs + (left * 1000) / usualRate;
    const isHopeless = leftMs > 500 + 4 * againMs;
    const mayPause = rate === 0 && is.silentMs < LONG_SILENT_MS;
    if (is.followed && isHopeless && !mayPause) return { kind: 'give-up', lease };
    if (is.fixed || left >= 2 * MIN_STEAL_BYTES) continue;
    if (mayDouble && leftMs > 50 + 2 * againMs)
      return { kind: 'double', lease, span: { start: position, end } };
    if (!mayDouble && isHopeless) return { kind: 'give-up', lease };
  }
  return null;
}

/** A connection this many times slower than a usual one is replaced. */
const STRAGGLER = 5;

/** A connection may need so many round trips to get its share of a link that others fill already. */
export const FAIR_ROUND_TRIPS = 20;

/** No connection is replaced sooner, in milliseconds: on a busy machine any may pause for a moment. */
const LEAST_FAIR_MS = 600;

/** A server that is slow to answer is not thought a long way for longer, in milliseconds. */
const MOST_FAIR_MS = 3000;

/** A straggler that is done within this time is left alone, in milliseconds. */
const WORTH_REPLACING_MS = 1000;

function isStraggler({ rate }: ActiveLease, { usualRate }: Costs): boolean {
  return rate !== null && usualRate !== null && rate * STRAGGLER < usualRate;
}

/** How long a connection may need to get its share. What a request takes tells of the queue on the way. */
function fairMs({ roundTripMs, requestMs }: Costs): number {
  const queued = Math.min(MOST_FAIR_MS, (FAIR_ROUND_TRIPS * requestMs) / 2);
  return Math.max(FAIR_ROUND_TRIPS * roundTripMs, queued);
}

/** Leases whose connections are far below their peers and should be replaced by new ones. */
export function stragglers(active: readonly ActiveLease[], costs: Costs): number[] {
  if (active.length < 3) return [];
  return active
    .filter((lease) => !lease.givenUp && isStraggler(lease, costs))
    .filter(({ ageMs }) => ageMs >= Math.max(LEAST_FAIR_MS, fairMs(costs)))
    .filter((lease) => timeLeftMs(lease, costs) > WORTH_REPLACING_MS + 2 * costs.requestMs)
    .slice(0, Math.floor(costs.seams.all / RESCUE_SEAMS))
    .map(({ lease }) => lease);
}

/**
 * What to do for an idle connection, or null when there is nothing for it.
 */
export function nextMove(
  { gaps, missing, active }: Books,
  lanes: number,
  costs: Costs,
): Move | null {
  const front = cutFront(active, gaps[0]?.start ?? Infinity, costs);
  if (front !== null) return { kind: 'cut', ...front };
  if (gaps.length > 0) {
    return { kind: 'take', span: grantFromGaps(gaps, missing, lanes, costs) };
  }
  const seen = active.map((lease) => (isSilent(lease, costs) ? { ...lease, rate: 0 } : lease));
  const cut = grantByCut(seen, costs);
  return cut === null ? slowTail(seen, costs) : { kind: 'cut', ...cut };
}
