/**
 * The file of a log, or of a trace. It may be anything that takes lines: a pipe without a reader, or with
 * a slow one, must not hold up what is logged.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { SluiceError, type ErrorCode } from '../errors.js';

/** Bytes that wait for a reader at most; what comes beyond them is lost, and that is told. */
const MAX_WAITING = 1024 * 1024;

/** How often it is tried again to write what waits, in milliseconds. */
const AGAIN_MS = 50;

/** At the end, a reader that is behind may take so long, in milliseconds. */
const LAST_MS = 500;

/** Nobody else may read it. */
const MODE = 0o600;

/** Without O_NONBLOCK opening a pipe waits for its reader; a terminal that is opened must not become ours. */
const FLAGS =
  constants.O_WRONLY |
  constants.O_CREAT |
  constants.O_APPEND |
  constants.O_NONBLOCK |
  constants.O_NOCTTY;

const CODES: Record<string, ErrorCode> = {
  EACCES: 'DISK_PERMISSION',
  EPERM: 'DISK_PERMISSION',
  ELOOP: 'DISK_PERMISSION',
  EROFS: 'DISK_READ_ONLY',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_QUOTA',
};

const REASONS: Record<string, string> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'what should be its directory is none',
  EISDIR: 'it is a directory',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the filesystem is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EPIPE: 'nobody reads the pipe any more',
  ENXIO: 'it is a socket, or a device that is not there',
  ELOOP: 'it is a link that another user laid, or one that leads to itself',
};

/** What a file is for. */
export interface LinesKind {
  /** As it is called in sentences. */
  name: string;
  flag: string;
  /** How a file of the kind begins: such a one is replaced, and another one refused. Null: it is appended to. */
  begins: string | null;
}

const LOG: LinesKind = { name: 'log', flag: '--log-file', begins: null };

/** Takes lines, at once where it can: then a line is in the file when {@link write} returns. */
export class LogFile {
  private readonly waiting: Buffer[] = [];
  private waitingBytes = 0;
  private lost = 0;
  private ended = false;
  private timer: NodeJS.Timeout | null = null;

  /** @param tell takes a sentence about what is not in the log, at most two in all */
  constructor(
    private readonly fd: number,
    private readonly tell: (what: string) => void,
    private readonly name = LOG.name,
  ) {}

  /** Writes a line, or several at once. */
  write(line: string): void {
    if (this.ended) return;
    const bytes = Buffer.from(line);
    if (this.waitingBytes + bytes.length > MAX_WAITING) {
      this.lost++;
      return;
    }
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.flush();
  }

  /** Writes what waits, as far as the reader is, and ends. */
  close(): void {
    const until = performance.now() + LAST_MS;
    const still = new Int32Array(new SharedArrayBuffer(4));
    this.flush();
    while (this.waiting.length > 0 && performance.now() < until) {
      Atomics.wait(still, 0, 0, 10);
      this.flush();
    }
    this.lost += this.waiting.length;
    this.end();
    if (this.lost > 0)
      this.tell(`the ${this.name} lost ${this.lost} lines: its reader is too slow`);
  }

  private flush(): void {
    try {
      for (let [first] = this.waiting; first !== undefined; [first] = this.waiting) {
        const count = writeSync(this.fd, first);
        this.waitingBytes -= count;
        if (count === first.length) this.waiting.shift();
        else this.waiting[0] = first.subarray(count);
      }
    } catch (thrown) {
      this.failed(thrown as NodeJS.ErrnoException);
    }
  }

  private failed({ code = '', message }: NodeJS.ErrnoException): void {
    if (code === 'EAGAIN') {
      this.timer ??= setTimeout(() => {
        this.timer = null;
        this.flush();
      }, AGAIN_MS);
      // Nothing waits for a log.
      this.timer.unref();
      return;
    }
    // A log that cannot be written must not end what it is of.
    this.tell(`the ${this.name} ends here: ${REASONS[code] ?? message}`);
    this.waiting.length = 0;
    this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.timer !== null) clearTimeout(this.timer);
    closeSync(this.fd);
  }
}

/**
 * Opens the file of a log, which is appended to, or one of another kind. Never waits for a reader.
 * @param tell see {@link LogFile}
 * @throws SluiceError DISK_IO, DISK_PERMISSION and the like; TARGET_EXISTS when a file that would be
 *   replaced is none of its kind
 */
export function openLogFile(
  path: string,
  tell: (what: string) => void,
  kind: LinesKind = LOG,
): LogFile {
  let fd: number;
  try {
    fd = openSync(path, FLAGS | (isTrustedLink(path) ? 0 : constants.O_NOFOLLOW), MODE);
  } catch (thrown) {
    throw cannotOpen(path, thrown as NodeJS.ErrnoException, kind);
  }
  try {
    makeReady(fd, path, kind);
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
  return new LogFile(fd, tell, kind.name);
}

/** Refuses what must not be written over, and empties what is to be replaced. */
function makeReady(fd: number, path: string, kind: LinesKind): void {
  const found = fstatSync(fd);
  if (found.isBlockDevice())
    throw refused(path, kind, 'DISK_IO', 'it is a disk, and a log would overwrite what is on it');
  if (kind.begins === null || !found.isFile() || found.size === 0) return;
  if (!beginsWith(path, kind.begins))
    throw refused(path, kind, 'TARGET_EXISTS', `there is a file that is no ${kind.name}`);
  ftruncateSync(fd);
}

function beginsWith(path: string, text: string): boolean {
  const wanted = Buffer.from(text);
  const seen = Buffer.alloc(wanted.length);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return readSync(fd, seen, 0, seen.length, 0) === seen.length && seen.equals(wanted);
  } finally {
    closeSync(fd);
  }
}

/** Whether it is a link that may be followed: the system's own (`/dev/stderr`), or ours. */
function isTrustedLink(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() !== true) return false;
  return found.uid === 0 || process.geteuid === undefined || found.uid === process.geteuid();
}

function cannotOpen(path: string, thrown: NodeJS.ErrnoException, kind: LinesKind): SluiceError {
  const { code: errno = '' } = thrown;
  const isPipe = errno === 'ENXIO' && statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
  const reason = isPipe ? 'it is a pipe that nobody reads' : (REASONS[errno] ?? errno);
  const next = isPipe
    ? `Start what reads it first, for instance \`cat ${quoted(path)} &\`.`
    : another(kind);
  return refused(path, kind, CODES[errno] ?? 'DISK_IO', reason, { errno, next, thrown });
}

const another = ({ flag }: LinesKind): string => `Name another file with ${flag}.`;

/** A path as a shell takes it. */
const quoted = (path: string): string =>
  /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

function refused(
  path: string,
  kind: LinesKind,
  code: ErrorCode,
  reason: string,
  { errno, next = another(kind), thrown }: { errno?: string; next?: string; thrown?: unknown } = {},
): SluiceError {
  const details = { path, next, ...(errno ? { errno } : {}) };
  const message = `the ${kind.name} file cannot be opened: ${reason}`;
  return new SluiceError(code, message, details, thrown);
}
