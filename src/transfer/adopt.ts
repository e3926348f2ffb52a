/** Whether kept bytes may be combined with what the server has now (P6, P7). Pure. */
import { SluiceError } from '../errors.js';
import { compareValidators } from '../http/validators.js';
import type { Validators } from '../http/validators.js';

/** What an earlier answer and the present one tell of a representation. */
export interface Comparison {
  known: { validators: Validators; total: number | null };
  seen: { validators: Validators; total: number | null };
  /** A digest of the whole file is known and will be checked before publishing. */
  digest: boolean;
  /** The user insists. */
  insist: boolean;
}

/** What is true of kept bytes. */
export type Verdict = { kind: 'same' } | { kind: 'changed'; how: string } | { kind: 'unproven' };

/** Compares what is known with what is seen; `docs/validators.md` has the table. */
export function judge({ known, seen, digest, insist }: Comparison): Verdict {
  if (known.total !== null && seen.total !== null && known.total !== seen.total) {
    return { kind: 'changed', how: `its length is now ${seen.total} bytes, it was ${known.total}` };
  }
  switch (compareValidators(known.validators, seen.validators)) {
    case 'same':
      return { kind: 'same' };
    case 'different':
      return { kind: 'changed', how: 'its validator (ETag or Last-Modified) is another one' };
    case 'unproven':
      return digest || insist ? { kind: 'same' } : { kind: 'unproven' };
  }
}

/**
 * The refusal to combine bytes of two representations. `replaced`: what the server answers may not
 * be the file at all, so only the user can say that it is to replace what is kept.
 */
export function changedError(
  how: string,
  path: string,
  url: string,
  kind: 'changed' | 'replaced' = 'changed',
): SluiceError {
  return new SluiceError('CHANGED', `the representation changed on the server: ${how}`, {
    path,
    url,
    next:
      kind === 'changed'
        ? 'Run `sluice get` with the URL to fetch the new one from the start.'
        : 'Try again later; to start over, run `sluice get` with --on-exists overwrite.',
  });
}

/** The refusal of `resume` when nothing proves that the kept bytes still belong (P7). */
export function unprovenError(path: string, url: string): SluiceError {
  return new SluiceError(
    'RESUME_UNPROVEN',
    'the server gives no strong validator, so nothing proves that the kept bytes belong to what it has now',
    {
      path,
      url,
      next: 'Give --checksum, or insist with `sluice resume --insist`; `sluice get` starts over.',
    },
  );
}
