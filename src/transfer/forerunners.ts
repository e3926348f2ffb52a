/**
 * Connections that are opened while the first answer travels. Where a round trip is long, each that
 * the others begin earlier is gained; but a server that then redirects, or has only a small file, is
 * troubled for nothing. So they are few, unless a large file came from there before.
 */
import type { Connections } from '../../workers/connections.js';
import { slabBytes } from '../net/connection.js';
import type { Endpoint } from '../net/endpoint.js';
import { BOOST_LANES } from '../plan/boost.js';
import { FAR_MS } from '../plan/ramp.js';
import { recall } from './memory.js';
import type { DownloadOptions } from './options.js';

/** As many as the user's number lets expect, of a server of which nothing is known. */
const FEW = 3;

/**
 * Opens them.
 * @param roundTripMs no more than what the first connection waited for: this thread is at work while it is opened
 */
export function sendAhead(
  connections: Connections,
  options: DownloadOptions,
  endpoint: Endpoint,
  roundTripMs: number,
): void {
  // Of several addresses the first one should not get them all; threads of a pool open their own.
  if (roundTripMs < FAR_MS || endpoint.addresses.length > 1 || options.threads !== null) return;
  const isAuto = options.connections === 'auto';
  const wanted = isAuto ? BOOST_LANES : (options.connections as number);
  const isKnown = recall(endpoint, roundTripMs) !== null;
  const few = isAuto ? 0 : FEW;
  const count = Math.min(wanted, BOOST_LANES) - 1;
  for (let i = isKnown ? count : Math.min(few, count); i > 0; i--)
    connections.prepare(endpoint, options.deadlines.connectMs, slabBytes(wanted));
}
