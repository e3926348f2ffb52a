/** What may be shown: URLs without secrets (P12), texts without control characters (P14). */
import { INVISIBLE } from './syntax.js';

/** Stands where an address cannot be shown, because no one can tell which of its parts is secret. */
const NOT_SHOWN = '<URL not shown>';

/**
 * A URL for logs, events and errors: no userinfo, no fragment, `?<redacted>` for a query. Never
 * throws; what is not a URL with a host is not shown at all, for `user:secret@host` reads as one
 * with the scheme `user`.
 */
export function redactUrl(url: string | URL): string {
  try {
    const { protocol, host, pathname, search } = new URL(url);
    if (host === '') return NOT_SHOWN;
    const query = search === '' ? '' : '?<redacted>';
    return escapeControl(`${protocol}//${host}${pathname}${query}`);
  } catch {
    return NOT_SHOWN;
  }
}

/** A text of the user's with every word redacted that may be a URL: it may stand where none belongs. */
export function redactWords(text: string): string {
  return text.replace(/\S*(?::\/\/|@)\S*/g, (word) => redactUrl(word));
}

/**
 * A text as one harmless line: every control, line separator, bidi or zero-width mark and lone
 * surrogate becomes an escape such as `\x1b`, `\u202e` or `\u{e0001}`.
 */
export function escapeControl(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0)!;
    const hex = code.toString(16);
    if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
    return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
  });
}
