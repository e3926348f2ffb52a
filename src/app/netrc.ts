/** The netrc file that the user names. */
import { homedir } from 'node:os';
import path from 'node:path';
import { SluiceError } from '../errors.js';
import { MAX_NETRC_BYTES, parseNetrc } from '../formats/netrc.js';
import type { NetrcEntry } from '../formats/netrc.js';
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
 * The text of a file with credentials.
 * @throws SluiceError CREDENTIALS_FILE
 */
export function readCredentials(where: string, maxBytes: number): string {
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
