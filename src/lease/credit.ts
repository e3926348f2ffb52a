/**
 * How many bytes all connections of a process may still receive at once, for a rate that the user asked
 * for: the main thread adds to it at that rate, each read takes from it, and a connection that finds it
 * spent leaves what comes in its socket. It may fall below zero by what one read of each connection brings.
 */

/** Words of the memory: the credit in bytes, and whether it was found spent. */
const CREDIT = 0;
const FOUND_SPENT = 1;

export class Credit {
  private readonly words: Int32Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
  }

  static allocate(): Credit {
    return new Credit(new SharedArrayBuffer(8));
  }

  /** Bytes that may be received now; at least 0. */
  get left(): number {
    return Math.max(0, Atomics.load(this.words, CREDIT));
  }

  /** Whether nothing may be received now. */
  get isSpent(): boolean {
    if (Atomics.load(this.words, CREDIT) > 0) return false;
    Atomics.store(this.words, FOUND_SPENT, 1);
    return true;
  }

  /** Takes note of bytes that were received. */
  take(bytes: number): void {
    Atomics.sub(this.words, CREDIT, bytes);
  }

  /** Adds to the credit, up to `most` bytes; done by the main thread only. */
  add(bytes: number, most: number): void {
    for (;;) {
      const now = Atomics.load(this.words, CREDIT);
      const next = Math.min(most, now + bytes);
      if (Atomics.compareExchange(this.words, CREDIT, now, next) === now) return;
    }
  }

  /** Whether a connection had to wait since the last call. */
  takeFoundSpent(): boolean {
    return Atomics.exchange(this.words, FOUND_SPENT, 0) !== 0;
  }
}
