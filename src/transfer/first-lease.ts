/** The lease on the body of an answer that is open already. */
import type { Dispatcher } from '../engine/dispatcher.js';
import { EARLY_BYTES } from '../http/part.js';
import { WHOLE } from '../http/part-of-file.js';
import type { Span } from '../schedule/types.js';
import { SEAM_BYTES, UNKNOWN_END } from '../lease/task.js';
import type { Asked } from '../open/ask.js';
import type { Job } from './job.js';
import type { Offer } from '../open/offer.js';

/** What of the ledger's gaps the answer brings; null, and the connection closed, when it is of no use. */
export function firstLeaseOf(
  job: Job,
  offer: Offer,
  asked: Asked,
): Parameters<Dispatcher['run']>[0] {
  const ledger = job.work?.ledger;
  if (offer.kind === 'none' || ledger === undefined) return null;
  const { start: bodyStart, end: bodyEnd } = bodyOf(job, offer, ledger.total);
  const gap = ledger.gaps().find(({ start }) => start >= bodyStart);
  // What lies before the file comes in any case.
  const passedOver = (gap?.start ?? 0) - Math.max(0, bodyStart);
  const isUseless =
    gap === undefined || gap.start >= bodyEnd || passedOver > SEAM_BYTES + EARLY_BYTES;
  if (isUseless) {
    asked.connection.destroy();
    return null;
  }
  const span = { start: gap.start, end: Math.min(gap.end, bodyEnd) };
  const { connection, answer } = asked;
  return {
    span,
    start: (task) => job.local.receive(task, { connection, answer, bodyStart, bodyEnd }),
  };
}

/** Where the body lies: before the file's first byte, too, when that is a part of what is sent. */
function bodyOf({ cut, whole }: Job, offer: Offer, total: number): Span {
  if (offer.kind === 'range') return offer;
  if (cut === null || cut === WHOLE) return { start: 0, end: total };
  return { start: -cut.start, end: (whole ?? UNKNOWN_END) - cut.start };
}
