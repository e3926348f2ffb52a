/** The file name that a server suggests (RFC 6266). It is a wish: `names.ts` makes it safe. */
import { decodeUtf8, trimOws } from './syntax.js';

/**
 * The file name of a Content-Disposition value, as the server meant it; null when there is none.
 *
 * `filename*` (RFC 8187) wins over `filename` where it can be decoded. Tolerated, because servers
 * send it: no disposition type or no semicolon after it, names with spaces but no quotes, quotes that do not end, quotes
 * around the value of `filename*`, raw UTF-8, and encoded words of mail (RFC 2047).
 *
 * The name may hold anything at all, such as `../` or an escape sequence.
 */
export function filenameFromDisposition(value: string): string | null {
  let plain: string | null = null;
  let extended: string | null = null;
  for (const [name, text] of parameters(value)) {
    if (name === 'filename') plain ??= decodePlain(text);
    if (name === 'filename*') extended ??= decodeExtended(text);
  }
  return extended || plain || null;
}

/** The parameters in order, names lower-case, quotes and their escapes resolved. Linear. */
function parameters(value: string): Array<[name: string, text: string]> {
  const found: Array<[string, string]> = [];
  let at = 0;
  while (at < value.length) {
    const equals = value.indexOf('=', at);
    if (equals === -1) break;
    const { text, end } = parameterValue(value, equals + 1);
    found.push([lastWord(value.slice(at, equals)), text]);
    at = end;
  }
  return found;
}

/** What follows the last separator: `attachment filename=x` and `attachment, filename=x` occur. */
function lastWord(text: string): string {
  const trimmed = trimOws(text);
  const before = Math.max(...[' ', '\t', ',', ';'].map((mark) => trimmed.lastIndexOf(mark)));
  return trimmed.slice(before + 1).toLowerCase();
}

/** The value that starts at `from`, and where the next parameter starts. */
function parameterValue(value: string, from: number): { text: string; end: number } {
  let at = from;
  while (value[at] === ' ' || value[at] === '\t') at++;
  if (value[at] !== '"') {
    const end = endOfParameter(value, at);
    return { text: trimOws(value.slice(at, end)), end: end + 1 };
  }
  let text = '';
  for (at++; at < value.length && value[at] !== '"'; at++) {
    if (value[at] === '\\' && at + 1 < value.length) at++;
    text += value[at]!;
  }
  return { text, end: endOfParameter(value, at) + 1 };
}

function endOfParameter(value: string, from: number): number {
  const semicolon = value.indexOf(';', from);
  return semicolon === -1 ? value.length : semicolon;
}

/** `charset'language'percent-encoded` (RFC 8187 §3.2); null when it cannot be decoded. */
function decodeExtended(text: string): string | null {
  const match = /^([^']*)'[^']*'(.*)$/s.exec(text);
  if (match === null) return null;
  const bytes = percentDecode(match[2]!);
  return bytes === null ? null : decodeCharset(match[1]!, bytes);
}

/** Latin1 is what the grammar says; bytes that are UTF-8 are meant as UTF-8. */
function decodePlain(text: string): string {
  const word = /^=\?([^?]+)\?([BQ])\?([^?]*)\?=$/i.exec(text);
  if (word !== null) {
    const decoded = decodeWord(word[1]!, word[2]!, word[3]!);
    if (decoded !== null) return decoded;
  }
  return decodeUtf8(Buffer.from(text, 'latin1')) ?? text;
}

function decodeWord(charset: string, coding: string, text: string): string | null {
  if (coding.toUpperCase() === 'B') return decodeCharset(charset, Buffer.from(text, 'base64'));
  const bytes = percentDecode(text.replace(/%/g, '=25').replace(/_/g, ' ').replace(/=/g, '%'));
  return bytes === null ? null : decodeCharset(charset, bytes);
}

function decodeCharset(charset: string, bytes: Buffer): string | null {
  const name = charset.toLowerCase();
  if (name === 'utf-8') return decodeUtf8(bytes);
  return name === 'iso-8859-1' ? bytes.toString('latin1') : null;
}

/** The bytes of a percent-encoded text; null when a `%` is not followed by two digits. */
function percentDecode(text: string): Buffer | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null;
  return Buffer.from(
    text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  );
}
