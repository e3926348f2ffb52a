/** Whether kept bytes may be combined with what the server has now (P6, P7). Pure. */
import { shellCommand } from '../disk/shell.js';
import { SluiceError } from '../errors.js';
import { compareValidators, differInTagAlone } from '../http/validators.js';
import type { Validators } from '../http/validators.js';

/** What an earlier answer and the present one tell of a representation. */
export interface Comparison {
  known: { validators: Validators; total: number | null };
  seen: { validators: Validators; total: number | null };
  /** The kept bytes were combined without proof already: no validator says what they are. */
  mixed?: boolean;
  /** A digest of the whole file is known and will be checked before publishing. */
  digest: boolean;
  /** The user insists. */
  insist: boolean;
}

/** What is true of kept bytes; `trusted`: because a digest will tell, or the user insists. */
export type Verdict =
  { kind: 'same' } | { kind: 'trusted' } | { kind: 'changed'; how: string } | { kind: 'unproven' };

/** Compares what is known with what is seen; `docs/validators.md` has the table. */
export function judge({ known, seen, mixed = false, digest, insist }: Comparison): Verdict {
  if (known.total !== null && seen.total !== null && known.total !== seen.total) {
    return { kind: 'changed', how: `its length is now ${seen.total} bytes, it was ${known.total}` };
  }
  const compared = compareValidators(known.validators, seen.validators);
  const mayBeNodes = digest && known.total !== null && known.total === seen.total;
  if (mayBeNodes && differInTagAlone(known.validators, seen.validators)) return { kind: 'trusted' };
  if (compared === 'different')
    return { kind: 'changed', how: 'its validator (ETag or Last-Modified) is another one' };
  if (compared === 'same' && !mixed) return { kind: 'same' };
  return { kind: digest || insist ? 'trusted' : 'unproven' };
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
        ? 'Run `sluice get URL` to fetch the new one from the start.'
        : 'Try again later; to start over, run `sluice get URL --on-exists overwrite`.',
  });
}

/** A digest refused what is kept, and the server has been asked: it has nothing else (P27). */
export function stillRefusedError({ code, message, details }: SluiceError): SluiceError {
  const now = `${message}; the server still has the same file (its validator is the same)`;
  return new SluiceError(code, now, details);
}

/**
 * The refusal of `resume` when nothing proves that the kept bytes still belong (P7).
 * @param mixed they were combined without proof, by an earlier run
 */
export function unprovenError(path: string, url: string, mixed = false): SluiceError {
  const why = mixed
    ? 'an earlier run combined the kept bytes on trust'
    : 'the server gives no strong validator';
  return new SluiceError(
    'RESUME_UNPROVEN',
    `${why}, so nothing proves that the kept bytes belong to what it has now`,
    {
      path,
      url,
      next: `Give --checksum, or insist with ${shellCommand('sluice resume --insist', path)}; \`sluice get URL\` starts over.`,
    },
  );
}
