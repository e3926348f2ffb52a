/** Small pieces of HTTP's grammar (RFC 9110 §5.6) that several modules share. */

/** A token (RFC 9110 §5.6.2): what field names, units and codings are made of. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Characters that may never be shown or stored as they are: controls, format characters (bidi
 * overrides, zero-width marks), line and paragraph separators, lone surrogates, and whatever else
 * Unicode says to draw as nothing.
 */
export const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** What a user can do about a server that breaks HTTP, where nothing better is known. */
export const BROKEN = 'The server breaks HTTP; try another source of the file.';

const isOws = (text: string, at: number): boolean => text[at] === ' ' || text[at] === '\t';

/**
 * Removes optional white space (SP and HTAB, RFC 9110 §5.6.3) from both ends. Linear, unlike a
 * regular expression; and unlike `trim` it leaves 0xA0, which is text in a field value.
 */
export function trimOws(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isOws(text, start)) start++;
  while (end > start && isOws(text, end - 1)) end--;
  return text.slice(start, end);
}

/** A part of a server's text short enough for a message; whoever prints it escapes it. */
export function excerpt(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}...`;
}

/** Digits as a number; null when it is no decimal number or above 2^53 - 1. */
export function parseDigits(text: string): number | null {
  if (!/^[0-9]+$/.test(text)) return null;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : null;
}

/** Decodes bytes as UTF-8; null when they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
