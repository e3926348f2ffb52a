/** Files for tests: temporary directories, generated and sparse files, comparisons. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { contentPieces } from './content.js';
import { WrongContentError } from './second-try.js';

const PIECE = 1024 * 1024;

/** Makes a temporary directory; the caller removes it. */
export function makeTempDir(prefix = 'sluice-test-'): string {
  return realpathSync(mkdtempSync(path.join(tmpdir(), prefix)));
}

/**
 * Gives every test of the surrounding `describe` a directory of its own, removed afterwards. Call
 * it in the body of `describe`; the returned function gives the current test's directory.
 */
export function tempDirPerTest(): () => string {
  let current = '';
  beforeEach(() => {
    current = makeTempDir();
  });
  afterEach(() => rmSync(current, { recursive: true, force: true }));
  return () => current;
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}

/** Writes the content `seed` of `size` bytes (see `content.ts`) to a file. */
export function writeContentFile(file: string, seed: number, size: number): void {
  const descriptor = openSync(file, 'w');
  try {
    let position = 0;
    for (const piece of contentPieces(seed, 0, size)) {
      writeAll(descriptor, piece, position);
      position += piece.length;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Makes a sparse file of `size` bytes with the given islands of data in it. */
export function makeSparseFile(
  file: string,
  size: number,
  islands: ReadonlyArray<{ at: number; bytes: Uint8Array }> = [],
): void {
  const descriptor = openSync(file, 'w');
  try {
    ftruncateSync(descriptor, size);
    for (const { at, bytes } of islands) writeAll(descriptor, bytes, at);
  } finally {
    closeSync(descriptor);
  }
}

/** The bytes `[start, end)` of a file; fewer when it is shorter. */
export function readRange(file: string, start: number, end: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(end - start);
    let done = 0;
    for (;;) {
      const read = readSync(descriptor, bytes, done, bytes.length - done, start + done);
      done += read;
      if (read === 0 || done === bytes.length) return bytes.subarray(0, done);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Digest of a file as lower-case hex, read in pieces. */
export function digestOfFile(file: string, algorithm = 'sha256'): string {
  const hash = createHash(algorithm);
  const { size } = statSync(file);
  for (let at = 0; at < size; at += PIECE) hash.update(readRange(file, at, at + PIECE));
  return hash.digest('hex');
}

/** Short for {@link digestOfFile} with SHA-256. */
export const sha256OfFile = (file: string): string => digestOfFile(file);

/**
 * Fails unless the file has exactly the content `seed` of `size` bytes; says where the first
 * difference is.
 */
export function expectSameContent(file: string, seed: number, size: number): void {
  const actual = statSync(file).size;
  if (actual !== size) {
    throw new WrongContentError(`${file} has ${actual} bytes, not ${size}`);
  }
  let position = 0;
  for (const piece of contentPieces(seed, 0, size)) {
    const bytes = readRange(file, position, position + piece.length);
    if (!bytes.equals(piece)) {
      const at = position + piece.findIndex((byte, index) => byte !== bytes[index]);
      throw new WrongContentError(`${file} differs from content ${seed} at byte ${at} of ${size}`);
    }
    position += piece.length;
  }
}
