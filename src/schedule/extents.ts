/** Sets of byte ranges. All ranges are half-open: `[start, end)`, in bytes. */
import { assert } from '../errors.js';

/** The bytes from `start` up to, but not with, `end`. */
export interface Extent {
  start: number;
  end: number;
}

/**
 * Ranges that a download has in its books when it begins. Some hundred are many; a journal or digests
 * of pieces that a stranger made could leave hundreds of thousands, and each change costs their number.
 */
export const MAX_RANGES = 8192;

/**
 * Of ascending, disjoint ranges those that make up the longest runs: a run is ranges that touch.
 * @param most runs at most
 */
export function longestRuns<Range extends Extent>(ranges: readonly Range[], most: number): Range[] {
  const runs: Range[][] = [];
  for (const range of ranges) {
    const last = runs.at(-1);
    if (last?.at(-1)?.end === range.start) last.push(range);
    else runs.push([range]);
  }
  if (runs.length <= most) return [...ranges];
  const lengths = runs.map((run) => (run.at(-1) as Range).end - (run[0] as Range).start);
  const shortest = [...lengths].sort((a, b) => b - a)[most - 1] as number;
  let room = most - lengths.filter((length) => length > shortest).length;
  return runs.flatMap((run, at) => {
    const length = lengths[at] as number;
    return length > shortest || (length === shortest && room-- > 0) ? run : [];
  });
}

/**
 * Ascending, disjoint ranges as `most` of them at most, which hold all their bytes and those of the
 * smallest gaps between them.
 */
export function joinedTo(ranges: readonly Extent[], most: number): Extent[] {
  const gaps = ranges.slice(1).map(({ start }, at) => start - (ranges[at] as Extent).end);
  const widest = [...gaps].sort((a, b) => b - a)[most - 1] ?? -1;
  const joined: Extent[] = [];
  for (const [at, { start, end }] of ranges.entries()) {
    const last = joined.at(-1);
    if (last !== undefined && (gaps[at - 1] as number) <= widest) last.end = end;
    else joined.push({ start, end });
  }
  return joined;
}

/**
 * A set of bytes, kept as sorted, disjoint ranges that do not touch. Looking up costs O(log n),
 * changing costs O(n) in the worst case with a very small factor.
 */
export class ExtentSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #total = 0;

  /** A set of the given ranges, which may come in any order and may overlap. */
  constructor(extents: Iterable<Readonly<Extent>> = []) {
    for (const { start, end } of extents) this.add(start, end);
  }

  /** Number of ranges. */
  get length(): number {
    return this.#starts.length;
  }

  /** The offset behind the last byte; 0 when there is none. */
  get end(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Number of bytes in the set. */
  total(): number {
    return this.#total;
  }

  /** Puts `[start, end)` into the set; returns how many of these bytes are new. */
  add(start: number, end: number): number {
    checkRange(start, end);
    if (start === end) return 0;
    // Ranges from `first` up to `last` overlap or touch the new one and melt into it.
    const first = this.#firstEndingFrom(start);
    let last = first;
    let low = start;
    let high = end;
    let known = 0;
    while (this.#startAt(last) <= end) {
      low = Math.min(low, this.#startAt(last));
      high = Math.max(high, this.#endAt(last));
      known += this.#endAt(last) - this.#startAt(last);
      last += 1;
    }
    this.#starts.splice(first, last - first, low);
    this.#ends.splice(first, last - first, high);
    const added = high - low - known;
    this.#total += added;
    return added;
  }

  /** Takes `[start, end)` out of the set; returns how many bytes were in it. */
  remove(start: number, end: number): number {
    checkRange(start, end);
    if (start === end) return 0;
    const first = this.#firstEndingFrom(start);
    const starts: number[] = [];
    const ends: number[] = [];
    let last = first;
    let removed = 0;
    for (; this.#startAt(last) < end; last += 1) {
      const from = this.#startAt(last);
      const to = this.#endAt(last);
      removed += Math.min(to, end) - Math.max(from, start);
      if (from < start) {
        starts.push(from);
        ends.push(start);
      }
      if (to > end) {
        starts.push(end);
        ends.push(to);
      }
    }
    this.#starts.splice(first, last - first, ...starts);
    this.#ends.splice(first, last - first, ...ends);
    this.#total -= removed;
    return removed;
  }

  /** Whether every byte of `[start, end)` is in the set. An empty range always is. */
  has(start: number, end: number): boolean {
    checkRange(start, end);
    if (start === end) return true;
    const at = this.#firstEndingFrom(start);
    return this.#startAt(at) <= start && this.#endAt(at) >= end;
  }

  /** The parts of `[from, to)` that are not in the set, ascending. */
  gaps(from: number, to: number): [start: number, end: number][] {
    checkRange(from, to);
    const found: [number, number][] = [];
    let position = from;
    for (let at = this.#firstEndingFrom(from); this.#startAt(at) < to; at += 1) {
      const start = this.#startAt(at);
      if (start > position) found.push([position, start]);
      position = this.#endAt(at);
    }
    if (position < to) found.push([position, to]);
    return found;
  }

  /** The first byte at or after `from` that is not in the set. */
  firstGap(from: number): number {
    checkRange(from, from);
    const at = this.#firstEndingFrom(from);
    return this.#startAt(at) <= from ? this.#endAt(at) : from;
  }

  /** The ranges, ascending; a copy. */
  toArray(): Extent[] {
    return this.#starts.map((start, at) => ({ start, end: this.#endAt(at) }));
  }

  /** The ranges as pairs, ascending; a copy. */
  toPairs(): [start: number, end: number][] {
    return this.#starts.map((start, at) => [start, this.#endAt(at)]);
  }

  clone(): ExtentSet {
    const copy = new ExtentSet();
    for (let at = 0; at < this.#starts.length; at += 1) {
      copy.#starts.push(this.#startAt(at));
      copy.#ends.push(this.#endAt(at));
    }
    copy.#total = this.#total;
    return copy;
  }

  /** Where a range starts; behind the last one, beyond every byte. */
  #startAt(index: number): number {
    return this.#starts[index] ?? Infinity;
  }

  #endAt(index: number): number {
    return this.#ends[index] as number;
  }

  /** Index of the first range that ends at `position` or after it. */
  #firstEndingFrom(position: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#endAt(middle) >= position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function checkRange(start: number, end: number): void {
  assert(
    Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end,
    `[${start}, ${end}) is a range`,
  );
}
