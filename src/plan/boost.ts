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

/** What is left to the lease that is cut, in leases as long as the new one. */
const LEFT = 2 * BOOST_LANES;

/**
 * A short lease off the end of the longest one, or null when that would be left with little, or a
 * seam is too dear (P5): a second one for a connection must leave enough for what comes after.
 */
export function boost(active: readonly ActiveLease[], costs: Costs): Move | null {
  if (costs.seams.splits <= (costs.ownRate === null ? 0 : BOOST_LANES)) return null;
  let longest: ActiveLease | null = null;
  for (const lease of active) {
    if (longest === null || lease.end - lease.position > longest.end - longest.position)
      longest = lease;
  }
  if (longest === null || longest.givenUp) return null;
  const fetched = ((costs.ownRate ?? 0) * BOOST_ROUND_TRIPS * costs.roundTripMs) / 1000;
  const scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, costs.roundTripMs / ROUND_TRIP_MS));
  const isNew = costs.ownRate === null;
  const least = scale * (isNew ? BOOST_BYTES + (active.length - 1) * STEP_BYTES : WARM_BYTES);
  const bytes = alignUp(Math.max(least, fetched));
  if (longest.end - longest.position < LEFT * bytes) return null;
  const start = alignDown(longest.end - bytes);
  return { kind: 'cut', span: { start, end: longest.end }, lease: longest.lease };
}
