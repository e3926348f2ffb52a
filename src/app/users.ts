/** A user and a password as they are written together. */
import { SluiceError } from '../errors.js';

/**
 * Reads `USER:PASSWORD`.
 * @param from who said it, for the message
 * @throws SluiceError USAGE
 */
export function splitUser(text: string, from: string): { user: string; password: string } {
  const colon = text.indexOf(':');
  if (colon < 0)
    throw new SluiceError('USAGE', `${from} takes USER:PASSWORD`, {
      next: 'An empty password is written as USER:.',
    });
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
