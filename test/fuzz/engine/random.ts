/** Random choices that a seed makes again. */
import { randoms } from '../../crash/random.js';

export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randoms(seed);
  }

  /** An integer in `[0, bound)`. */
  below(bound: number): number {
    return Math.floor(this.#next() * bound);
  }

  /** One of `items`, of which there is at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
