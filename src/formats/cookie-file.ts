/**
 * A file of cookies in Netscape's format: seven fields between tabs, which are domain, whether hosts
 * below it get it too, path, whether over https only, expiry in seconds since 1970 (0: with the run), name
 * and value. `#HttpOnly_` in front of the domain is no comment, any other `#` is.
 */
import { SluiceError } from '../errors.js';

/** Bytes of a file. */
export const MAX_COOKIE_FILE_BYTES = 4 * 1024 * 1024;

/** A cookie as a file has it. */
export interface FileCookie {
  /** Lower case, without a dot in front. */
  domain: string;
  /** Only that host, none below it. */
  isHostOnly: boolean;
  path: string;
  isSecure: boolean;
  isHttpOnly: boolean;
  /** Milliseconds since 1970; null for as long as the run. */
  expiresMs: number | null;
  name: string;
  /** In latin1, one character a byte of UTF-8. */
  value: string;
}

const HTTP_ONLY = '#HttpOnly_';

/** The latest that Date can say, in milliseconds. */
const LAST_MS = 8.64e15;

/**
 * The cookies of a file, in its order.
 * @param where the file's path, for errors
 * @throws SluiceError CREDENTIALS_FILE, with the line and nothing of what stands there
 */
export function parseCookieFile(text: string, where: string): FileCookie[] {
  const cookies: FileCookie[] = [];
  for (const [at, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const isHttpOnly = line.startsWith(HTTP_ONLY);
    if (line.trim() === '' || (line.startsWith('#') && !isHttpOnly)) continue;
    const fields = (isHttpOnly ? line.slice(HTTP_ONLY.length) : line).split('\t');
    cookies.push({ ...ofFields(fields, where, at + 1), isHttpOnly });
  }
  return cookies;
}

function ofFields(fields: string[], where: string, line: number): Omit<FileCookie, 'isHttpOnly'> {
  // Without a value some programs leave its tab out too.
  const [domain = '', below = '', path = '', secure = '', expires = '', name = '', value = ''] =
    fields;
  if (fields.length !== 7 && fields.length !== 6)
    throw wrong(where, line, `there are not seven fields between tabs, but ${fields.length}`);
  const host = hostOf(domain);
  if (host === null) throw wrong(where, line, 'the domain is none');
  if (!/^\d{1,16}(?:\.\d{1,9})?$/.test(expires))
    throw wrong(where, line, 'the expiry is no number of seconds');
  const bytes = Buffer.from(`${name}=${value}`).toString('latin1');
  if (/[\x00-\x1f\x7f;]/.test(bytes) || name === '' || name.includes('='))
    throw wrong(where, line, 'the name or the value has a forbidden character');
  const seconds = Number(expires);
  return {
    domain: host,
    isHostOnly: !isTrue(below, where, line),
    path: path.startsWith('/') ? path : '/',
    isSecure: isTrue(secure, where, line),
    expiresMs: seconds === 0 ? null : Math.min(seconds * 1000, LAST_MS),
    name: Buffer.from(name).toString('latin1'),
    value: Buffer.from(value).toString('latin1'),
  };
}

/** As URLs have it; null for what is no host. */
function hostOf(text: string): string | null {
  const bare = text.replace(/^\./, '');
  const isHost = /^(?:\[[^[\]]*\]|[^:/?#@[\]\\]+)$/.test(bare) && bare.length <= 255;
  return isHost && URL.canParse(`http://${bare}/`) ? new URL(`http://${bare}/`).hostname : null;
}

function isTrue(text: string, where: string, line: number): boolean {
  const word = text.toUpperCase();
  if (word === 'TRUE' || word === 'FALSE') return word === 'TRUE';
  throw wrong(where, line, 'there is neither TRUE nor FALSE where one has to be');
}

function wrong(where: string, line: number, what: string): SluiceError {
  return new SluiceError('CREDENTIALS_FILE', `line ${line}: ${what}`, {
    path: where,
    next: "Export it in Netscape's format again; one cookie is sent with -H 'Cookie: NAME=VALUE'.",
  });
}
