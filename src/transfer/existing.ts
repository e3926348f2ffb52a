/** What is done about a file that is at the target already. */
import { SluiceError } from '../errors.js';
import { bootId } from '../disk/boot.js';
import { findReceipt, hashUrl } from '../disk/receipts.js';
import type { Receipt } from '../disk/receipts.js';
import { inspectTarget } from '../disk/target.js';
import { changedSince, compareValidators, keptValidators } from '../http/validators.js';
import { parseUserUrl } from '../http/url.js';
import type { Validators } from '../http/validators.js';
import type { DownloadOptions } from './options.js';
import { sourceIdOf } from './source-id.js';
import type { Verification } from './verification.js';

/** `absent` also when the file may be replaced; `unknown` when only the server's answer can tell. */
export type Existing = 'absent' | 'complete' | 'skip' | 'unknown';

/**
 * Looks at the target.
 * @param seen what the server answered, or null before it was asked
 * @throws SluiceError TARGET_EXISTS, TARGET_UNSAFE
 */
export async function existingTarget(
  target: string,
  options: DownloadOptions,
  seen: { validators: Validators; total: number | null } | null,
  verification: Verification,
): Promise<Existing> {
  const state = inspectTarget(target);
  if (state.kind === 'absent') return 'absent';
  if (state.kind === 'directory') {
    throw new SluiceError('TARGET_UNSAFE', 'the target is a directory', {
      path: target,
      next: 'Choose a name in it with --output, or use --dir.',
    });
  }
  if (options.onExists === 'skip') return 'skip';
  const finished =
    state.kind === 'file' ? await isFinished(target, options, seen, verification) : 'no';
  if (finished === 'yes') return 'complete';
  if (finished === 'ask') return 'unknown';
  if (state.kind === 'other' && (options.onExists === 'overwrite' || options.timestamping)) {
    throw new SluiceError('TARGET_UNSAFE', 'the target is a FIFO, a socket or a device', {
      path: target,
      next: 'Choose another name with --output.',
    });
  }
  if (options.onExists !== 'fail' || options.timestamping) return 'absent';
  throw new SluiceError('TARGET_EXISTS', 'the target exists and is not known to be this download', {
    path: target,
    next: 'Choose another name with --output, or say --on-exists overwrite, rename or skip.',
  });
}

async function isFinished(
  target: string,
  options: DownloadOptions,
  seen: { validators: Validators; total: number | null } | null,
  verification: Verification,
): Promise<'yes' | 'no' | 'ask'> {
  if (verification.canCheck) {
    try {
      await verification.checkFile(target);
      return 'yes';
    } catch (error) {
      if (error instanceof SluiceError && error.exitStatus === 9) return 'no';
      throw error;
    }
  }
  const receipt = receiptOf(target, options);
  if (receipt === null && !options.timestamping) return 'no';
  if (seen === null) return 'ask';
  const { size } = inspectTarget(target);
  if (seen.total !== null && seen.total !== size) return 'no';
  const known = receipt === null ? null : keptValidators(receipt.validators);
  const verdict = known === null ? 'unproven' : compareValidators(known, seen.validators);
  if (verdict === 'same') return 'yes';
  const isOlder = verdict === 'unproven' && options.timestamping && !isNewer(target, seen);
  return isOlder ? 'yes' : 'no';
}

/** Whether the server's time of change is later than the file's, or not told. HTTP's dates are of whole seconds. */
function isNewer(target: string, { validators }: { validators: Validators }): boolean {
  const { lastModifiedMs } = validators;
  return lastModifiedMs === null || lastModifiedMs > inspectTarget(target).mtimeMs;
}

/**
 * Fields with which the server sends nothing when it has nothing newer than the file at the target: by the
 * validators of its receipt, else by its time of change. None where a digest will tell.
 */
export function conditionsOf(
  target: string,
  options: DownloadOptions,
  verification: Verification,
): Array<[string, string]> {
  const state = inspectTarget(target);
  if (!options.timestamping || state.kind !== 'file' || verification.canCheck) return [];
  const receipt = receiptOf(target, options);
  const known = receipt === null ? [] : changedSince(keptValidators(receipt.validators));
  if (known.length > 0) return known;
  return [['If-Modified-Since', new Date(state.mtimeMs).toUTCString()]];
}

/** Whether an earlier run finished one of these URLs at the target, and the file is as it was left. */
export function isKnownFinished(target: string, options: DownloadOptions): boolean {
  return receiptOf(target, options) !== null;
}

function receiptOf(target: string, options: DownloadOptions): Receipt | null {
  const receipt = findReceipt(target);
  if (receipt === null) return null;
  const sources = [options.url, ...options.mirrors].map((each) =>
    hashUrl(sourceIdOf(parseUserUrl(each).url, options)),
  );
  if (!sources.includes(receipt.urlSha256)) return null;
  // What was not forced to disk may not have survived the end of that system run.
  return receipt.synced || receipt.bootId === bootId() ? receipt : null;
}
