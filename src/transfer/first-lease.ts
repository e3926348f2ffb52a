/** The lease on the body of an answer that is open already. */
import type { Dispatcher } from '../engine/dispatcher.js';
import { EARLY_BYTES } from '../http/part.js';
import { SEAM_BYTES } from '../../workers/protocol.js';
import type { Asked } from './ask.js';
import type { Job } from './job.js';
import type { Offer } from './offer.js';

/** What of the ledger's gaps the answer brings; null, and the connection closed, when it is of no use. */
export function firstLeaseOf(
  job: Job,
  offer: Offer,
  asked: Asked,
): Parameters<Dispatcher['run']>[0] {
  const ledger = job.work?.ledger;
  if (offer.kind === 'none' || ledger === undefined) return null;
  const bodyStart = offer.kind === 'range' ? offer.start : 0;
  const bodyEnd = offer.kind === 'range' ? offer.end : ledger.total;
  const gap = ledger.gaps().find(({ start }) => start >= bodyStart);
  const isUseless =
    gap === undefined || gap.start >= bodyEnd || gap.start - bodyStart > SEAM_BYTES + EARLY_BYTES;
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
