/** The file name that a server suggests (RFC 6266). It is a wish: `names.ts` makes it safe. */
import { decodeUtf8, trimOws } from './syntax.js';

/** A name that a server suggests. */
export interface SuggestedName {
  /** It may hold anything at all, such as `../` or an escape sequence. */
  name: string;
  /** False when its bytes are in a charset that nothing names: it may be mojibake. */
  isCertain: boolean;
}

/**
 * The file name of a Content-Disposition value, as the server meant it; null when there is none.
 *
 * `filename*` (RFC 8187) wins over `filename` where it can be decoded. Tolerated, because servers
 * send it: no disposition type or no semicolon after it, names with spaces but no quotes, quotes that do not end, quotes
 * around the value of `filename*`, charsets besides UTF-8 by all names that browsers know, and in `filename`
 * raw UTF-8, percent-encoding, and encoded words of mail (RFC 2047). Browsers save the same.
 */
export function suggestedName(value: string): SuggestedName | null {
  let plain: string | null = null;
  let extended: string | null = null;
  for (const [name, text] of parameters(value)) {
    if (name === 'filename') plain ??= text;
    if (name === 'filename*') extended ??= decodeExtended(text);
  }
  if (extended) return { name: extended, isCertain: true };
  return plain ? decodePlain(plain) : null;
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

/** The value of `filename`: UTF-8 where it can be that, encoded words and percent-encoding decoded. */
function decodePlain(text: string): SuggestedName {
  const { decoded, isCertain } = decodeWords(text);
  if (!isCertain || decoded !== text) return { name: decoded, isCertain };
  const name = decodeUtf8(Buffer.from(text, 'latin1'));
  // Its charset is a secret of the server's: what browsers assume for such a page comes next.
  if (name === null)
    return {
      name: decodeCharset('iso-8859-1', Buffer.from(text, 'latin1')) ?? text,
      isCertain: false,
    };
  return { name: percentDecoded(name), isCertain };
}

/** An encoded word (RFC 2047 §2). A text of more of them is bounded by the head's. */
const ENCODED_WORD = /=\?([^?]{1,40})\?([BQ])\?([^?]*)\?=/gi;

/**
 * Decodes encoded words, wherever they stand. White space between two of them is no part of the text (§6.2).
 * Senders cut characters in two: the bytes of neighbours in one charset are decoded together.
 */
function decodeWords(text: string): { decoded: string; isCertain: boolean } {
  let decoded = '';
  let isCertain = true;
  let at = 0;
  let run: { charset: string; bytes: Buffer[]; from: number } | null = null;
  const endRun = (): void => {
    if (run === null) return;
    const word = decodeCharset(run.charset, Buffer.concat(run.bytes));
    isCertain &&= word !== null;
    decoded += word ?? text.slice(run.from, at);
    run = null;
  };
  for (const { 0: word, 1: name = '', 2: coding = '', 3: encoded = '', index } of text.matchAll(
    ENCODED_WORD,
  )) {
    // RFC 2231 §5 puts a language behind the charset.
    const charset = name.split('*', 1)[0]!.toLowerCase();
    const between = text.slice(at, index);
    const bytes = wordBytes(coding, encoded);
    const isNext: boolean = run !== null && trimOws(between) === '' && bytes !== null;
    if (!isNext || run!.charset !== charset) {
      endRun();
      if (!isNext) decoded += between;
      if (bytes !== null) run = { charset, bytes: [], from: index };
    }
    if (bytes !== null) run!.bytes.push(bytes);
    else {
      decoded += word;
      isCertain = false;
    }
    at = index + word.length;
  }
  endRun();
  return { decoded: decoded + text.slice(at), isCertain };
}

function wordBytes(coding: string, text: string): Buffer | null {
  if (coding.toUpperCase() === 'B') return Buffer.from(text, 'base64');
  return percentDecode(text.replace(/%/g, '=25').replace(/_/g, ' ').replace(/=/g, '%'));
}

/** Labels of charsets that the Encoding Standard has under others only. */
const CHARSETS: Record<string, string> = {
  utf_8: 'utf-8',
  'utf-8-sig': 'utf-8',
  cp1251: 'windows-1251',
  cp1252: 'windows-1252',
  cp932: 'shift_jis',
  'shift-jis': 'shift_jis',
};

/** What 0x80 to 0x9f are in windows-1252, as the Encoding Standard has it. */
const WINDOWS_1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

/**
 * Text in a charset, by every label of the Encoding Standard, which browsers know: ISO-8859-1 is
 * windows-1252 there. Null when the charset is unknown or the bytes are not in it.
 */
function decodeCharset(charset: string, bytes: Buffer): string | null {
  const label = trimOws(charset).toLowerCase();
  try {
    const decoder = new TextDecoder(CHARSETS[label] ?? label, { fatal: true, ignoreBOM: true });
    // Some versions of Node take it for the ISO-8859-1 of old, where these are controls.
    return decoder.encoding === 'windows-1252' ? decodeWindows1252(bytes) : decoder.decode(bytes);
  } catch {
    return null;
  }
}

function decodeWindows1252(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (control) => WINDOWS_1252[control.charCodeAt(0) - 0x80]!);
}

/** A name that was percent-encoded although nothing says so; as it is when it was not. */
function percentDecoded(name: string): string {
  // Browsers decode ASCII only: who sends raw UTF-8 means what it says.
  const isAscii = Buffer.byteLength(name) === name.length;
  const bytes = isAscii && name.includes('%') ? percentDecode(name) : null;
  return (bytes === null ? null : decodeUtf8(bytes)) ?? name;
}

/** The bytes of a percent-encoded text; null when a `%` is not followed by two digits. */
function percentDecode(text: string): Buffer | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null;
  return Buffer.from(
    text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  );
}
