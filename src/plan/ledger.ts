/**
 * The books of one download: what is written, what is out on leases, what is missing. Pure. The
 * three always make up the whole of `[0, total)`.
 */
import { assert } from '../errors.js';
import { ExtentSet } from './extents.js';
import type { Span } from './moves.js';
import { SEAM_BYTES } from './seam-budget.js';

/** A lease in the books. */
export interface BookedLease extends Span {
  lease: number;
  slot: number;
  /** The most bytes beyond its end that it has been to fetch. */
  beyond: number;
  /** Whether it is to end where it is; what is left of it will be missing. */
  givenUp: boolean;
  /** Whether another lease fetches the end of it as well. */
  doubled: boolean;
}

export class Ledger {
  readonly written: ExtentSet;
  readonly missing = new ExtentSet();
  private readonly out = new Map<number, BookedLease>();
  private seams = 0;

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

  /** Bytes of seams that were asked for so far (P5). */
  get seamBytes(): number {
    return this.seams;
  }

  /** Bytes of seams that what is missing needs, when nothing is divided any more. */
  get owedSeamBytes(): number {
    let sum = 0;
    for (const { start, end } of this.gaps()) {
      const known = start > 0 && this.written.has(start - 1, start);
      sum += (known ? SEAM_BYTES : 0) + this.beyond(end);
    }
    for (const { end, givenUp } of this.out.values())
      if (givenUp) sum += SEAM_BYTES + this.beyond(end);
    return sum;
  }

  /** Whether a lease is at work on what lies right before an offset: it will bring a sample. */
  isReachedAt(offset: number): boolean {
    for (const { end } of this.out.values()) if (end === offset) return true;
    return false;
  }

  private beyond(end: number): number {
    return Math.min(SEAM_BYTES, this.total - end);
  }

  /** Gaps in order of offset. */
  gaps(): Span[] {
    return this.missing.toArray();
  }

  /**
   * Books a lease on a missing range.
   * @param before known bytes before it that it fetches too
   */
  open(lease: number, slot: number, { start, end }: Span, before = 0): void {
    assert(start < end && this.missing.has(start, end), `lease ${lease} is on missing bytes`);
    this.missing.remove(start, end);
    const beyond = this.beyond(end);
    this.seams += before + beyond;
    this.out.set(lease, { lease, slot, start, end, beyond, givenUp: false, doubled: false });
  }

  /**
   * Books a lease on the end of another one, which goes on: the first copy counts.
   * @param before known bytes before it that it fetches too
   */
  double(lease: number, slot: number, of: number, { start, end }: Span, before: number): void {
    const booked = this.out.get(of);
    assert(
      booked?.doubled === false && start >= booked.start && start < end && end === booked.end,
      `lease ${lease} doubles the end of lease ${of}`,
    );
    booked.doubled = true;
    const beyond = this.beyond(end);
    this.seams += before + beyond;
    this.out.set(lease, { lease, slot, start, end, beyond, givenUp: false, doubled: true });
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
    const more = Math.max(0, this.beyond(end) - booked.beyond);
    booked.beyond += more;
    this.seams += more;
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
  }

  /** Gives a lease everything that is missing behind it, as before any cut. */
  extend(number: number): BookedLease {
    const booked = this.out.get(number);
    assert(booked !== undefined && this.out.size === 1, `extension of lease ${number}`);
    this.missing.remove(booked.end, this.total);
    booked.end = this.total;
    return booked;
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
