/** Files with credentials that the user names: a netrc, cookies. */
import { homedir } from 'node:os';
import path from 'node:path';
import { SluiceError } from '../errors.js';
import { MAX_COOKIE_FILE_BYTES, parseCookieFile } from '../formats/cookie-file.js';
import { MAX_NETRC_BYTES, parseNetrc } from '../formats/netrc.js';
import type { NetrcEntry } from '../formats/netrc.js';
import { Cookies } from '../open/cookies.js';
import { readSmallText } from './files.js';

/**
 * The entries of a netrc file.
 * @param file its path; null for `.netrc` in the home directory
 * @throws SluiceError CREDENTIALS_FILE
 */
export function readNetrc(file: string | null): NetrcEntry[] {
  const where = file ?? path.join(homedir(), process.platform === 'win32' ? '_netrc' : '.netrc');
  return parseNetrc(readCredentials(where, MAX_NETRC_BYTES), where);
}

/**
 * The cookies of a file in Netscape's format, and room for those that servers set.
 * @throws SluiceError CREDENTIALS_FILE
 */
export function readCookies(where: string): Cookies {
  return new Cookies(parseCookieFile(readCredentials(where, MAX_COOKIE_FILE_BYTES), where));
}

function readCredentials(where: string, maxBytes: number): string {
  try {
    return readSmallText(where, maxBytes);
  } catch (error) {
    const why = SluiceError.from(error).message;
    throw new SluiceError('CREDENTIALS_FILE', `the file of credentials cannot be read: ${why}`, {
      path: where,
      next: 'Check the path and its permissions.',
    });
  }
}
