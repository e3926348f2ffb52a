/**
 * The clock of what a connection waits for. Only what is of use winds it up again: a byte that nobody
 * needs (of an interim answer, a chunk extension, a trailer, a body that is thrown away) is no sign
 * that the rest will come.
 */
import { deadline } from './deadline.js';

export class Clock {
  private fromMs = 0;
  private end: (() => void) | null = null;

  /** Calls `over` when so many milliseconds have passed since this call or the last {@link wind}. */
  start(ms: number, over: () => void): void {
    this.stop();
    this.wind();
    const wait = (left: number): void => {
      this.end = deadline(left, () => {
        const passed = performance.now() - this.fromMs;
        // It is set again only when it is over, not at each read.
        if (passed < ms) wait(ms - passed);
        else over();
      });
    };
    wait(ms);
  }

  /** The time begins anew, now or when the last bytes came. */
  wind(atMs = performance.now()): void {
    this.fromMs = atMs;
  }

  stop(): void {
    this.end?.();
    this.end = null;
  }
}
