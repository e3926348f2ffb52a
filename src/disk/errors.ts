/** What the operating system says about files, as errors with stable codes. */
import os from 'node:os';
import path from 'node:path';
import { SluiceError, type ErrorCode, type ErrorDetails } from '../errors.js';
import { freeBytes, missingText } from './space-left.js';

/** What was being done when the system refused. */
export interface DiskAction {
  /** A verb: `write`, `create`, `sync`. */
  action: string;
  /** The file concerned; empty when only its descriptor is known. */
  path: string;
  /** Bytes that are still to be written, to say how many do not fit. */
  needBytes?: number;
}

/** For what has no better one. */
const AGAIN = 'Run the same command again: it continues where it stopped.';

/** Writing elsewhere does not help whoever may not read. */
const NOT_OURS = 'Go on as the user who began it, or choose another name with --output.';

interface Meaning {
  code: ErrorCode;
  reason: string;
  next?: string;
}

const MEANINGS: Record<string, Meaning> = {
  ENOSPC: {
    code: 'DISK_FULL',
    reason: 'no space is left on the disk',
    next: 'Free some space (or some files: `df -i`) and run the same command again; it continues.',
  },
  EDQUOT: {
    code: 'DISK_QUOTA',
    reason: 'the disk quota is used up',
    next: 'Free some space within your quota and run the same command again; it continues.',
  },
  EACCES: {
    code: 'DISK_PERMISSION',
    reason: 'permission is denied',
    next: 'Choose a directory that you may write to, with --dir or --output.',
  },
  EPERM: {
    code: 'DISK_PERMISSION',
    reason: 'the operation is not permitted',
    next: 'Choose a directory that you may write to, with --dir or --output.',
  },
  EROFS: {
    code: 'DISK_READ_ONLY',
    reason: 'the filesystem is read-only',
    next: 'Choose another directory, with --dir or --output.',
  },
  EFBIG: {
    code: 'DISK_FILE_TOO_BIG',
    reason: 'the file would be larger than the filesystem or a limit (ulimit -f) allows',
    next: 'Raise the limit or choose another filesystem, with --dir or --output.',
  },
  ENAMETOOLONG: {
    code: 'USAGE',
    reason: 'the name is too long',
    next: 'Choose a shorter name with --output.',
  },
  EIO: {
    code: 'DISK_IO',
    reason: 'the disk reports an input/output error',
    next: 'Look at the system log and at the disk; then run the same command again, it continues.',
  },
  EMFILE: {
    code: 'DISK_IO',
    reason: 'too many files are open in this process',
    next: 'Use fewer connections, with --connections, or allow more open files (ulimit -n).',
  },
  ENFILE: {
    code: 'DISK_IO',
    reason: 'too many files are open on this machine',
    next: 'End other programs, then run the same command again; it continues.',
  },
  ESTALE: {
    code: 'DISK_IO',
    reason: 'the file or its directory is gone from the file server',
    next: 'Look at the mount; then run the same command again, it continues.',
  },
  ENOENT: {
    code: 'USAGE',
    reason: 'the directory or the file does not exist',
    next: 'Check the path.',
  },
  ENOTDIR: {
    code: 'USAGE',
    reason: 'a part of the path is not a directory',
    next: 'Check the path.',
  },
  ELOOP: {
    code: 'TARGET_UNSAFE',
    reason: 'it is a symbolic link',
    next: 'Remove the link or choose another name with --output.',
  },
  EISDIR: {
    code: 'TARGET_UNSAFE',
    reason: 'it is a directory',
    next: 'Choose another name with --output.',
  },
  EEXIST: {
    code: 'TARGET_EXISTS',
    reason: 'it exists already',
    next: 'Choose another name with --output, or use --on-exists.',
  },
};

/** The operating system's name of an error (`ENOSPC`), or null when it is no such error. */
export function errnoOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error)) return null;
  const { code, errno } = thrown as NodeJS.ErrnoException;
  if (code === 'UNKNOWN' || code?.startsWith('Unknown system error') === true)
    return nameOfNumber(errno);
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : null;
}

/** Node has no names for some numbers (EDQUOT and ESTALE among them), and calls them UNKNOWN, or by their number. */
function nameOfNumber(errno: number | undefined): string {
  const known = Object.entries(os.constants.errno).find(([, number]) => number === -(errno ?? 0));
  return known?.[0] ?? 'EUNKNOWN';
}

/** What file systems answer that cannot set the length of a file (ftruncate(2)): some of FUSE and of networks. */
const NO_LENGTH = new Set([
  'EINVAL',
  'EPERM',
  'EACCES',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'ENOTTY',
]);

/** Whether the file system does not set lengths at all; a full or broken disk is another matter. */
export function refusesLength(thrown: unknown): boolean {
  const cause = thrown instanceof SluiceError ? thrown.cause : thrown;
  return NO_LENGTH.has(errnoOf(cause) ?? '');
}

/** A write that took nothing, without an error: to go on would never end. */
export function takesNothing(): SluiceError {
  const next = 'Look at the disk; then run the same command again, it continues.';
  return new SluiceError('DISK_IO', 'cannot write: the disk takes no bytes', { next });
}

/**
 * Turns what a file operation threw into an error with a stable code. A {@link SluiceError} stays
 * as it is; what the operating system did not say is a defect of ours.
 */
export function diskError(thrown: unknown, what: DiskAction): SluiceError {
  const errno = errnoOf(thrown);
  if (errno === null) return SluiceError.from(thrown);
  const meaning = MEANINGS[errno] ?? { code: 'DISK_IO' as const, reason: systemText(thrown) };
  const details: ErrorDetails = { errno };
  if (what.path !== '') details.path = what.path;
  details.next = nextStep(meaning, what);
  const file = what.path === '' ? 'the part file' : what.path;
  const missing = errno === 'ENOSPC' ? missingSpace(what) : '';
  const message = `cannot ${what.action} ${file}: ${meaning.reason}${missing}`;
  return new SluiceError(meaning.code, message, details, thrown);
}

function nextStep({ code, next }: Meaning, { action }: DiskAction): string {
  if (code === 'DISK_PERMISSION' && (action === 'read' || action === 'open')) return NOT_OURS;
  return next ?? AGAIN;
}

/**
 * Says how much space is missing, in a DISK_FULL error of a thread that knew only the descriptor.
 * Every other error comes back as it is.
 * @param needBytes what is still to be written; null when nobody knows
 */
export function withMissingSpace(
  error: SluiceError,
  filePath: string,
  needBytes: number | null,
): SluiceError {
  if (error.code !== 'DISK_FULL' || error.details.path !== undefined) return error;
  const reason = (MEANINGS['ENOSPC'] as Meaning).reason;
  const need = needBytes === null ? {} : { needBytes };
  const missing = missingSpace({ action: 'write', path: filePath, ...need });
  const message = `cannot write ${filePath}: ${reason}${missing}`;
  return new SluiceError('DISK_FULL', message, { ...error.details, path: filePath }, error.cause);
}

function missingSpace(what: DiskAction): string {
  if (what.needBytes === undefined || what.path === '') return '';
  const free = freeBytes(path.dirname(what.path));
  return free === null ? '' : ` (${missingText(what.needBytes, free)})`;
}

/** `i/o error` of `EIO: i/o error, write`. */
function systemText(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return message.replace(/^E[A-Z0-9]+: /, '').replace(/,[^,]*$/, '');
}
