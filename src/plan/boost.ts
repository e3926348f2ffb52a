/**
 * Short leases for the start on a far link. Slow start makes the first second of a connection
 * useless; some beside it fill the link sooner. What they fetch lies at the end of the file, and is
 * little, so that the first one keeps its long answer. Pure arithmetic.
 */
import type { ActiveLease, Costs, Move } from './grant.js';

/** Connections that a far link is begun with. */
export const BOOST_LANES = 8;

/** Bytes of a lease: what slow start brings in some six round trips. */
const BOOST_BYTES = 512 * 1024;

/** A connection that is past its slow start gets as much as it fetches in so many round trips. */
const BOOST_ROUND_TRIPS = 4;

/** What is left to the lease that is cut, in leases of {@link BOOST_BYTES}. */
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
  const bytes = Math.ceil(Math.max(1, fetched / BOOST_BYTES)) * BOOST_BYTES;
  if (longest.end - longest.position < LEFT * bytes) return null;
  const start = Math.floor((longest.end - bytes) / BOOST_BYTES) * BOOST_BYTES;
  return { kind: 'cut', span: { start, end: longest.end }, lease: longest.lease };
}
