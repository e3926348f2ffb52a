/**
 * What seams may cost (P5). Every byte that is asked for beside a lease is counted once it is asked
 * for, and never given back. Whatever is merely useful (dividing a gap, cutting a lease, replacing a
 * slow connection) is done only while the rest can still be fetched within the budget.
 */

/** How many bytes beside a lease are fetched as well and compared (P5). */
export const SEAM_BYTES = 4096;

/** Giving up a lease costs two: before what is left of it, and behind. */
export const RESCUE_SEAMS = 2;

/** All seams together are at most this part of the file (P5). */
const SHARE = 0.001;

/** The part of it for dividing gaps: the rest is for leases that turn out slow. */
const SPLIT_PART = 0.65;

/** The part of the budget for dividing gaps until each connection has a lease. */
const FIRST_PART = 0.8;

/** The part of what may be divided for the short leases of the start: the rest is for what comes after. */
const START_PART = 1 / 3;

/** A file below this gets what its connections need, in bytes: 0.1 % of it is next to nothing. */
const SMALL_BYTES = 64 * 1024 * 1024;

/** Seams that a small file may always have, for few connections and for each of many. */
const SMALL_SEAMS = 16;
const SMALL_LANE_SEAMS = 4;

/** How many more seams there may be. */
export interface SeamsLeft {
  /** For dividing gaps; whole. */
  splits: number;
  /** For the start on a far link; whole. */
  start: number;
  /** For anything; whole. */
  all: number;
}

/** The most bytes of seams in a file of `total` bytes over `lanes` connections. */
export function seamBudget(total: number, lanes: number): number {
  const share = total * SHARE;
  if (total >= SMALL_BYTES) return share;
  return Math.max(share, Math.max(SMALL_SEAMS, SMALL_LANE_SEAMS * lanes) * SEAM_BYTES);
}

/**
 * @param spent bytes of seams asked for so far
 * @param owed bytes of seams that what is missing needs at least
 */
export function seamsLeft(
  { total, spent, owed }: { total: number; spent: number; owed: number },
  lanes: number,
): SeamsLeft {
  const used = spent + owed;
  const budget = seamBudget(total, lanes);
  const first = Math.min((lanes - 1) * SEAM_BYTES, budget * FIRST_PART);
  const whole = (bytes: number): number => Math.max(0, Math.floor(bytes / SEAM_BYTES));
  const divided = Math.max(first, budget * SPLIT_PART);
  return {
    splits: whole(divided - used),
    start: whole(divided * START_PART - used),
    all: whole(budget - used),
  };
}
