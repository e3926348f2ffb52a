/** What an idle connection does, by the stage that the download is in. Pure arithmetic. */
import { alignUp } from './align.js';
import { boost } from './boost.js';
import { SEAM_FRIENDLY_BYTES, grantFromEnd, leaseLength, nextMove } from './grant.js';
import type { ActiveLease, Books, Costs, Move } from './moves.js';

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
  if (gaps.length > 0) return nextMove(books, stage.lanes, costs);
  if (stage.isBoosting) return boost(active, stage, costs);
  const open = active.find(({ lease }) => lease === stage.open);
  const cut = open === undefined ? null : grantFromEnd(open, stage.lanes, active.length, costs);
  if (cut !== null) return { kind: 'cut', ...cut };
  return stage.isBusy ? null : nextMove(books, stage.lanes, costs);
}

/** What of a file is worth dividing from the start, in bytes. */
const WORTH_SHARING = 2 * SEAM_FRIENDLY_BYTES;

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
  const cut = alignUp(position + leaseLength(left, lanes, costs));
  return cut < end ? cut : null;
}
