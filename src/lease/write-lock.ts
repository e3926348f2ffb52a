/**
 * Turns at writing. The kernel lets one thread at a time write to a file; the others spin on the
 * inode's lock and burn the processor that the server or TLS could use. Here they sleep instead.
 * Nothing depends on it but speed: who waits too long, for instance because a thread died in its
 * turn, goes ahead.
 */

/** Longer than any write should take, in milliseconds. */
const PATIENCE_MS = 200;

const FREE = 0;
const TAKEN = 1;
const AWAITED = 2;

/** @param word the shared word of the file's turn */
export class Turn {
  constructor(
    private readonly words: Int32Array,
    private readonly word: number,
  ) {}

  /** Runs `write` when no other thread is in its turn. It blocks: never wait for anything else in it. */
  take(write: () => void): void {
    this.enter();
    try {
      write();
    } finally {
      this.leave();
    }
  }

  private enter(): void {
    const { words, word } = this;
    if (Atomics.compareExchange(words, word, FREE, TAKEN) === FREE) return;
    const until = performance.now() + PATIENCE_MS;
    while (Atomics.exchange(words, word, AWAITED) !== FREE) {
      Atomics.wait(words, word, AWAITED, PATIENCE_MS);
      if (performance.now() > until) return;
    }
  }

  private leave(): void {
    const { words, word } = this;
    if (Atomics.exchange(words, word, FREE) === AWAITED) Atomics.notify(words, word, 1);
  }
}
