/** Values as JSON that is harmless for a terminal (P14). */
import { escapeJsonLine } from '../http/redact.js';

/** A value as one line of JSON: `JSON.stringify` leaves DEL, C1, U+2028 and bidi marks as they are. */
export function safeJson(value: unknown): string {
  return escapeJsonLine(JSON.stringify(value));
}
