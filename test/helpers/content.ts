/**
 * File content as a pure function of seed and offset, so that a server can serve any range of a
 * file of any size without holding it, and a test can check any range without a reference file.
 */
import { createHash } from 'node:crypto';

const WORD = 4;
/** The longest piece of content that is sent at once. */
export const PIECE = 256 * 1024;
const PIECE_WORDS = PIECE / WORD;

/** One 32-bit word; every bit of `index` and `key` changes about half of its bits. */
function word(index: number, key: number): number {
  let x = Math.imul(index ^ key, 0x9e3779b1);
  x ^= x >>> 15;
  x = Math.imul(x ^ key, 0x85ebca6b);
  x ^= x >>> 13;
  return Math.imul(x, 0xc2b2ae35) ^ (x >>> 16);
}

/** The words of every piece, before the key of the piece is put in: quicker than hashing each word. */
const PATTERN = Int32Array.from({ length: PIECE_WORDS }, (_, index) => word(index, 0x27d4eb2f));

function copyPattern(target: Int32Array, first: number, key: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (PATTERN[first + i] ?? 0) ^ key;
}

/**
 * Fills `target` with the content of the file `seed` from `offset` on.
 * @param offset in bytes, any safe integer
 */
export function fillContent(target: Buffer, seed: number, offset: number): void {
  let index = Math.floor(offset / WORD);
  const skip = offset - index * WORD;
  const count = Math.ceil((skip + target.length) / WORD);
  // Fresh memory costs more than what is put into it.
  const fits = target.byteOffset % WORD === 0 && count * WORD === target.length;
  const words = fits
    ? new Int32Array(target.buffer, target.byteOffset, count)
    : new Int32Array(count);
  for (let done = 0; done < words.length;) {
    const piece = Math.floor(index / PIECE_WORDS);
    const key = word(piece | 0, word(seed | 0, Math.floor(piece / 2 ** 32)));
    const first = index - piece * PIECE_WORDS;
    const run = Math.min(words.length - done, PIECE_WORDS - first);
    copyPattern(words.subarray(done, done + run), first, key);
    done += run;
    index += run;
  }
  if (!fits) Buffer.from(words.buffer).copy(target, 0, skip, skip + target.length);
}

/** `length` bytes of the file `seed` from `offset` on. Keep `length` small: it is held in memory. */
export function contentAt(seed: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  fillContent(bytes, seed, offset);
  return bytes;
}

/** The whole content in pieces of at most 256 KiB; the buffer is used again for the next piece. */
export function* contentPieces(seed: number, start: number, end: number): Generator<Buffer> {
  const piece = Buffer.allocUnsafe(Math.min(PIECE, Math.max(0, end - start)));
  for (let offset = start; offset < end; offset += PIECE) {
    const part = piece.subarray(0, Math.min(PIECE, end - offset));
    fillContent(part, seed, offset);
    yield part;
  }
}

/** Digest of the file `seed` of `size` bytes, as lower-case hex. */
export function contentDigest(seed: number, size: number, algorithm = 'sha256'): string {
  const hash = createHash(algorithm);
  for (const piece of contentPieces(seed, 0, size)) hash.update(piece);
  return hash.digest('hex');
}
