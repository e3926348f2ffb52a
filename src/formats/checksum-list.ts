/** Lists of checksums, as sha256sum and its kin write them: SHA256SUMS, `big.iso.sha256`. */
import { SluiceError } from '../errors.js';
import { safeName } from '../http/names.js';
import { excerpt, trimOws } from '../http/syntax.js';
import type { Pace } from './pace.js';

/** A list may have this many bytes. */
export const MAX_LIST_BYTES = 1024 * 1024;

/** A line may have this many characters: a digest, and a path of 4096 bytes that is escaped. */
export const MAX_LINE = 16 * 1024;

export type ListAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512' | 'blake3';

export interface ListEntry {
  algorithm: ListAlgorithm;
  /** Lower-case hexadecimal. */
  hex: string;
  /** The path that the list gives; null for a digest alone. */
  path: string | null;
}

export interface ChecksumList {
  /** Where it came from, as it may be shown. */
  origin: string;
  entries: ListEntry[];
}

/** What a file is called, and where it comes from. */
export interface Wanted {
  /** Names that the file may have in the list. */
  names: readonly string[];
  /** Paths of its URLs: they tell `i386/disk.img` from `amd64/disk.img`. */
  paths: readonly string[];
}

const DIGITS: Record<ListAlgorithm, number> = {
  md5: 32,
  sha1: 40,
  sha256: 64,
  sha512: 128,
  blake3: 64,
};

/**
 * `HEX  name`, `HEX *name`, or HEX alone; a backslash in front when the name is escaped. What comes after
 * the blank is taken as it is: an expression that parts it would try each of many blanks.
 */
const GNU = /^(\\?)([0-9A-Fa-f]{32,128})(?:[ \t](.*))?$/s;

/** `SHA256 (name) = HEX`, and `SHA256(name)= HEX` as OpenSSL writes it. */
const BSD = /^(\\?)([A-Za-z0-9-]{2,12}) ?\((.+)\) ?= ?([0-9A-Fa-f]{32,128})$/s;

/**
 * Reads a list. Lines of another form (comments, a signature around it) are passed over.
 * @param origin where the list came from, as it may be shown
 * @throws SluiceError CHECKSUM_LIST_INVALID when there is no checksum in it, or a line is too long; and
 *   what the pace throws
 */
export async function parseChecksumList(
  text: string,
  origin: string,
  pace: Pace,
): Promise<ChecksumList> {
  // A digest of 64 digits does not say what it is; the list's name may.
  const blake3 = /b3|blake3/i.test(origin.slice(origin.lastIndexOf('/') + 1));
  const entries: ListEntry[] = [];
  let number = 0;
  for (const line of text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)) {
    number++;
    if (pace.isDue) await pace.turn();
    if (line.length > MAX_LINE) throw tooLong(origin, number);
    entries.push(...entryOf(line.trimEnd(), blake3));
  }
  if (entries.length === 0) {
    throw invalid(origin, 'there is no checksum in it', 'Check that it is the right file.');
  }
  return { origin, entries };
}

function tooLong(origin: string, number: number): SluiceError {
  const what = `its line ${number} is longer than ${MAX_LINE} characters`;
  return invalid(origin, what, 'Check that it is the right file.');
}

function entryOf(line: string, blake3: boolean): ListEntry[] {
  const bsd = BSD.exec(line);
  if (bsd !== null) {
    const [, escaped = '', type = '', name = '', hex = ''] = bsd;
    const algorithm = algorithmOf(type);
    if (algorithm === null || hex.length !== DIGITS[algorithm]) return [];
    return [{ algorithm, hex: hex.toLowerCase(), path: unescape(escaped, name) }];
  }
  const gnu = GNU.exec(line);
  if (gnu === null) return [];
  const [, escaped = '', hex = '', rest = ''] = gnu;
  const algorithm = byDigits(hex.length, blake3);
  if (algorithm === null) return [];
  const name = trimOws(rest).replace(/^\*/, '');
  const path = name === '' || name === '-' ? null : unescape(escaped, name);
  return [{ algorithm, hex: hex.toLowerCase(), path }];
}

function algorithmOf(type: string): ListAlgorithm | null {
  const name = type.toLowerCase().replace('-', '');
  return Object.hasOwn(DIGITS, name) ? (name as ListAlgorithm) : null;
}

function byDigits(digits: number, blake3: boolean): ListAlgorithm | null {
  if (digits === DIGITS.blake3 && blake3) return 'blake3';
  return (
    (['md5', 'sha1', 'sha256', 'sha512'] as const).find((name) => DIGITS[name] === digits) ?? null
  );
}

/** As coreutils writes names with a line feed or a backslash. */
function unescape(mark: string, name: string): string {
  if (mark === '') return name;
  return name.replace(/\\([\\nr])/g, (_all, letter: string) =>
    letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\',
  );
}

/**
 * The checksums of one file; empty when the list has no line for it.
 * @throws SluiceError CHECKSUM_LIST_INVALID when several lines could be meant and they disagree
 */
export function findInList(
  { origin, entries }: ChecksumList,
  { names, paths }: Wanted,
): ListEntry[] {
  const [first] = entries;
  if (entries.length === 1 && first?.path === null) return entries;
  const wanted = new Set(names);
  const matching = entries.filter(({ path }) => path !== null && wanted.has(safeName(path) ?? ''));
  if (agree(matching)) return matching;
  const closer = matching.filter(({ path }) => paths.some((of) => endsWithPath(of, path ?? '')));
  if (closer.length > 0 && agree(closer)) return closer;
  const shown = [...new Set(matching.map(({ path }) => excerpt(path ?? '')))]
    .slice(0, 3)
    .join(', ');
  throw invalid(
    origin,
    `several of its lines may be meant, and they disagree (${shown})`,
    'Give the right one with --checksum ALGORITHM:HEX.',
  );
}

/** Whether no algorithm has two digests. */
function agree(entries: readonly ListEntry[]): boolean {
  const digests = new Map<string, string>();
  for (const { algorithm, hex } of entries) {
    if ((digests.get(algorithm) ?? hex) !== hex) return false;
    digests.set(algorithm, hex);
  }
  return true;
}

function endsWithPath(path: string, end: string): boolean {
  const plain = end.replace(/^(?:\.?\/)+/, '');
  return path === `/${plain}` || path.endsWith(`/${plain}`);
}

/** The refusal when a list says nothing of the file. */
export function notInList({ origin }: ChecksumList, { names }: Wanted): SluiceError {
  return invalid(
    origin,
    `it has no line for ${[...new Set(names)].map(excerpt).join(' or ')}`,
    'Check that the list is the right one, or give the digest with --checksum ALGORITHM:HEX.',
  );
}

function invalid(origin: string, what: string, next: string): SluiceError {
  const message = `the list of checksums ${origin} cannot be used: ${what}`;
  return new SluiceError('CHECKSUM_LIST_INVALID', message, { next });
}
