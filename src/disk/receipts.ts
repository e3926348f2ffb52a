/**
 * Receipts of finished downloads, so that a file which is there and unchanged need not be fetched
 * again. They live in the user's state directory, hold no URL, and are only ever a help: when one
 * cannot be written or read, the download goes on without.
 */
import { lstatSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { isRecord, noteName, readNote, sha256, writeNote } from './notes.js';
import { stateDirectory } from './user-directories.js';
import type { Environment } from './user-directories.js';

/** How many receipts are kept; the oldest go first. */
export const MAX_RECEIPTS = 10_000;

/** Receipts between two looks at how many there are: a list of files writes one after the other. */
const LOOK_EVERY = 100;

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

/** The form in which a receipt knows a URL. */
export function hashUrl(url: string): string {
  return sha256(url);
}

/** Where receipts are: `$SLUICE_STATE_DIR/finished`, by default in `~/.local/state/sluice`. */
export function receiptsDirectory(env: Environment = process.env): string {
  return path.join(stateDirectory(env), 'finished');
}

/**
 * Keeps a receipt of the file at `target`. Returns false when that was not possible.
 * @param file where the file is now, which will have that name
 */
export function writeReceipt(
  target: string,
  facts: ReceiptFacts,
  env: Environment = process.env,
  file = target,
): boolean {
  try {
    const { url, validators, digests, bootId, synced } = facts;
    const receipt: Receipt = {
      version: 1,
      urlSha256: hashUrl(url),
      ...fileFacts(file),
      validators,
      digests,
      finishedMs: Date.now(),
      bootId,
      synced,
    };
    const text = JSON.stringify(receipt);
    if (Buffer.byteLength(text) > MAX_RECEIPT_BYTES) return false;
    const bounds = { most: MAX_RECEIPTS, oldestMs: Infinity, every: LOOK_EVERY };
    writeNote(receiptsDirectory(env), nameOf(target), text, bounds);
    return true;
  } catch {
    return false;
  }
}

/** The receipt of the file at `target`; null when there is none or the file has changed since. */
export function findReceipt(target: string, env: Environment = process.env): Receipt | null {
  try {
    // Where there is no file there is nothing to look for.
    const now = fileFacts(target);
    const text = readNote(receiptsDirectory(env), nameOf(target), MAX_RECEIPT_BYTES);
    const receipt = parseReceipt(text);
    if (receipt === null) return null;
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
function nameOf(target: string): string {
  const absolute = path.resolve(target);
  const real = path.join(realpathSync.native(path.dirname(absolute)), path.basename(absolute));
  return noteName(real);
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

function isHex(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{1,256}$/.test(value);
}
