/**
 * Reading a document takes as long as whoever wrote it likes, within its bounds. So it is read in turns:
 * between two of them the process sees its signals and deadlines (P26).
 */
import { setImmediate as others } from 'node:timers/promises';

/** Milliseconds that one turn takes, about: below what a person notices after Ctrl-C. */
const TURN_MS = 10;

export class Pace {
  private since = performance.now();

  /** @param signal ends the reading; its reason is what {@link turn} throws */
  constructor(private readonly signal: AbortSignal) {}

  /** Whether the turn is over. Cheap; ask after every small piece of work. */
  get isDue(): boolean {
    return performance.now() - this.since >= TURN_MS;
  }

  /** Lets everything else of the thread have its turn. */
  async turn(): Promise<void> {
    await others();
    this.signal.throwIfAborted();
    this.since = performance.now();
  }
}
