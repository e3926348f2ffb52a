/** The connections of an origin, which all files of a process share. */
import { recall } from '../engine/memory.js';
import type { Endpoint } from '../net/endpoint.js';
import type { Shares } from '../schedule/shares.js';
import type { Job } from './job.js';

/** @param roundTripMs of the first connection */
export function sharesOf(job: Job, endpoint: Endpoint, roundTripMs: number): Shares {
  const { options, session, log } = job;
  return session.engine.host(endpoint).shared(options.connections, roundTripMs, () => {
    const known = recall(endpoint, roundTripMs);
    if (known !== null) log.info({ ...known }, 'remembered of this origin');
    return known;
  });
}
