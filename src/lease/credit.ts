/**
 * How many bytes all connections of a process may still receive at once, for a rate that the user asked
 * for: the main thread adds to it at that rate, each read takes from it, and a connection that finds it
 * spent leaves what comes in its socket. It may fall below zero by what one read of each connection brings.
 */

/** Words of the memory: the credit in bytes, whether it was found spent, and whether there is a limit at all. */
const CREDIT = 0;
const FOUND_SPENT = 1;
const LIMITED = 2;

export class Credit {
  private readonly words: Int32Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
  }

  static allocate(): Credit {
    return new Credit(new SharedArrayBuffer(12));
  }

  /** Whether there is a limit; it may come and go while bytes flow. */
  get isLimited(): boolean {
    return Atomics.load(this.words, LIMITED) !== 0;
  }

  /** Begins or ends to limit; done by the main thread only. A new limit begins with nothing. */
  setLimited(isLimited: boolean): void {
    if (isLimited && !this.isLimited) Atomics.store(this.words, CREDIT, 0);
    Atomics.store(this.words, LIMITED, isLimited ? 1 : 0);
  }

  /** Bytes that may be received now; at least 0. */
  get left(): number {
    if (!this.isLimited) return Infinity;
    return Math.max(0, Atomics.load(this.words, CREDIT));
  }

  /** Whether nothing may be received now. */
  get isSpent(): boolean {
    if (!this.isLimited || Atomics.load(this.words, CREDIT) > 0) return false;
    Atomics.store(this.words, FOUND_SPENT, 1);
    return true;
  }

  /** Takes note of bytes that were received. */
  take(bytes: number): void {
    if (this.isLimited) Atomics.sub(this.words, CREDIT, bytes);
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
