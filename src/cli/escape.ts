/** Text from outside, made harmless for a terminal (P14): plain, and as JSON. */
import { INVISIBLE } from '../http/syntax.js';

/** A value as one line of JSON: `JSON.stringify` leaves DEL, C1, U+2028 and bidi marks as they are. */
export function safeJson(value: unknown): string {
  return escapeJsonLine(JSON.stringify(value));
}

/** The same for a line that is JSON already: outside its strings no such character can stand. */
export function escapeJsonLine(json: string): string {
  return json.replace(INVISIBLE, (character) => {
    let escaped = '';
    for (let i = 0; i < character.length; i++) {
      escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}
