/** What an idle connection does, by the stage that the download is in. Pure arithmetic. */
import { boost } from './boost.js';
import { SEAM_FRIENDLY_BYTES, grantFromEnd, leaseLength, nextMove } from './grant.js';
import type { ActiveLease, Costs, Move, Span } from './moves.js';

/** What there is to choose from. */
export interface Books {
  /** Ranges that nobody was asked for, ascending and disjoint. */
  gaps: readonly Span[];
  /** Bytes in all gaps together. */
  missing: number;
  active: ActiveLease[];
}

/** How far the download has come. */
export interface Stage {
  /** Connections that may be in use. */
  lanes: number;
  /** A far link is being filled. */
  isBoosting: boolean;
  /** The first lease, whose answer goes on to the end of the file; null when it is to be shared or is over. */
  open: number | null;
  /** The connection is busy still: only what is sure to be left for it may be asked for. */
  isBusy: boolean;
}

/** The move for a connection, or null when there is nothing for it. */
export function chooseMove(books: Books, stage: Stage, costs: Costs): Move | null {
  const { gaps, active } = books;
  if (gaps.length === 0 && stage.isBoosting) return stage.isBusy ? null : boost(active, costs);
  const open = active.find(({ lease }) => lease === stage.open);
  if (gaps.length === 0 && open !== undefined) {
    const cut = grantFromEnd(open, stage.lanes, costs);
    if (cut !== null) return { kind: 'cut', ...cut };
  }
  if (gaps.length === 0 && stage.isBusy) return null;
  return nextMove(books, stage.lanes, costs);
}

/** What of a file is worth dividing from the start, in bytes. */
const WORTH_SHARING = 2 * SEAM_FRIENDLY_BYTES;

/** Shares end on these boundaries: whole pages, whole blocks. */
const ALIGN = 64 * 1024;

/**
 * Where the first lease ends, which asked for everything, when all are to have their share; null when
 * it stays as it is.
 * @param missing bytes in the gaps
 */
export function firstShare(
  { position, end }: Pick<ActiveLease, 'position' | 'end'>,
  missing: number,
  lanes: number,
  costs: Costs,
): number | null {
  const left = end - position + missing;
  if (left < WORTH_SHARING || costs.seams.splits < 1) return null;
  const cut = Math.ceil((position + leaseLength(left, lanes, costs)) / ALIGN) * ALIGN;
  return cut < end ? cut : null;
}
