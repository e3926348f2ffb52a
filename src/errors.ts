/**
 * The closed list of what can go wrong, and the one table of exit statuses.
 *
 * Every error that a user can meet is a {@link SluiceError}: it has a stable code, and its code
 * has an exit status. Errors lose their class when they cross a thread, so they travel as
 * {@link ErrorRecord}.
 */

/** Exit statuses of the command, in the order in which help prints them. */
export const EXIT_STATUSES = {
  0: 'done: the file is complete and proven',
  1: 'a defect in sluice',
  2: 'usage: the command line or the configuration is wrong',
  3: 'name resolution failed',
  4: 'connection or time-out, after all retries',
  5: 'TLS: handshake or certificate',
  6: 'the server refused (4xx, or 5xx after all retries)',
  7: 'the server broke the protocol, and the bytes cannot be proven',
  8: 'the representation changed',
  9: 'checksum or digest mismatch',
  10: 'disk: full, permission, input/output',
  11: 'the target exists, or another run holds it',
  12: 'nothing to resume, or its journal is damaged',
  13: 'proxy',
  130: 'interrupted (SIGINT), everything kept',
  141: 'the reader of standard output has gone (as SIGPIPE)',
  143: 'terminated (SIGTERM), everything kept',
} as const;

export type ExitStatus = keyof typeof EXIT_STATUSES;

/** Exit status of each stable error code. A code is never renamed or given another status. */
export const ERROR_CODES = {
  DEFECT: 1,
  WORKER_LOST: 1,
  USAGE: 2,
  URL_INVALID: 2,
  METALINK_INVALID: 2,
  CHECKSUM_LIST_INVALID: 2,
  CONFIG_INVALID: 2,
  CREDENTIALS_FILE: 2,
  INPUT_LIST_INVALID: 2,
  TRACE_INVALID: 2,
  NAME_NOT_FOUND: 3,
  NAME_LOOKUP_FAILED: 3,
  CONNECT_FAILED: 4,
  CONNECT_TIMEOUT: 4,
  CONNECTION_LOST: 4,
  FIRST_BYTE_TIMEOUT: 4,
  STALLED: 4,
  LOW_SPEED: 4,
  MAX_TIME: 4,
  TLS_HANDSHAKE: 5,
  TLS_CERTIFICATE: 5,
  TLS_FILES: 5,
  HTTP_REFUSED: 6,
  HTTP_SERVER_ERROR: 6,
  RANGE_BEYOND_END: 6,
  HTTP_MALFORMED: 7,
  HTTP_TOO_LARGE: 7,
  HTTP_RANGE_MISMATCH: 7,
  HTTP_RANGE_IGNORED: 7,
  HTTP_ENCODED: 7,
  HTTP_UNEXPECTED: 7,
  HTTP_PAGE: 7,
  REDIRECT_LIMIT: 7,
  REDIRECT_INVALID: 7,
  REDIRECT_DOWNGRADE: 7,
  CHANGED: 8,
  CHECKSUM_MISMATCH: 9,
  SIZE_MISMATCH: 9,
  DISK_FULL: 10,
  DISK_QUOTA: 10,
  DISK_PERMISSION: 10,
  DISK_READ_ONLY: 10,
  DISK_FILE_TOO_BIG: 10,
  DISK_IO: 10,
  TARGET_EXISTS: 11,
  TARGET_BUSY: 11,
  TARGET_UNSAFE: 11,
  TARGET_FOREIGN: 11,
  NOTHING_TO_RESUME: 12,
  JOURNAL_DAMAGED: 12,
  RESUME_UNPROVEN: 12,
  PROXY_FAILED: 13,
  PROXY_NOT_FOUND: 13,
  PROXY_CERTIFICATE: 13,
  PROXY_AUTH: 13,
  PROXY_REFUSED: 13,
  INTERRUPTED: 130,
  OUTPUT_CLOSED: 141,
  TERMINATED: 143,
} as const satisfies Record<string, ExitStatus>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** What an error may say beyond its message. All texts are plain; whoever prints them escapes them. */
export interface ErrorDetails {
  /** The URL concerned, already redacted (no userinfo, no query values). */
  url?: string;
  /** The file concerned. */
  path?: string;
  /** What was kept, as a sentence: `3.2 GiB of 5 GiB are kept in big.iso.part`. */
  kept?: string;
  /** What the user can do next, as a sentence. */
  next?: string;
  /** The status code of the response that led here (RFC 9110 §15). */
  httpStatus?: number;
  /** How long the server asks to wait, in milliseconds from when the answer came (RFC 9110 §10.2.3). */
  retryAfterMs?: number;
  /** The operating system's name of the error (`ENOSPC`), where there is one. */
  errno?: string;
}

/** An error in the form that crosses threads and reaches the JSON events. */
export interface ErrorRecord extends ErrorDetails {
  code: ErrorCode;
  message: string;
}

/** Most characters of a message; what is quoted in one may come from a stranger, of any length. */
export const MAX_MESSAGE = 1000;
/** Most characters of a detail: room for a path of the system's greatest length, and a sentence. */
export const MAX_DETAIL = 5000;

/**
 * A text of at most `most` characters (UTF-16), of which the middle is left out where it is longer: its
 * beginning says what it is, and a message's end says why.
 */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor((most - GAP.length) / 2);
  return `${text.slice(0, half)}${GAP}${text.slice(-half)}`;
}

const GAP = ' [...] ';

/**
 * An error with a stable code. `message` says what happened, without the program's name. Every text is
 * {@link shortened}, whoever quotes what in it.
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(shortened(message, MAX_MESSAGE), cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = bounded(details);
  }

  /** Exit status of the command when this error ends it. */
  get exitStatus(): ExitStatus {
    return ERROR_CODES[this.code];
  }

  /** The same error with more said about it; what is already said stays. */
  with(details: ErrorDetails): SluiceError {
    const error = new SluiceError(
      this.code,
      this.message,
      { ...details, ...this.details },
      this.cause,
    );
    if (this.stack !== undefined) error.stack = this.stack;
    return error;
  }

  toRecord(): ErrorRecord {
    return { code: this.code, message: this.message, ...this.details };
  }

  static fromRecord({ code, message, ...details }: ErrorRecord): SluiceError {
    return new SluiceError(code, message, details);
  }

  /** Turns anything thrown into a SluiceError; what is not one is a defect of ours. */
  static from(thrown: unknown): SluiceError {
    if (thrown instanceof SluiceError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new SluiceError('DEFECT', message, {}, thrown);
  }
}

function bounded(details: ErrorDetails): ErrorDetails {
  const entries = Object.entries(details).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' ? shortened(value, MAX_DETAIL) : value,
  ]);
  return Object.fromEntries(entries) as ErrorDetails;
}

/** Stops with a defect when an invariant does not hold. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new SluiceError('DEFECT', `invariant broken: ${invariant}`);
}
