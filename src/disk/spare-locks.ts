/**
 * Locks of files that are finished, for the files of the same directory that come next: a list of small
 * files moves one lock from name to name, where each would make and remove a directory and a socket.
 */
import path from 'node:path';

/** A lock that nobody takes up within this time is given back, in milliseconds. */
const SPARE_MS = 50;

/** What is known of a lock here. */
interface Held {
  /** Whether nobody else's files are in its directory, and ours still are. */
  isAlone(): boolean;
  release(): Promise<void>;
}

interface Spare<Lock> {
  lock: Lock;
  place: string;
  timer: NodeJS.Timeout;
}

export class SpareLocks<Lock extends Held> {
  private readonly spares = new Set<Spare<Lock>>();
  private readonly releasing = new Set<Promise<void>>();
  private closed = false;

  /**
   * Keeps a lock, under the name that it has, for the next file of its directory.
   * @param place the lock's path
   */
  async put(lock: Lock, place: string): Promise<void> {
    if (this.closed || !lock.isAlone()) return lock.release();
    const spare: Spare<Lock> = {
      lock,
      place,
      timer: setTimeout(() => this.release(spare), SPARE_MS),
    };
    this.spares.add(spare);
  }

  /**
   * A lock that is still held and lies in the directory of a place: the one at that very place, if there is one, for
   * no other can be moved there. Null when there is none.
   */
  take(place: string): Lock | null {
    const there = [...this.spares].filter((spare) => spare.place === place);
    const beside = [...this.spares].filter(
      (spare) => spare.place !== place && path.dirname(spare.place) === path.dirname(place),
    );
    for (const spare of [...there, ...beside]) {
      clearTimeout(spare.timer);
      if (spare.lock.isAlone()) {
        this.spares.delete(spare);
        return spare.lock;
      }
      // Somebody has removed it, or put something into it.
      this.release(spare);
    }
    return null;
  }

  /** Gives all of them back, and keeps none any more. */
  async close(): Promise<void> {
    this.closed = true;
    for (const spare of [...this.spares]) {
      clearTimeout(spare.timer);
      this.release(spare);
    }
    await Promise.all(this.releasing);
  }

  private release(spare: Spare<Lock>): void {
    this.spares.delete(spare);
    const over = spare.lock.release().finally(() => this.releasing.delete(over));
    this.releasing.add(over);
  }
}
