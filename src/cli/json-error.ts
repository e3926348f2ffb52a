/** An error that ends a command, for programs. */
import type { SluiceError } from '../errors.js';
import { safeJson } from './escape.js';
import { errorEvent } from './exit.js';
import { EVENTS_VERSION } from './json.js';
import { writeOut } from './output.js';

/**
 * Writes the error to standard output: as the event of `get` and `resume`, or as the object of `info`.
 * @returns why it could not be written
 */
export async function tellAsJson(
  error: SluiceError,
  form: 'event' | 'object',
): Promise<SluiceError | null> {
  const { url = '', path = '' } = error.details;
  const { type, ...rest } = errorEvent(error, { url, path });
  const told = form === 'object' ? { kind: type, ...rest } : { v: EVENTS_VERSION, type, ...rest };
  return writeOut(process.stdout, `${safeJson(told)}\n`);
}
