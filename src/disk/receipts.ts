/**
 * Receipts of finished downloads, so that a file which is there and unchanged need not be fetched
 * again. They live in the user's state directory, hold no URL, and are only ever a help: when one
 * cannot be written or read, the download goes on without.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** How many receipts are kept; the oldest go first. */
export const MAX_RECEIPTS = 1000;

/** Longest receipt that is read, in bytes. */
const MAX_RECEIPT_BYTES = 64 * 1024;

/** What the caller knows of a finished download. */
export interface ReceiptFacts {
  /** The URL that was asked for, in full; only its SHA-256 is kept. */
  url: string;
  /** Validators of the representation; opaque here. */
  validators: unknown;
  /** Verified digests, by algorithm, as lower-case hex. */
  digests: Record<string, string>;
  bootId: string | null;
  /** Whether the file was synced before it was published. */
  synced: boolean;
}

/** What is kept. The file's facts are those of the moment of writing. */
export interface Receipt extends Omit<ReceiptFacts, 'url'> {
  version: 1;
  /** Lower-case hex; see {@link hashUrl}. */
  urlSha256: string;
  /** Length of the file in bytes. */
  size: number;
  mtimeNs: string;
  ino: string;
  dev: string;
  /** Milliseconds since 1970. */
  finishedMs: number;
}

type Environment = Record<string, string | undefined>;

/** The form in which a receipt knows a URL. */
export function hashUrl(url: string): string {
  return createHash('sha256').update(url).digest('hex');
}

/** Where receipts are: `$SLUICE_STATE_DIR/finished`, by default in `~/.local/state/sluice`. */
export function receiptsDirectory(env: Environment = process.env): string {
  const own = env['SLUICE_STATE_DIR'];
  if (own !== undefined && own !== '') return path.join(own, 'finished');
  const xdg = env['XDG_STATE_HOME'];
  // The specification says that a relative path is to be ignored.
  const state =
    xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(os.homedir(), '.local', 'state');
  return path.join(state, 'sluice', 'finished');
}

/** Keeps a receipt of the file at `target`. Returns false when that was not possible. */
export function writeReceipt(
  target: string,
  facts: ReceiptFacts,
  env: Environment = process.env,
): boolean {
  try {
    const directory = receiptsDirectory(env);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { url, validators, digests, bootId, synced } = facts;
    const receipt: Receipt = {
      version: 1,
      urlSha256: hashUrl(url),
      ...fileFacts(target),
      validators,
      digests,
      finishedMs: Date.now(),
      bootId,
      synced,
    };
    const text = JSON.stringify(receipt);
    if (Buffer.byteLength(text) > MAX_RECEIPT_BYTES) return false;
    replaceFile(path.join(directory, keyOf(target)), text);
    prune(directory);
    return true;
  } catch {
    return false;
  }
}

/** The receipt of the file at `target`; null when there is none or the file has changed since. */
export function findReceipt(target: string, env: Environment = process.env): Receipt | null {
  try {
    const text = readBounded(path.join(receiptsDirectory(env), keyOf(target)));
    const receipt = parseReceipt(text);
    if (receipt === null) return null;
    const now = fileFacts(target);
    const same =
      now.size === receipt.size &&
      now.mtimeNs === receipt.mtimeNs &&
      now.ino === receipt.ino &&
      now.dev === receipt.dev;
    return same ? receipt : null;
  } catch {
    return null;
  }
}

/** The name of a target's receipt. The directory is resolved, so that every way to it is one. */
function keyOf(target: string): string {
  const absolute = path.resolve(target);
  const real = path.join(realpathSync(path.dirname(absolute)), path.basename(absolute));
  return `${createHash('sha256').update(real).digest('hex')}.json`;
}

function fileFacts(target: string): Pick<Receipt, 'size' | 'mtimeNs' | 'ino' | 'dev'> {
  const stats = lstatSync(target, { bigint: true });
  if (!stats.isFile()) throw new Error('not a regular file');
  return {
    size: Number(stats.size),
    mtimeNs: String(stats.mtimeNs),
    ino: String(stats.ino),
    dev: String(stats.dev),
  };
}

function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}~`;
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, file);
  } catch (thrown) {
    removeQuietly(temporary);
    throw thrown;
  }
}

function readBounded(file: string): string {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > MAX_RECEIPT_BYTES) throw new Error('not a receipt');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/** Removes the oldest receipts, and what an interrupted writing left, beyond the bound. */
function prune(directory: string): void {
  const names = readdirSync(directory);
  if (names.length <= MAX_RECEIPTS) return;
  const aged = names
    .map((name) => path.join(directory, name))
    .map((file) => ({ file, age: lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => a.age - b.age);
  for (const { file } of aged.slice(0, names.length - MAX_RECEIPTS)) removeQuietly(file);
}

function removeQuietly(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Another run was faster.
  }
}

/** Null unless every field is what it must be: anyone may have written into the directory. */
function parseReceipt(text: string): Receipt | null {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || !isRecord(value['digests'])) return null;
  const { version, urlSha256, size, mtimeNs, ino, dev, finishedMs, bootId, synced } = value;
  const sound =
    version === 1 &&
    typeof urlSha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(urlSha256) &&
    Number.isSafeInteger(size) &&
    [mtimeNs, ino, dev].every((text) => typeof text === 'string' && /^-?\d{1,24}$/.test(text)) &&
    'validators' in value &&
    Object.values(value['digests']).every(isHex) &&
    Number.isSafeInteger(finishedMs) &&
    (bootId === null || typeof bootId === 'string') &&
    typeof synced === 'boolean';
  return sound ? (value as unknown as Receipt) : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHex(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{1,256}$/.test(value);
}
