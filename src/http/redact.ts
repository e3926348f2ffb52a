/** What may be shown: URLs without secrets (P12), texts without control characters (P14). */
import { shortened } from '../errors.js';
import { INVISIBLE } from './syntax.js';

/** Most characters of a text that is shown, before its escapes. */
const MAX_SHOWN = 1000;
/** A URL is long where it is signed; what distinguishes it stands at its ends. */
const MAX_SHOWN_URL = 2000;

/** Stands where an address cannot be shown, because no one can tell which of its parts is secret. */
const NOT_SHOWN = '<URL not shown>';

/**
 * A URL for logs, events and errors: no userinfo, no fragment, `?<redacted>` for a query, not longer than
 * a person can read. Never throws; what is not a URL with a host is not shown at all, for `user:secret@host` reads as one
 * with the scheme `user`.
 */
export function redactUrl(url: string | URL): string {
  try {
    const { protocol, host, pathname, search } = new URL(url);
    if (host === '') return NOT_SHOWN;
    const query = search === '' ? '' : '?<redacted>';
    return showText(`${protocol}//${host}${pathname}${query}`, MAX_SHOWN_URL);
  } catch {
    return NOT_SHOWN;
  }
}

/** `user:secret@host` is a URL that lacks its scheme; what is said of it leaves the secret out. */
export function hasUserinfo(text: string): boolean {
  const [authority = ''] = text.split('/', 1);
  const colon = authority.indexOf(':');
  return colon >= 0 && authority.includes('@', colon);
}

/** A text of the user's with every word redacted that may be a URL: it may stand where none belongs. */
export function redactWords(text: string): string {
  return text.replace(/\S+/g, (word) => (/:\/\/|@/.test(word) ? redactUrl(word) : word));
}

/**
 * A text from anywhere as it may be shown: harmless for a terminal (P14), and an excerpt where it is
 * long. Whatever is written for a person goes through here.
 * @param most characters, before escapes
 */
export function showText(text: string, most = MAX_SHOWN): string {
  return escapeControl(shortened(text, most));
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

/** The same for a line of JSON: outside its strings no such character can stand. */
export function escapeJsonLine(json: string): string {
  return json.replace(INVISIBLE, (character) => {
    let escaped = '';
    for (let i = 0; i < character.length; i++) {
      escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}
