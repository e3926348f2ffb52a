/**
 * The books of one download: what is written, what is out on leases, what is missing. Pure. The
 * three always make up the whole of `[0, total)`.
 */
import { assert } from '../errors.js';
import { ExtentSet } from './extents.js';
import type { Span } from './types.js';

/** A lease in the books. */
export interface BookedLease extends Span {
  lease: number;
  slot: number;
  /** Whether it is to end where it is; what is left of it will be missing. */
  givenUp: boolean;
  /** Whether another lease fetches the end of it as well. */
  doubled: boolean;
}

export class Ledger {
  readonly written: ExtentSet;
  readonly missing = new ExtentSet();
  private readonly out = new Map<number, BookedLease>();

  /**
   * @param total length of the file in bytes
   * @param written what earlier runs left
   */
  constructor(
    public total: number,
    written: ExtentSet,
  ) {
    this.written = written.clone();
    for (const [start, end] of this.written.gaps(0, total)) this.missing.add(start, end);
  }

  get leases(): IterableIterator<BookedLease> {
    return this.out.values();
  }

  get leasesOut(): number {
    return this.out.size;
  }

  get isComplete(): boolean {
    return this.out.size === 0 && this.missing.total() === 0;
  }

  lease(number: number): BookedLease | undefined {
    return this.out.get(number);
  }

  /** Whether a lease is at work on what lies right before an offset: it will bring a sample. */
  isReachedAt(offset: number): boolean {
    for (const { end } of this.out.values()) if (end === offset) return true;
    return false;
  }

  /** Gaps in order of offset. */
  gaps(): Span[] {
    return this.missing.toArray();
  }

  /** Books a lease on a missing range. */
  open(lease: number, slot: number, { start, end }: Span): void {
    assert(start < end && this.missing.has(start, end), `lease ${lease} is on missing bytes`);
    this.missing.remove(start, end);
    this.out.set(lease, { lease, slot, start, end, givenUp: false, doubled: false });
  }

  /** Books a lease on the end of another one, which goes on: the first copy counts. */
  double(lease: number, slot: number, of: number, { start, end }: Span): void {
    const booked = this.out.get(of);
    assert(
      booked?.doubled === false && start >= booked.start && start < end && end === booked.end,
      `lease ${lease} doubles the end of lease ${of}`,
    );
    booked.doubled = true;
    this.out.set(lease, { lease, slot, start, end, givenUp: false, doubled: true });
  }

  private isLeased(from: number, to: number): boolean {
    for (const { start, end } of this.out.values()) if (start < to && end > from) return true;
    return false;
  }

  /** Lowers the end of a lease; what it loses is missing again. */
  cut(number: number, end: number): void {
    const booked = this.out.get(number);
    assert(
      booked?.doubled === false && end > booked.start && end < booked.end,
      `cut of lease ${number}`,
    );
    this.missing.add(end, booked.end);
    booked.end = end;
  }

  /** Whether another lease has brought all of `[position, end)` of a lease. */
  isSuperseded({ doubled, end }: BookedLease, position: number): boolean {
    return doubled && position < end && this.written.has(position, end);
  }

  /** A lease is to end where it is. */
  giveUp(number: number): void {
    const booked = this.out.get(number);
    assert(booked !== undefined, `giving up lease ${number}`);
    booked.givenUp = true;
  }

  /**
   * Ends a lease that wrote `[start, written)`. It may have written beyond its end, when the end
   * was lowered while it wrote: those bytes count only if nobody else has them out. What another
   * one has fetched as well, or still does, is not missing.
   */
  close(number: number, written: number): void {
    const booked = this.out.get(number);
    assert(booked !== undefined && written >= booked.start, `close of lease ${number}`);
    this.out.delete(number);
    const own = Math.min(written, booked.end);
    this.written.add(booked.start, own);
    for (const [start, end] of this.written.gaps(own, booked.end)) this.missing.add(start, end);
    for (const { start, end } of this.out.values()) this.missing.remove(start, end);
    if (own < booked.end) this.endDoubles();
  }

  /** A lease whose second copy ended before its time is like any other again. */
  private endDoubles(): void {
    for (const each of this.out.values()) {
      const others = [...this.out.values()].filter((other) => other !== each);
      each.doubled &&= others.some(({ start, end }) => start < each.end && end > each.start);
    }
  }

  /** Raises the end of a lease up to an offset that no other lease lies before. */
  extend(number: number, end: number): void {
    const booked = this.out.get(number);
    assert(
      booked?.doubled === false && end > booked.end && !this.isLeased(booked.end, end),
      `extension of lease ${number}`,
    );
    this.missing.remove(booked.end, end);
    booked.end = end;
  }

  /** The length turned out to be this: nothing beyond it is missing. */
  endAt(total: number): void {
    assert(total <= this.total && this.out.size === 0, `end at ${total}`);
    this.missing.remove(total, this.total);
    this.total = total;
  }

  /** Takes written bytes back: they have to be fetched again. */
  forget({ start, end }: Span): void {
    this.written.remove(start, end);
    this.missing.add(start, end);
    for (const { start: from, end: to } of this.out.values()) this.missing.remove(from, to);
  }
}
