/** What is done about a file that is at the target already. */
import { SluiceError } from '../errors.js';
import { bootId } from '../disk/boot.js';
import { findReceipt, hashUrl } from '../disk/receipts.js';
import type { Receipt } from '../disk/receipts.js';
import { inspectTarget } from '../disk/target.js';
import { compareValidators, keptValidators } from '../http/validators.js';
import { downloadId } from '../http/part-of-file.js';
import { parseUserUrl } from '../http/url.js';
import type { Validators } from '../http/validators.js';
import type { DownloadOptions } from './options.js';
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
  if (state.kind === 'other' && options.onExists === 'overwrite') {
    throw new SluiceError('TARGET_UNSAFE', 'the target is a FIFO, a socket or a device', {
      path: target,
      next: 'Choose another name with --output.',
    });
  }
  if (options.onExists !== 'fail') return 'absent';
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
  if (receipt === null) return 'no';
  if (seen === null) return 'ask';
  const sameLength = seen.total === null || seen.total === receipt.size;
  const same = compareValidators(keptValidators(receipt.validators), seen.validators) === 'same';
  return sameLength && same ? 'yes' : 'no';
}

/** Whether an earlier run finished one of these URLs at the target, and the file is as it was left. */
export function isKnownFinished(target: string, options: DownloadOptions): boolean {
  return receiptOf(target, options) !== null;
}

function receiptOf(target: string, { url, mirrors, range }: DownloadOptions): Receipt | null {
  const receipt = findReceipt(target);
  const sources = [url, ...mirrors].map((each) =>
    hashUrl(downloadId(parseUserUrl(each).url.href, range)),
  );
  if (receipt === null || !sources.includes(receipt.urlSha256)) return null;
  // What was not forced to disk may not have survived the end of that system run.
  return receipt.synced || receipt.bootId === bootId() ? receipt : null;
}
