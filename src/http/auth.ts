/** The values of credentials; who gets them is in `src/transfer/credentials.ts` (P11). */
import { SluiceError } from '../errors.js';

const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * The value of Authorization for Basic (RFC 7617), in UTF-8.
 * @throws SluiceError USAGE for a colon in the user's name or a control character in either.
 */
export function basicCredentials(user: string, password: string): string {
  if (user.includes(':')) throw usage('a user name for Basic cannot have a colon');
  if (CONTROL.test(user) || CONTROL.test(password)) {
    throw usage('the user name or the password has a control character');
  }
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/**
 * The value of Authorization for a bearer token (RFC 6750).
 * @throws SluiceError USAGE when it is empty or is not visible ASCII throughout.
 */
export function bearerCredentials(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw usage('the bearer token is empty or has a forbidden character');
  }
  return `Bearer ${token}`;
}

function usage(message: string): SluiceError {
  return new SluiceError('USAGE', message);
}
