/** URLs as users write them. */
import { SluiceError } from '../errors.js';
import { redactUrl, showText } from './redact.js';
import { excerpt } from './syntax.js';

/** Longest URL in ASCII, in characters: as long as a whole head may be. */
export const MAX_URL_CHARS = 64 * 1024;

/**
 * Longest URL with other characters. A host name is brought into a normal form in a time that grows with
 * the square of its length (combining marks are sorted), by whichever parser: so it is bounded before.
 */
export const MAX_WIDE_URL_CHARS = 16 * 1024;

/** How many characters a URL may have, of the kind that this one has. */
export function mostCharacters(url: string): number {
  return /[\u0080-\uffff]/.test(url) ? MAX_WIDE_URL_CHARS : MAX_URL_CHARS;
}

/** Longest address that a message suggests. */
const MAX_GUESS = 200;

/** Schemes of references to files (docs/sources.md), which become URLs over http before anything is asked. */
const OF_FILES = ['hf', 's3', 'gs', 'az'] as const;

/** The scheme of a reference to files, in lower case; null for anything else. */
export function referenceScheme(text: string): (typeof OF_FILES)[number] | null {
  const scheme = /^\s*([a-z0-9]+):\/\//i.exec(text)?.[1]?.toLowerCase();
  return OF_FILES.find((each) => each === scheme) ?? null;
}

export interface UserUrl {
  /** Without userinfo and without fragment. */
  url: URL;
  /** The userinfo of the URL, percent-decoded; null when it has none. */
  userinfo: { user: string; password: string } | null;
}

/**
 * Reads a URL from the command line or a list.
 * @throws SluiceError URL_INVALID, with what to write instead; it never shows userinfo or query.
 */
export function parseUserUrl(text: string): UserUrl {
  try {
    return readUserUrl(text);
  } catch (thrown) {
    const url = typed(text);
    throw url === null ? thrown : SluiceError.from(thrown).with({ url });
  }
}

/**
 * What was typed, where it cannot hold a secret: without userinfo, query and fragment, and without a
 * colon that may stand before a password. Null otherwise.
 */
function typed(text: string): string | null {
  const [, bare = null] =
    /^\s*((?:[a-z][a-z0-9+.-]*:\/\/[^@?#\s]*|[^@?#:\s]+(?::\d{1,5}(?:\/[^@?#:\s]*)?)?))\s*$/i.exec(
      text.slice(0, MAX_GUESS),
    ) ?? [];
  return bare === null || text.length > MAX_GUESS ? null : showText(bare);
}

function readUserUrl(text: string): UserUrl {
  const trimmed = text.trim();
  checkText(trimmed);
  checkScheme(trimmed);
  let url: URL;
  try {
    url = new URL(trimmed);
  } catch {
    throw (
      withZone(trimmed) ?? invalid('this is not a valid URL', 'Check its host name and its port.')
    );
  }
  // Each character that is not ASCII has become several.
  if (url.href.length > MAX_URL_CHARS) throw tooLong(MAX_URL_CHARS);
  const { username, password } = url;
  const userinfo =
    username === '' && password === ''
      ? null
      : { user: percentDecode(username), password: percentDecode(password) };
  url.username = '';
  url.password = '';
  url.hash = '';
  return { url, userinfo };
}

/** The URL parser would drop line breaks and turn a backslash into a slash, both silently. */
function checkText(text: string): void {
  if (text === '') throw invalid('the URL is empty', 'Give one such as https://example.com/file.');
  if (text.length > mostCharacters(text)) throw tooLong(mostCharacters(text));
  if (/[\x00-\x1f\x7f]/.test(text)) {
    throw invalid('the URL has a control character', 'Write it on one line.');
  }
  const [beforeQuery = ''] = text.split(/[?#]/, 1);
  if (beforeQuery.includes('\\')) {
    throw invalid('the URL has a backslash', 'Write / between its parts, or %5C for a backslash.');
  }
}

function checkScheme(text: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  const known = scheme === 'http' || scheme === 'https';
  // Where the URL parser finds no host it takes the first part of the path for one.
  if (known && !/^https?:\/\/[/?#]/i.test(text)) return;
  if (referenceScheme(text) !== null)
    throw invalid(
      `a reference such as ${scheme}:// cannot stand here`,
      'Write an http or https URL; `get`, `info` and `resume --url` take such references.',
    );
  if (scheme !== undefined && !known)
    throw invalid(
      `the scheme ${excerpt(scheme)} is not supported`,
      `Write a URL with one of http, https, ${OF_FILES.join(', ')}.`,
    );
  if (/^https?:/i.test(text)) {
    throw invalid('the URL has no host', 'Write it as https://host/path.');
  }
  if (/^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$/i.test(text))
    throw invalid('this is a checksum, not a URL', `Write \`--checksum ${text}\` beside the URL.`);
  if (/^[^\s:@?#]{1,200}\.(?:meta4|metalink)$/i.test(text))
    throw invalid(
      'this is a Metalink, not a URL',
      `Write \`sluice get --metalink ${quoted(text)}\`.`,
    );
  // What begins with a dash is a flag that stands too late.
  const guess = text.startsWith('-') ? '' : redactUrl(`https://${text}`);
  throw invalid(
    'the URL has no scheme',
    guess.startsWith('https:') && guess.length <= MAX_GUESS
      ? `Did you mean ${guess}?`
      : 'Write it with https:// in front.',
  );
}

/**
 * What to do about a link-local address with its zone: a URL has no place for zones (RFC 9844), the
 * address that is dialled has. Null when there is none in the URL.
 */
function withZone(text: string): SluiceError | null {
  const host =
    /^(https?):\/\/(?:[^/?#@]{0,512}@)?\[([0-9a-f:.]{1,45})%(?:25)?([\w.-]{1,64})\](?::(\d{1,5}))?(?:[/?#]|$)/i;
  const [, scheme = '', address = '', zone = '', given] = host.exec(text) ?? [];
  if (address === '') return null;
  const port = given ?? (scheme.toLowerCase() === 'https' ? '443' : '80');
  return invalid(
    'the URL names the zone of an address, which no URL can',
    `Leave %${zone} out of it and give --resolve '[${address}]:${port}:[${address}%${zone}]'.`,
  );
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function tooLong(most: number): SluiceError {
  return invalid(`the URL is longer than ${most} characters`, 'Give a shorter one.');
}

function invalid(message: string, next: string): SluiceError {
  return new SluiceError('URL_INVALID', message, { next });
}

/** A word as a shell takes it: in quotes where it has more than plain characters. */
function quoted(word: string): string {
  return /^[\w./+,%=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
