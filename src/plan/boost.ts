/**
 * Short leases for the start on a far link. Slow start makes the first second of a connection
 * useless; some beside it fill the link sooner. What they fetch lies at the end of the file, and is
 * little, so that the first one keeps its long answer. Pure arithmetic.
 */
import type { ActiveLease, Costs, Move } from './grant.js';

/** Connections that a far link is begun with. */
export const BOOST_LANES = 16;

/**
 * Bytes of the first lease: what slow start brings in some four round trips. Each further one is longer
 * by {@link STEP_BYTES}: if all ended together, the first connection could not fill the gap at once.
 */
const BOOST_BYTES = 192 * 1024;
const STEP_BYTES = 64 * 1024;

/** The least that a connection gets once more. */
const WARM_BYTES = 512 * 1024;

/** A connection that is past its slow start gets as much as it fetches in so many round trips. */
const BOOST_ROUND_TRIPS = 4;

/** What is left to the lease that is cut, in leases as long as the new one. */
const LEFT = 2 * BOOST_LANES;

/**
 * A short lease off the end of the longest one, or null when that would be left with little, or a
 * seam is too dear (P5).
 */
export function boost(active: readonly ActiveLease[], costs: Costs): Move | null {
  if (costs.seams.splits < 1) return null;
  let longest: ActiveLease | null = null;
  for (const lease of active) {
    if (longest === null || lease.end - lease.position > longest.end - longest.position)
      longest = lease;
  }
  if (longest === null || longest.givenUp) return null;
  const fetched = ((costs.ownRate ?? 0) * BOOST_ROUND_TRIPS * costs.roundTripMs) / 1000;
  const least =
    costs.ownRate === null ? BOOST_BYTES + (active.length - 1) * STEP_BYTES : WARM_BYTES;
  const bytes = Math.ceil(Math.max(least, fetched) / STEP_BYTES) * STEP_BYTES;
  if (longest.end - longest.position < LEFT * bytes) return null;
  const start = Math.floor((longest.end - bytes) / STEP_BYTES) * STEP_BYTES;
  return { kind: 'cut', span: { start, end: longest.end }, lease: longest.lease };
}
