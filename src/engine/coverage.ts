/** What is in the file at this moment: closed leases, and the written part of open ones. */
import { ExtentSet } from '../schedule/extents.js';
import type { Ledger } from '../schedule/ledger.js';
import { SEAM_BYTES } from '../lease/task.js';
import type { Slots } from '../lease/task.js';
import type { Seams } from './seams.js';

export class Coverage {
  constructor(
    private readonly ledger: Ledger,
    private readonly slots: Slots,
    private readonly seams: Seams,
  ) {}

  /** The next offset that a lease will write. Its slot may already be at work on another lease. */
  positionOf(slot: number, lease: number, start: number): number {
    return this.slots.lease(slot) === lease ? this.slots.position(slot) : start;
  }

  /** Bytes in the file now. What is received and thrown away again is no progress. */
  inPlace(): number {
    let sum = this.ledger.written.total();
    for (const { lease, slot, start, end } of this.ledger.leases)
      sum += Math.max(0, Math.min(end, this.positionOf(slot, lease, start)) - start);
    return sum;
  }

  /**
   * Everything that may be claimed for a later run. Bytes whose seam is still to be compared are
   * left out: a later run must compare it anew.
   */
  claimable(): Array<{ start: number; end: number }> {
    const now = this.written();
    for (const { start, end } of this.seams.open()) now.remove(start, end);
    return now.toArray();
  }

  /** Whether all of `[start, end)` is in the file. */
  has(start: number, end: number): boolean {
    const gaps = this.ledger.written.gaps(start, end);
    if (gaps.length === 0) return true;
    // What is written may be thousands of ranges, and each seam asks: only the gaps are looked at.
    const missing = new ExtentSet(gaps.map(([from, to]) => ({ start: from, end: to })));
    for (const each of this.ledger.leases) {
      const position = Math.min(each.end, this.positionOf(each.slot, each.lease, each.start));
      if (position > each.start) missing.remove(each.start, position);
    }
    return missing.length === 0;
  }

  /**
   * How many known bytes before an offset a lease that begins there has to compare, up to a seam's
   * width. None where the lease before it brings a sample, or has: one comparison ties the two.
   */
  headSeam(offset: number): number {
    if (this.ledger.isReachedAt(offset) || this.seams.hasWhole(offset)) return 0;
    const from = Math.max(0, offset - SEAM_BYTES);
    return this.ledger.written.has(from, offset) ? offset - from : 0;
  }

  private written(): ExtentSet {
    const now = this.ledger.written.clone();
    for (const { lease, slot, start, end } of this.ledger.leases) {
      const position = Math.min(end, this.positionOf(slot, lease, start));
      if (position > start) now.add(start, position);
    }
    return now;
  }
}
