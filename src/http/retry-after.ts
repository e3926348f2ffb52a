/** Retry-After (RFC 9110 §10.2.3). */
import { parseHttpDate } from './date.js';

/** Longest wait that a server may ask for, in milliseconds. */
export const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * How long the server asks to wait, in milliseconds from `nowMs`: 0 for a date in the past, at most
 * {@link MAX_RETRY_AFTER_MS}. Null when there is nothing that can be understood.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | null {
  if (value === undefined) return null;
  const wait = /^[0-9]+$/.test(value) ? Number(value) * 1000 : untilDate(value, nowMs);
  return wait === null ? null : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER_MS);
}

function untilDate(value: string, nowMs: number): number | null {
  const date = parseHttpDate(value, nowMs);
  return date === null ? null : date - nowMs;
}
