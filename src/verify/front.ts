/** What the hash thread and its owner share. */
import type { ErrorRecord } from '../errors.js';
import type { ChecksumAlgorithm } from './checksum.js';
import type { CrcAlgorithm } from './crc-combine.js';
import type { PieceForm } from './pieces.js';

/** What a hash thread is asked to do. */
export interface HashJob {
  algorithms: ChecksumAlgorithm[];
  /** Hash each piece too, in the same pass. */
  pieces: PieceForm | null;
  memory: SharedArrayBuffer;
}

/** To sum the parts of a file in the order in which they come. */
export interface SumJob {
  sums: CrcAlgorithm[];
  memory: SharedArrayBuffer;
}

/** Parts of a {@link SumJob} that are in place; the size of the file with the last ones. */
export interface SumMore {
  ranges: Array<{ start: number; end: number }>;
  size: number | null;
}

/**
 * What came of it: digests in the order of the algorithms, as lower-case hexadecimal; behind them
 * the digests of the pieces as one.
 */
export type HashReply = { digests: string[] } | { error: ErrorRecord };

/** No descriptor. */
const NO_FILE = -1;

/** How long the thread sleeps when nobody wakes it, in milliseconds. */
const NAP_MS = 20;

/** Which file it is, the front up to which it is in place, and how far it is hashed. */
export class HashFront {
  private readonly words: BigInt64Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.words = new BigInt64Array(memory);
  }

  static allocate(): HashFront {
    const front = new HashFront(new SharedArrayBuffer(4 * 8));
    front.setFd(NO_FILE);
    return front;
  }

  /** Descriptor of the file; set before the first {@link advance}. */
  get fd(): number {
    return Number(Atomics.load(this.words, 3));
  }

  setFd(fd: number): void {
    Atomics.store(this.words, 3, BigInt(fd));
  }

  /** Bytes `[0, offset)` are in place; final when that is the whole file. */
  advance(offset: number, final: boolean): void {
    Atomics.store(this.words, 0, BigInt(offset));
    Atomics.store(this.words, 1, final ? 1n : 0n);
    Atomics.notify(this.words, 0);
  }

  load(): { offset: number; final: boolean } {
    // In the opposite order of advance(): a final front is never seen with an older offset.
    const final = Atomics.load(this.words, 1) === 1n;
    return { offset: Number(Atomics.load(this.words, 0)), final };
  }

  /** Sleeps until the front moves on from `offset`. Only for the thread: it blocks. */
  wait(offset: number): void {
    Atomics.wait(this.words, 0, BigInt(offset), NAP_MS);
  }

  get hashed(): number {
    return Number(Atomics.load(this.words, 2));
  }

  setHashed(offset: number): void {
    Atomics.store(this.words, 2, BigInt(offset));
  }
}
