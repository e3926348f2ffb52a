/** File names from servers and URLs, made into one safe path component (P13). */
import { suggestedName } from './disposition.js';
import type { ResponseHead } from './head.js';
import { INVISIBLE, decodeUtf8 } from './syntax.js';

/** Bound of a name in bytes of UTF-8: with the suffixes of ours it stays below the usual 255. */
export const MAX_NAME_BYTES = 240;
/**
 * Characters of a suggestion that are looked at: the last ones, for a path's last component counts.
 * To bring a text into NFC takes a time that grows with the square of its combining marks.
 */
const MAX_SUGGESTION = 4096;
/** The name of a file when nothing better is known. */
export const FALLBACK_NAME = 'download';

/** Names that Windows keeps for devices, whatever follows their first dot. */
const RESERVED =
  /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;
/** The ending that is kept when a name is cut: `.iso`, `.tar.gz`. */
const EXTENSION = /(?:\.tar)?\.[^. ]{1,16}$/u;

/**
 * One path component that is safe on every system, or null when nothing is left of the suggestion:
 * the last component after `/` and `\`, in NFC, without controls, bidi and zero-width marks,
 * without dots, dashes and spaces in front and dots and spaces behind; characters and names that
 * Windows refuses are replaced; at most `maxBytes` bytes of UTF-8, the extension kept.
 */
export function safeName(suggested: string, opts: { maxBytes?: number } = {}): string | null {
  const maxBytes = opts.maxBytes ?? MAX_NAME_BYTES;
  // Normalised before anything is looked at, and again because taking marks out joins neighbours.
  const visible = suggested
    .slice(-MAX_SUGGESTION)
    .normalize('NFC')
    .replace(INVISIBLE, '')
    .normalize('NFC');
  const last = visible.split(/[/\\]/).findLast((component) => component !== '') ?? '';
  const name = trimEnds(last.replace(/\p{Zs}/gu, ' ').replace(/[<>:"|?*]/g, '_'));
  const fitted = fit(name, maxBytes);
  const safe = RESERVED.test(fitted) ? fit(`_${fitted}`, maxBytes) : fitted;
  return safe === '' ? null : safe;
}

/**
 * One component of a path that somebody lists, for a file below a directory of the user's: safe as a name of {@link safeName}
 * is, but it may begin with one dot (`.gitattributes`), as names in a tree do. Null when nothing of it can be used.
 */
export function safePart(part: string): string | null {
  if (!part.startsWith('.')) return safeName(part);
  const rest = safeName(part.slice(1), { maxBytes: MAX_NAME_BYTES - 1 });
  return rest === null ? null : `.${rest}`;
}

/** A safe name from the last segment of a URL's path; {@link FALLBACK_NAME} when it has none. */
export function nameFromUrl(url: URL): string {
  return ownNameOf(url) ?? FALLBACK_NAME;
}

function ownNameOf(url: URL): string | null {
  const segment = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  return safeName(percentDecode(segment));
}

/**
 * A safe name for what this answer holds: Content-Disposition where it helps, else the URL. A name whose
 * charset nobody tells is taken only where the URL has none. Of several fields the first one with a name
 * counts: it is a singleton field, so they cannot be read as a list.
 */
export function chooseName(head: ResponseHead | null, url: URL): string {
  const own = ownNameOf(url);
  for (const value of head?.fields.getAll('content-disposition') ?? []) {
    const suggested = suggestedName(value);
    if (suggested === null || (!suggested.isCertain && own !== null)) continue;
    const safe = safeName(suggested.name);
    if (safe !== null) return safe;
  }
  return own ?? FALLBACK_NAME;
}

function percentDecode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Index loops: a regular expression for the end of a text is quadratic in its white space. */
function trimEnds(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && '.- '.includes(text[start]!)) start++;
  while (end > start && '. '.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}

/** Cuts a name to its bound: before its extension, or anywhere when that leaves no stem. */
function fit(name: string, maxBytes: number): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const extension = EXTENSION.exec(name.slice(-40))?.[0] ?? '';
  const fitted = trimEnds(cut(name, Math.max(0, maxBytes - Buffer.byteLength(extension))));
  return fitted === '' ? trimEnds(cut(name, maxBytes)) : fitted + extension;
}

/** The longest start of a text that has at most `maxBytes` bytes and cuts no code point. */
function cut(text: string, maxBytes: number): string {
  let bytes = Buffer.from(text).subarray(0, maxBytes);
  let decoded = decodeUtf8(bytes);
  while (decoded === null) {
    bytes = bytes.subarray(0, -1);
    decoded = decodeUtf8(bytes);
  }
  return decoded;
}
