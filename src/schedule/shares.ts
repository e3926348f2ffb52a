/**
 * One controller of an origin, over all files that come from it. Each file has a share of the number
 * of connections that may work; together they have no more than that. What a server objects to counts
 * for all of them.
 */
import type { Concurrency, Lesson, Present } from './concurrency.js';
import type { LimitedBy } from './types.js';

/** What a file knows of the number of its connections. */
export interface Allotment {
  /** How many connections of the file may work now. */
  readonly target: number;
  /** Connections that the file has too many, while others wait for theirs. */
  readonly surplus: number;
  readonly limitedBy: LimitedBy;
  takeTripWish(): boolean;
  roundTrip(ms: number | null, nowMs: number): void;
  objected(nowMs: number, served: number, pauseMs?: number): void;
  sample(now: Present, nowMs: number): void;
}

/** The connections of one origin, shared by files. */
export class Shares {
  private readonly shares = new Set<Share>();
  /** Bytes of the files that have left. */
  private bytesBefore = 0;
  private claims = 0;
  /** What the last division was made from. */
  private divided = '';

  /**
   * @param controller of the origin
   * @param most connections to the origin over all files
   */
  constructor(
    readonly controller: Concurrency,
    private readonly most: number,
  ) {}

  /**
   * A file begins to receive.
   * @param useful connections that it can use
   */
  join(useful: number): Share {
    const share = new Share(this, useful);
    this.shares.add(share);
    this.divided = '';
    return share;
  }

  /** @param share of a file that receives no more */
  leave(share: Share): void {
    if (!this.shares.delete(share)) return;
    this.bytesBefore += share.present?.bytes ?? 0;
    this.divided = '';
  }

  /** So many connections ask for files that have not begun: files at work leave room for them. */
  setClaims(claims: number): void {
    if (claims === this.claims) return;
    this.claims = claims;
    this.divided = '';
  }

  get lesson(): Lesson {
    return this.controller.lesson;
  }

  /** Whether a file, or a request for one, has less than it may have. */
  get isShort(): boolean {
    if (this.claims > 0) return true;
    return [...this.shares].some(({ present, target }) => (present?.busy ?? 0) < target);
  }

  /** Connections of all files that have a lease. */
  get busy(): number {
    let busy = 0;
    for (const { present } of this.shares) busy += present?.busy ?? 1;
    return busy;
  }

  /** Divides the target again, if it or those who share it are others than they were. */
  divide(): void {
    const { target, ceiling } = this.controller;
    const from = `${target} ${ceiling}`;
    if (from === this.divided) return;
    this.deal();
    const { controller } = this;
    this.divided = `${controller.target} ${controller.ceiling}`;
  }

  /**
   * Divides the target: as evenly as what each file can use allows, the rest of the division to those
   * that came first. Where fewer may work than there are files, those that came last wait.
   */
  private deal(): void {
    const count = this.shares.size;
    const wanted = [...this.shares].reduce((sum, { useful }) => sum + useful, 0);
    const claimed = Math.min(this.claims, Math.max(0, this.most - count));
    this.controller.setUsable(Math.max(1, Math.min(wanted, this.most - claimed)));
    // Each file that the user wants at once has one, as far as the server allows.
    let left = Math.max(this.controller.target, Math.min(count, this.controller.ceiling));
    // Who can use less than an even part gets that; the others divide what is left by that.
    const byNeed = [...this.shares].sort((a, b) => a.useful - b.useful);
    let files = count;
    let even = 0;
    for (const { useful } of byNeed) {
      even = Math.floor(left / files);
      if (useful > even) break;
      left -= useful;
      files--;
    }
    for (const share of this.shares) share.granted = Math.min(share.useful, even);
    left -= files * even;
    for (const share of this.shares) {
      if (left === 0) return;
      if (share.granted >= share.useful) continue;
      share.granted++;
      left--;
    }
  }

  /** Takes note of the present of a file; that of all goes to the controller once for each look. */
  sample(of: Share, nowMs: number): void {
    const [leader] = this.shares;
    if (leader !== of) return;
    const all: Present = {
      bytes: this.bytesBefore,
      receiving: 0,
      busy: 0,
      held: false,
      processor: 0,
      lastsMs: 0,
    };
    for (const { present } of this.shares) {
      if (present === null) continue;
      all.bytes += present.bytes;
      all.receiving += present.receiving;
      all.busy += present.busy;
      all.held ||= present.held;
      all.processor = Math.max(all.processor, present.processor);
      all.lastsMs = Math.max(all.lastsMs, present.lastsMs);
    }
    this.controller.sample(all, nowMs);
  }
}

/** What one file has of an origin's connections. */
export class Share implements Allotment {
  /** How many of the target are this file's, by the last division. */
  granted = 0;
  present: Present | null = null;

  /** @param useful connections that the file can use */
  constructor(
    private readonly shares: Shares,
    readonly useful: number,
  ) {}

  get target(): number {
    this.shares.divide();
    return this.granted;
  }

  get surplus(): number {
    const surplus = (this.present?.busy ?? 0) - this.target;
    return surplus > 0 && this.shares.isShort ? surplus : 0;
  }

  get limitedBy(): LimitedBy {
    return this.shares.controller.limitedBy;
  }

  takeTripWish(): boolean {
    return this.shares.controller.takeTripWish();
  }

  roundTrip(ms: number | null, nowMs: number): void {
    this.shares.controller.roundTrip(ms, nowMs);
  }

  objected(nowMs: number, served: number, pauseMs = 0): void {
    const others = this.shares.busy - (this.present?.busy ?? 1);
    this.shares.controller.objected(nowMs, served + others, pauseMs);
  }

  sample(now: Present, nowMs: number): void {
    this.present = now;
    this.shares.sample(this, nowMs);
  }
}
