/** What the tests of src/http share. */
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import type { ErrorCode } from '../../../src/errors.js';
import { Fields } from '../../../src/http/head.js';
import type { ResponseHead } from '../../../src/http/head.js';

/** A head with these fields. */
export function headOf(
  fields: Record<string, string | string[]>,
  status = 200,
  minorVersion: 0 | 1 = 1,
): ResponseHead {
  const entries = Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  return { status, minorVersion, reason: '', fields: new Fields(entries) };
}

/** Runs it, and returns the SluiceError that it throws, whose code must be `code`. */
export function refusal(run: () => unknown, code: ErrorCode): SluiceError {
  try {
    run();
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(SluiceError);
    const error = thrown as SluiceError;
    expect(error.code, error.message).to.equal(code);
    expect(error.message).to.not.equal('');
    return error;
  }
  throw new Error(`nothing was thrown, and ${code} was expected`);
}

/** Bytes of a latin1 text. */
export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
