/** What a failed lease means for the download. Pure. */
import type { SluiceError } from '../errors.js';
import { LONGEST_RETRY_AFTER_MS } from '../plan/retry.js';

/**
 * `retry`: try again after a while. `objection`: the same, and the server may want fewer
 * connections. `renew`: the address may have expired, ask the original URL again. `fatal`: no
 * further try can help.
 */
export type FailureKind = 'retry' | 'objection' | 'renew' | 'fatal';

export interface FailureContext {
  /** The bytes come from where a redirect led. */
  redirected: boolean;
  /** The original URL was asked again and nothing has come since. */
  refreshed: boolean;
  /** Other leases that are out. */
  others: number;
}

/** Classifies the error of a lease. */
export function classify(error: SluiceError, { redirected, refreshed, others }: FailureContext): FailureKind {
  if ((error.details.retryAfterMs ?? 0) > LONGEST_RETRY_AFTER_MS) return 'fatal';
  switch (error.code) {
    case 'HTTP_REFUSED':
      if (redirected && !refreshed) return 'renew';
      return others > 0 ? 'objection' : 'fatal';
    case 'HTTP_SERVER_ERROR':
    case 'CONNECT_FAILED':
    case 'CONNECT_TIMEOUT':
    case 'CONNECTION_LOST':
    case 'FIRST_BYTE_TIMEOUT':
      return 'objection';
    case 'STALLED':
    case 'NAME_LOOKUP_FAILED':
    case 'TLS_HANDSHAKE':
    case 'HTTP_MALFORMED':
    case 'HTTP_RANGE_MISMATCH':
    case 'HTTP_RANGE_IGNORED':
    case 'HTTP_UNEXPECTED':
    case 'WORKER_LOST':
    case 'CHANGED':
      return 'retry';
    default:
      return 'fatal';
  }
}

/** Whether a first request that failed so is worth another try. */
export function isWorthAsking(error: SluiceError): boolean {
  if ((error.details.retryAfterMs ?? 0) > LONGEST_RETRY_AFTER_MS) return false;
  switch (error.code) {
    case 'HTTP_SERVER_ERROR':
    case 'CONNECT_FAILED':
    case 'CONNECT_TIMEOUT':
    case 'CONNECTION_LOST':
    case 'FIRST_BYTE_TIMEOUT':
    case 'STALLED':
    case 'NAME_LOOKUP_FAILED':
    case 'TLS_HANDSHAKE':
    case 'HTTP_MALFORMED':
    case 'HTTP_RANGE_MISMATCH':
    case 'HTTP_RANGE_IGNORED':
      return true;
    default:
      return false;
  }
}
