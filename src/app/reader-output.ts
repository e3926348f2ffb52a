/** A Readable as the place of a download: in order, and no faster than it is read. */
import { Readable } from 'node:stream';
import { SluiceError } from '../errors.js';
import type { Output } from '../transfer/stream.js';

export class ReaderOutput implements Output {
  readonly readable: Readable;
  private wanted: (() => void) | null = null;
  private isOver = false;

  /** @param onGone is called when the reader has destroyed the stream before its end */
  constructor(onGone: (error: SluiceError) => void) {
    this.readable = new Readable({
      read: () => {
        this.wanted?.();
        this.wanted = null;
      },
      destroy: (error, done) => {
        if (!this.isOver) onGone(new SluiceError('OUTPUT_CLOSED', 'the reader has gone'));
        done(error);
      },
    });
  }

  /** Resolves when the reader wants more. What is given up by then is never resolved: the run ends by its stop. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      // The reader keeps what it gets. `fill` copies out of shared memory faster than `from`: see src/lease/window.ts.
      const kept = Buffer.allocUnsafe(bytes.length).fill(bytes);
      if (this.readable.push(kept)) return resolve();
      this.wanted = resolve;
    });
  }

  close(): void {
    this.wanted = null;
  }

  /** The end comes when all of it is proven; an error destroys the stream. */
  end(error: SluiceError | null): void {
    this.isOver = true;
    if (error === null) this.readable.push(null);
    else if (!this.readable.destroyed) this.readable.destroy(error);
  }
}
