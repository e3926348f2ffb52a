/** Retry-After (RFC 9110 §10.2.3). */
import { parseHttpDate } from './date.js';
import { trimOws } from './syntax.js';

/** Longest wait that a server may ask for, in milliseconds. */
export const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * How long the server asks to wait, in milliseconds from `nowMs`: 0 for a date in the past, at most
 * {@link MAX_RETRY_AFTER_MS}. Null when there is nothing that can be understood. Where the field
 * comes twice, from a server and from a cache in front of it, the longer wait is right for both.
 * @param values the value of each line of the field
 */
export function parseRetryAfter(values: readonly string[], nowMs: number): number | null {
  const waits = values.flatMap(alternatives).map((value) => waitOf(value, nowMs));
  const known = waits.filter((wait) => wait !== null);
  return known.length === 0 ? null : Math.min(Math.max(0, ...known), MAX_RETRY_AFTER_MS);
}

/** Two lines that somebody joined to one. A date has a comma of its own. */
function alternatives(value: string): string[] {
  return /^[0-9]+(?:[ \t]*,[ \t]*[0-9]+)+$/.test(value) ? value.split(',').map(trimOws) : [value];
}

function waitOf(value: string, nowMs: number): number | null {
  if (/^[0-9]+$/.test(value)) return Number(value) * 1000;
  const date = parseHttpDate(value, nowMs);
  return date === null ? null : date - nowMs;
}
