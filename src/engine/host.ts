/**
 * The connections to one origin over all files of a process: how many are open, who waits for one, and
 * the controller that the files share.
 */
import { calledOff } from '../net/calling-off.js';
import { Concurrency } from '../schedule/concurrency.js';
import type { KnownOrigin } from '../schedule/concurrency.js';
import { Shares } from '../schedule/shares.js';
import { TUNING } from '../schedule/tuning.js';

/** Who keeps idle connections to the origin, and can close them. */
export interface Keepers {
  /** Closes one that this thread keeps; whether there was any. */
  dropLocal(): boolean;
  /** Closes all that other threads keep. */
  dropPooled(): Promise<void>;
}

/** How often one who waits looks whether the connection is still wanted, in milliseconds. */
const LOOK_MS = 25;

export class Host {
  /** Connections of this thread, opened or being opened. */
  private local = 0;
  /** Connections of other threads by their number: whether a lease has each of them now. */
  private readonly pooled = new Map<number, boolean>();
  /** What files that are over have left open in other threads. */
  private left = 0;
  private waiting: Array<() => void> = [];
  private asking = 0;
  private shares: Shares | null = null;

  /**
   * @param most connections that may be open
   * @param isStrict also for a moment, to measure a round trip, there is none beside them
   */
  constructor(
    readonly most: number,
    readonly isStrict: boolean,
    private readonly keepers: Keepers,
  ) {}

  /**
   * The controller of the origin, and how its connections are shared.
   * @param connections what the first file was told
   * @param known what earlier runs learnt, asked for once
   */
  shared(
    connections: number | 'auto',
    roundTripMs: number,
    known: () => KnownOrigin | null,
  ): Shares {
    if (this.shares !== null) return this.shares;
    const isAuto = connections === 'auto';
    const number = isAuto ? connections : this.most;
    const controller = new Concurrency(number, roundTripMs, TUNING, isAuto ? known() : null);
    this.shares = new Shares(controller, this.most);
    this.shares.setClaims(this.asking);
    return this.shares;
  }

  /** Something is being asked of the origin that no file's connections bring. Returns what ends that. */
  ask(): () => void {
    this.shares?.setClaims(++this.asking);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.shares?.setClaims(--this.asking);
    };
  }

  /** Whether connections of files are at work. */
  get isServing(): boolean {
    return (this.shares?.busy ?? 0) > 0;
  }

  /**
   * The server refused a request for a file while it served others: so many as it serves may work. Like
   * that the next one waits for its turn.
   */
  objected(pauseMs: number): void {
    const { shares } = this;
    shares?.controller.objected(performance.now(), shares.busy, pauseMs);
  }

  /**
   * Waits while as many connections are at work as the server lets.
   * @param isWanted asked now and then; without it nothing is waited for
   */
  async turn(isWanted: () => boolean): Promise<void> {
    while (isWanted() && this.isServing) {
      const allowed = this.shares?.controller.allowed ?? Infinity;
      if ((this.shares?.busy ?? 0) + this.asking < allowed) return;
      await this.change();
    }
  }

  /** Connections that are open, at most. */
  get open(): number {
    return this.local + this.pooled.size + this.left;
  }

  /**
   * Lets this thread open one more, as soon as there may be one.
   * @returns what is to be called when it is closed
   * @throws SluiceError the signal's reason
   */
  async admitLocal(signal: AbortSignal | null): Promise<() => void> {
    const isWanted = (): boolean => signal?.aborted !== true;
    const closed = await this.room(isWanted, () => this.countLocal());
    if (closed === null) throw calledOff(signal);
    return closed;
  }

  /** Counts one more now, if there may be one; returns what is to be called when it is closed, or null. */
  tryLocal(): (() => void) | null {
    return this.open < this.most ? this.countLocal() : null;
  }

  private countLocal(): () => void {
    this.local++;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.local--;
      this.changed();
    };
  }

  /**
   * A lease is about to be received by another thread, on the connection of a number: that is open, or
   * there has to be room for it.
   */
  async admitPooled(number: number, isWanted: () => boolean): Promise<void> {
    // A connection that a file has left may be where this lease goes; that is not known here.
    const take = (): unknown => this.pooled.set(number, true);
    if (this.pooled.has(number)) take();
    else await this.room(isWanted, take);
  }

  /** A lease of another thread is over. @param keeps its connection is open still */
  endedPooled(number: number, keeps: boolean): void {
    if (keeps && this.pooled.has(number)) this.pooled.set(number, false);
    else this.pooled.delete(number);
    this.changed();
  }

  /** A file has no use for a connection any more; its thread may keep it for others. */
  leftPooled(number: number): void {
    if (this.pooled.delete(number)) this.left++;
    this.changed();
  }

  /** The other threads are gone, and their connections with them. */
  lostPooled(): void {
    this.pooled.clear();
    this.left = 0;
    this.changed();
  }

  /** Waits for room and takes it; null when nobody wants it any more. */
  private async room<T>(isWanted: () => boolean, take: () => T): Promise<T | null> {
    while (this.open >= this.most) {
      if (!isWanted()) return null;
      if (this.keepers.dropLocal()) await this.change();
      else if (this.hasIdlePooled) await this.dropPooled();
      else await this.change();
    }
    return take();
  }

  private get hasIdlePooled(): boolean {
    return this.left > 0 || [...this.pooled.values()].includes(false);
  }

  private async dropPooled(): Promise<void> {
    // From now on a lease on one of them opens another, and has to be let.
    const dropped = [...this.pooled].flatMap(([number, isBusy]) => (isBusy ? [] : [number]));
    for (const number of dropped) this.pooled.delete(number);
    const closing = dropped.length + this.left;
    this.left = closing;
    await this.keepers.dropPooled();
    this.left = Math.max(0, this.left - closing);
    this.changed();
  }

  /** Resolves when something was closed, or after a while. */
  private change(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private changed(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }
}
