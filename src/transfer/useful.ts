/** How many connections a download may use. */
import type { Job } from './job.js';
import type { Offer } from '../open/offer.js';
import { maxConnections } from './most.js';

/** Files smaller than this, in bytes, never get a second connection. */
export const SMALL_FILE = 1024 * 1024;

/** The most connections that an offer can use. */
export function usefulConnections({ options, work, alone }: Job, offer: Offer): number {
  if (offer.kind === 'none' || alone) return 1;
  if (offer.kind === 'whole' && !offer.ranges) return 1;
  const missing = work?.ledger.missing.total() ?? 0;
  return missing <= SMALL_FILE ? 1 : maxConnections(options);
}
