/** Retry arithmetic. Pure: the caller brings the clock and the dice. */

/** First delay, doubled with each failure in a row. */
const BASE_MS = 400;

/** The longest delay that is our own choice. */
const CAP_MS = 30_000;

/** A server that asks to wait longer than this is taken to refuse. */
export const LONGEST_RETRY_AFTER_MS = 5 * 60_000;

/**
 * How long to wait before the next try, in milliseconds.
 * @param attempt failures in a row so far, from 1
 * @param retryAfterMs what the server asked for (RFC 9110 section 10.2.3), or null
 * @param random in [0, 1): half of the delay is jitter, so that many lanes do not come back at once
 */
export function backoffMs(attempt: number, retryAfterMs: number | null, random: number): number {
  const exponential = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt - 1, 16));
  const jittered = exponential / 2 + (exponential / 2) * random;
  if (retryAfterMs === null) return Math.round(jittered);
  return Math.round(Math.max(jittered, retryAfterMs + BASE_MS * random));
}

/** Whether a status of the answer is worth asking again for (RFC 9110 section 15, RFC 6585). */
export function isTransientStatus(status: number): boolean {
  return [408, 425, 429, 500, 502, 503, 504].includes(status);
}
