/** Makes text from outside harmless to a terminal (P14). */

/**
 * What a terminal may act on or show deceptively: C0, DEL and C1 controls, line and paragraph
 * separators, format characters (bidirectional marks, zero-width characters) and lone surrogates.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

function escapeOne(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  return point <= 0xff
    ? `\\x${point.toString(16).padStart(2, '0')}`
    : `\\u{${point.toString(16).padStart(4, '0')}}`;
}

/** The text with every control and deceptive format character written as `\xNN` or `\u{NNNN}`. */
export function escapeControl(text: string): string {
  return text.replace(UNSAFE, escapeOne);
}

/**
 * A value as one line of JSON in which no control character stands raw: `JSON.stringify` leaves
 * DEL, C1, U+2028 and the bidirectional marks as they are.
 */
export function safeJson(value: unknown): string {
  return escapeJsonLine(JSON.stringify(value));
}

/** The same for a line that is JSON already: outside its strings no such character can stand. */
export function escapeJsonLine(json: string): string {
  return json.replace(UNSAFE, (character) => {
    let escaped = '';
    for (let i = 0; i < character.length; i++) {
      escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}

/** The URL without userinfo, and with the values of its query replaced (P12). */
export function redactUrl(text: string): string {
  if (!URL.canParse(text)) return '[not a URL]';
  const url = new URL(text);
  url.username = '';
  url.password = '';
  url.hash = '';
  if (url.search !== '') url.search = '?...';
  return url.href;
}
