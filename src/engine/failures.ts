/** What a failed lease means for the download. Pure. */
import { SluiceError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { LONGEST_RETRY_AFTER_MS } from '../engine/backoff.js';

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
  /** The server has sent bytes of the file: what it refuses now may be one machine's, or pass. */
  served: boolean;
}

/** What may be over a moment later, and may also be a server that wants fewer connections. */
const OBJECTIONS: ReadonlySet<ErrorCode> = new Set([
  'HTTP_SERVER_ERROR',
  'CONNECT_FAILED',
  'CONNECT_TIMEOUT',
  'CONNECTION_LOST',
  'FIRST_BYTE_TIMEOUT',
  'PROXY_FAILED',
]);

/** What may be over a moment later. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'STALLED',
  'LOW_SPEED',
  'NAME_LOOKUP_FAILED',
  'TLS_HANDSHAKE',
  'HTTP_MALFORMED',
  'HTTP_RANGE_MISMATCH',
  'HTTP_RANGE_IGNORED',
  'HTTP_PAGE',
]);

/** What only a lease may meet without meaning the end. */
const PASSING_FOR_LEASE: ReadonlySet<ErrorCode> = new Set([
  'HTTP_UNEXPECTED',
  'WORKER_LOST',
  'CHANGED',
]);

/** What no further try can change about a handshake; in the middle of a body it may be an accident. */
const NO_COMMON_TLS =
  /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_VERSION_NUMBER|HANDSHAKE_FAILURE|NO_SHARED_CIPHER/;

/** Whether the server asks to wait longer than anybody would. */
export const asksTooMuch = ({ details }: SluiceError): boolean =>
  (details.retryAfterMs ?? 0) > LONGEST_RETRY_AFTER_MS;

/** Classifies the error of a lease. */
export function classify(error: SluiceError, context: FailureContext): FailureKind {
  // While others are served it is this connection that was one too many: it is done.
  if (asksTooMuch(error)) return context.others > 0 ? 'objection' : 'fatal';
  if (error.code === 'HTTP_REFUSED') {
    // What the server gave to log in with may have expired as well.
    const isLoggedOut = error.details.httpStatus === 401 && context.served;
    if ((context.redirected || isLoggedOut) && !context.refreshed) return 'renew';
    return refused(context);
  }
  // A proxy's nonce has expired.
  const isForgotten = error.code === 'PROXY_AUTH' && context.served && !context.refreshed;
  if (isForgotten && error.details.httpStatus === 407) return 'renew';
  // It let others through: this connection was one too many, or the rules of one proxy of several.
  if (error.code === 'PROXY_REFUSED' || error.code === 'PROXY_AUTH') return refused(context);
  if (OBJECTIONS.has(error.code)) return 'objection';
  // One machine behind the name has another certificate: nothing was asked of it, others may go on.
  if (error.code === 'TLS_CERTIFICATE') return context.others > 0 ? 'objection' : 'fatal';
  return PASSING.has(error.code) || PASSING_FOR_LEASE.has(error.code) ? 'retry' : 'fatal';
}

function refused({ others, served }: FailureContext): FailureKind {
  if (others > 0) return 'objection';
  return served ? 'retry' : 'fatal';
}

/** A lease met a redirect where the bytes were before. */
export function redirectedNow(status: number): SluiceError {
  return new SluiceError('HTTP_UNEXPECTED', `the server redirects now (${status})`, {
    httpStatus: status,
    next: 'Run the same command again: it asks where the file is now.',
  });
}

/** A range so much shorter than asked that nothing is gained by it. */
export function tooShort(): SluiceError {
  return new SluiceError(
    'HTTP_RANGE_MISMATCH',
    'the server sends hardly any of what is asked for',
    {
      next: 'Try --connections 1, or another source of the file.',
    },
  );
}

/** Exit statuses of what a server, or the way to it, did; another source may do better. */
const OF_SOURCE: ReadonlySet<number> = new Set([3, 4, 5, 6, 7, 8, 13]);

/** What has such a status for another reason. */
const OF_US: ReadonlySet<ErrorCode> = new Set(['MAX_TIME', 'TLS_FILES']);

/**
 * Whether another source of the same file may do better. A digest that differs is not among these:
 * it proves that bytes are wrong, not which server is.
 */
export function isOfSource({ code, exitStatus }: SluiceError): boolean {
  return code === 'SIZE_MISMATCH' || (OF_SOURCE.has(exitStatus) && !OF_US.has(code));
}

/** Statuses with which servers refuse one request too many (RFC 6585 section 4, RFC 9110 section 15.6.4). */
const TOO_MANY: ReadonlySet<number> = new Set([429, 503]);

/** What a server does that has no room for one connection more. */
const NO_ROOM: ReadonlySet<ErrorCode> = new Set(['CONNECT_FAILED', 'CONNECTION_LOST']);

/** Whether a request that failed so, while others were served, may have been one too many. */
export function isOfNumber({ code, details }: SluiceError): boolean {
  return NO_ROOM.has(code) || TOO_MANY.has(details.httpStatus ?? 0);
}

/** Whether a first request that failed so is worth another try. */
export function isWorthAsking(error: SluiceError): boolean {
  if (error.code === 'TLS_HANDSHAKE' && NO_COMMON_TLS.test(error.details.errno ?? '')) return false;
  return !asksTooMuch(error) && (OBJECTIONS.has(error.code) || PASSING.has(error.code));
}
