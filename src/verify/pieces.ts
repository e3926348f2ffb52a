/** Digests of equal pieces of a file: they tell which bytes are wrong, not only that some are. */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { readAt } from '../disk/async-io.js';
import type { RunningHash } from './checksum.js';

/** Half-open, in bytes. */
interface Range {
  start: number;
  end: number;
}

/** How a file is divided and hashed. */
export interface PieceForm {
  algorithm: 'md5' | 'sha1' | 'sha256' | 'sha512';
  /** Bytes of a piece; the last one may be shorter. */
  length: number;
}

/** What the pieces of a file must be. */
export interface Pieces extends PieceForm {
  /** Lower-case hexadecimal, in order of offset. */
  hexes: readonly string[];
}

/** Bytes read and hashed at once. */
const STEP = 1024 * 1024;

/** Hashes each piece of what it is fed; its digest is those of the pieces one after the other. */
export class PieceHash implements RunningHash {
  private readonly digests: string[] = [];
  private hash: Hash;
  private filled = 0;

  constructor(private readonly form: PieceForm) {
    this.hash = createHash(form.algorithm);
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const count = Math.min(this.form.length - this.filled, bytes.length - at);
      this.hash.update(bytes.subarray(at, at + count));
      this.filled += count;
      at += count;
      if (this.filled === this.form.length) this.endPiece();
    }
  }

  digest(): string {
    if (this.filled > 0) this.endPiece();
    return this.digests.join('');
  }

  private endPiece(): void {
    this.digests.push(this.hash.digest('hex'));
    this.hash = createHash(this.form.algorithm);
    this.filled = 0;
  }
}

/** Whether a file of so many bytes has as many pieces. */
export function fitsPieces({ hexes, length }: Pieces, size: number): boolean {
  return hexes.length === Math.ceil(size / length);
}

/**
 * The ranges of the pieces whose digests are other ones; neighbours are one range.
 * @param actual the digest of a {@link PieceHash} that was fed the whole file
 * @param size of the file; it must fit the pieces
 */
export function badPieces(pieces: Pieces, actual: string, size: number): Range[] {
  const bad: Range[] = [];
  pieces.hexes.forEach((hex, index) => {
    if (actual.startsWith(hex, index * hex.length)) return;
    addRange(bad, rangeOf(pieces, index, size));
  });
  return bad;
}

/** How many pieces a range touches. */
export function countPieces({ length }: PieceForm, { start, end }: Range): number {
  return end <= start ? 0 : Math.ceil(end / length) - Math.floor(start / length);
}

/**
 * Reads what is in a file and returns the ranges that are proven: whole pieces with the right
 * digest. Raises the signal's reason when aborted, and what the system says.
 * @param written what is in the file, ascending and disjoint
 * @param size of the whole file; it must fit the pieces
 */
export async function provenPieces(
  fd: number,
  pieces: Pieces,
  { written, size }: { written: readonly Range[]; size: number },
  signal?: AbortSignal,
): Promise<Range[]> {
  const proven: Range[] = [];
  const buffer = Buffer.allocUnsafe(Math.min(STEP, pieces.length));
  for (const { start, end } of written) {
    for (let index = Math.ceil(start / pieces.length); index < pieces.hexes.length; index++) {
      const range = rangeOf(pieces, index, size);
      if (range.end > end) break;
      signal?.throwIfAborted();
      if ((await hashRange(fd, pieces, range, buffer)) === pieces.hexes[index])
        addRange(proven, range);
    }
  }
  return proven;
}

/** Null when the file is too short. */
async function hashRange(
  fd: number,
  { algorithm }: PieceForm,
  { start, end }: Range,
  buffer: Buffer,
): Promise<string | null> {
  const hash = createHash(algorithm);
  for (let at = start; at < end; at += buffer.length) {
    const count = Math.min(buffer.length, end - at);
    if ((await readAt(fd, buffer, count, at)) < count) return null;
    hash.update(buffer.subarray(0, count));
  }
  return hash.digest('hex');
}

function rangeOf({ length }: PieceForm, index: number, size: number): Range {
  return { start: index * length, end: Math.min(size, (index + 1) * length) };
}

/** Appends a range; it melts into the last one where they touch. */
function addRange(ranges: Range[], { start, end }: Range): void {
  const last = ranges.at(-1);
  if (last?.end === start) last.end = end;
  else ranges.push({ start, end });
}
