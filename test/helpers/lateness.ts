/**
 * How long this thread was kept from running while something was measured. A bound in seconds holds
 * for a machine that has time for the test; what it took away is to be added.
 */
import { performance } from 'node:perf_hooks';

const TICK_MS = 10;

/** Sums up by how much its timer came too late, from its start to {@link stop}. */
export class Lateness {
  #last = performance.now();
  #late = 0;
  readonly #timer = setInterval(() => this.#look(), TICK_MS).unref();

  /** @returns milliseconds */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#late;
  }

  #look(): void {
    const now = performance.now();
    this.#late += Math.max(0, now - this.#last - 2 * TICK_MS);
    this.#last = now;
  }
}
