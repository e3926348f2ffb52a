/**
 * Short leases for the start on a far link. Slow start makes the first second of a connection
 * useless; some beside it fill the link sooner. What they fetch lies at the end of the file, and is
 * little, so that the first one keeps its long answer. Pure arithmetic.
 */
import { alignDown, alignUp } from './align.js';
import type { ActiveLease, Costs, Move } from './moves.js';

/** Connections that a far link is begun with. */
export const BOOST_LANES = 16;

/**
 * Bytes of the first lease where a round trip takes {@link ROUND_TRIP_MS}: what slow start brings in
 * some four of them. Each further one is longer by {@link STEP_BYTES}: if all ended together, the
 * first connection could not fill the gap at once. Where round trips are shorter, less fills a link.
 */
const BOOST_BYTES = 192 * 1024;
const STEP_BYTES = 64 * 1024;
const ROUND_TRIP_MS = 80;
const LEAST_SCALE = 1 / 4;
const MOST_SCALE = 5 / 2;

/** The least that a connection gets once more, where a round trip takes {@link ROUND_TRIP_MS}. */
const WARM_BYTES = 512 * 1024;

/** A connection that is past its slow start gets as much as it fetches in so many round trips. */
const BOOST_ROUND_TRIPS = 4;

/**
 * What one connection may have under way, in bytes: Linux gives a receive buffer 6 MB at most by
 * default, and not all of it is window. A link that holds more is not filled by one.
 */
export const MOST_UNDER_WAY = 2_500_000;

/** What one connection alone, with as much as that under way, would bring in less time is not worth hurrying for, in milliseconds. */
const WORTH_HURRYING_MS = 1000;

/** What is left to the lease that is cut, in leases as long as the new one. */
const LEFT = 2 * BOOST_LANES;

/**
 * The first lease of a connection where less is left, in bytes: slow start brings it in some three
 * round trips, and until then it is known whether the link is a narrow one, which many would choke.
 */
const FIRST_BYTES = 128 * 1024;

/** So few are begun so, and only while they have so little of the file. */
const HURRIED_LANES = 8;
const HURRIED_LEFT = 8;

/** Shares that the first connection keeps of what all are to share: it is some round trips ahead. */
const HEAD_START = 2;

/** What each of so many further connections gets of what one has left, in bytes: all are to end together. */
export function farShare(left: number, others: number): number {
  return left / (others + HEAD_START);
}

/**
 * A short lease off the end of the longest one, or null when that would be left with little, or a
 * seam is too dear (P5): a second one for a connection must leave enough for what comes after, and all
 * of the start may spend a part only. A start that spent everything left leases that nobody could
 * divide, and eight connections became one.
 * @param open the lease whose answer goes on to the end of the file
 * @param isBusy the connection is busy still, and the link not full
 */
export function boost(
  active: readonly ActiveLease[],
  { open, isBusy }: { open: number | null; isBusy: boolean },
  costs: Costs,
): Move | null {
  const isNew = costs.ownRate === null && !isBusy;
  const { splits, start: seams } = costs.seams;
  if (seams < 1 || splits <= (isNew ? 0 : BOOST_LANES)) return null;
  let longest: ActiveLease | null = null;
  for (const lease of active) {
    if (longest === null || lease.end - lease.position > longest.end - longest.position)
      longest = lease;
  }
  if (longest === null || longest.givenUp) return null;
  const left = longest.end - longest.position;
  const wanted = isNew ? firstBytes(active.length, costs) : furtherBytes(costs);
  const isLong = left >= LEFT * wanted;
  if (isLong ? isBusy : longest.lease !== open) return null;
  const bytes = isLong ? wanted : hurriedBytes(left, active.length, isNew, costs);
  if (bytes === null) return null;
  const start = alignDown(longest.end - alignUp(bytes));
  return { kind: 'cut', span: { start, end: longest.end }, lease: longest.lease };
}

const scaleOf = ({ roundTripMs }: Costs): number =>
  Math.min(MOST_SCALE, Math.max(LEAST_SCALE, roundTripMs / ROUND_TRIP_MS));

const firstBytes = (out: number, costs: Costs): number =>
  scaleOf(costs) * (BOOST_BYTES + (out - 1) * STEP_BYTES);

function furtherBytes(costs: Costs): number {
  const fetched = ((costs.ownRate ?? 0) * BOOST_ROUND_TRIPS * costs.roundTripMs) / 1000;
  return Math.max(scaleOf(costs) * WARM_BYTES, fetched);
}

/** How long one connection alone takes once its window is as large as it gets. */
const aloneMs = (bytes: number, { roundTripMs }: Costs): number =>
  (bytes / MOST_UNDER_WAY) * roundTripMs;

/**
 * Of a file that is over before the link is full: little at first, then what all can end together
 * with; null when it is not worth it. Only the first lease is cut so, whose connection ends with it.
 */
function hurriedBytes(left: number, out: number, isNew: boolean, costs: Costs): number | null {
  if (aloneMs(left, costs) < WORTH_HURRYING_MS) return null;
  if (isNew)
    return out < HURRIED_LANES && left >= HURRIED_LEFT * out * FIRST_BYTES ? FIRST_BYTES : null;
  const share = farShare(left, out);
  return share < FIRST_BYTES ? null : share;
}
