/** Lists of checksums, as sha256sum and its kin write them: SHA256SUMS, `big.iso.sha256`. */
import { SluiceError } from '../errors.js';
import { safeName } from '../http/names.js';
import { excerpt } from '../http/syntax.js';
import { LIST_DIGITS } from '../digests.js';
import { labelOfName, type ListAlgorithm } from './algorithms.js';
import { LineReader, type LineEntry } from './checksum-lines.js';
import type { Pace } from './pace.js';

/** A list may have this many bytes. */
export const MAX_LIST_BYTES = 1024 * 1024;

/** A line may have this many characters: a digest, and a path of 4096 bytes that is escaped. */
export const MAX_LINE = 16 * 1024;

export type { ListAlgorithm } from './algorithms.js';

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
  /** Digests that cannot be computed: what the list calls their algorithm, and the path. */
  others: Array<{ spelling: string; path: string | null }>;
}

/** What a file is called, and where it comes from. */
export interface Wanted {
  /** Names that the file may have in the list. */
  names: readonly string[];
  /** Paths of its URLs: they tell `i386/disk.img` from `amd64/disk.img`. */
  paths: readonly string[];
}

/**
 * Reads a list. Lines that hold no digest (comments, a signature around it) are passed over.
 * @param origin where the list came from, as it may be shown
 * @throws SluiceError CHECKSUM_LIST_INVALID when there is no checksum in it, none that can be computed, or
 *   a line is too long; and what the pace throws
 */
export async function parseChecksumList(
  text: string,
  origin: string,
  pace: Pace,
): Promise<ChecksumList> {
  const reader = new LineReader(labelOfName(origin.slice(origin.lastIndexOf('/') + 1)));
  const list: ChecksumList = { origin, entries: [], others: [] };
  const take = (found: LineEntry[]): void => {
    for (const { algorithm, spelling, hex, path } of found) {
      if (algorithm === null) list.others.push({ spelling, path });
      else list.entries.push({ algorithm, hex, path });
    }
  };
  let number = 0;
  for (const line of text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)) {
    number++;
    if (pace.isDue) await pace.turn();
    if (line.length > MAX_LINE) throw tooLong(origin, number);
    take(reader.read(line));
  }
  take(reader.end());
  if (list.entries.length > 0) return list;
  if (list.others.length > 0) throw notComputed(origin, list.others, 'it has digests');
  throw invalid(origin, whatElse(text), 'Check that it is the right file.');
}

/** What a text is in which there is no checksum. */
function whatElse(text: string): string {
  const start = text.slice(0, 4096);
  if (start.includes('\0')) return 'it is no text, or text in UTF-16 without a byte order mark';
  if (/^\s{0,100}<(?:!doctype|html)/i.test(start)) return 'it is a web page';
  if (start.startsWith('-----BEGIN PGP SIGNATURE')) return 'it is a signature, not what was signed';
  if (start.split(/\r\n|\n|\r/).some((line) => /[ \t][0-9A-Fa-f]{8}$/.test(line)))
    return 'there is no checksum in it but CRC-32 (an SFV list), which proves too little';
  return 'there is no checksum in it';
}

/** The refusal of digests that nothing here computes. */
function notComputed(origin: string, others: ChecksumList['others'], what: string): SluiceError {
  const names = [...new Set(others.map(({ spelling }) => excerpt(spelling)))].slice(0, 3);
  return invalid(
    origin,
    `${what} of ${names.join(', ')} only, which sluice cannot compute`,
    `Give another digest with --checksum ALGORITHM:HEX (${Object.keys(LIST_DIGITS).join(', ')}).`,
  );
}

function tooLong(origin: string, number: number): SluiceError {
  const what = `its line ${number} is longer than ${MAX_LINE} characters`;
  return invalid(origin, what, 'Check that it is the right file.');
}

/**
 * The checksums of one file; empty when the list has no line for it.
 * @throws SluiceError CHECKSUM_LIST_INVALID when several lines could be meant and they disagree
 */
export function findInList(
  { origin, entries }: ChecksumList,
  { names, paths }: Wanted,
): ListEntry[] {
  // Digests without a name are of one file, unless they disagree.
  if (entries.every(({ path }) => path === null) && agree(entries)) return entries;
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

/** The refusal when a list says nothing of the file, or nothing that can be computed. */
export function notInList({ origin, others }: ChecksumList, { names }: Wanted): SluiceError {
  const ofFile = others.filter(({ path }) => path !== null && names.includes(safeName(path) ?? ''));
  if (ofFile.length > 0) return notComputed(origin, ofFile, 'it has digests of the file');
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
