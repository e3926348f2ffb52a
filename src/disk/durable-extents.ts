/** What a journal claims: ranges of the part that are on disk, each with a CRC-32. */
import type { Extent } from '../plan/extents.js';
import { crc32Combine } from './crc.js';

/** A half-open range that is on disk, and the CRC-32 of its bytes. */
export interface DurableExtent extends Extent {
  crc: number;
}

/**
 * Longest range under one CRC, in bytes: as much as one wrong byte can cost. It is also what
 * keeps the journal of a 1 TiB file within 400 KiB.
 */
export const MAX_EXTENT = 64 * 1024 * 1024;

/** Claims, ascending and disjoint. */
export class DurableExtents {
  #list: DurableExtent[];

  /** @param sorted ascending and disjoint extents; taken over, not copied. */
  constructor(sorted: DurableExtent[] = []) {
    this.#list = sorted;
  }

  /**
   * Adds a claim. Older claims that it overlaps are dropped whole, for the CRC of what would be
   * left of them is unknown: a part of the truth is claimed, never more than the truth.
   */
  add(extent: DurableExtent): void {
    const [first, last] = this.#overlapping(extent);
    if (first === this.#list.length) this.#list.push(extent);
    else this.#list.splice(first, last - first, extent);
  }

  /** Drops every claim that has a byte in the range, whole, for the same reason. */
  forget(range: Extent): void {
    const [first, last] = this.#overlapping(range);
    if (last > first) this.#list.splice(first, last - first);
  }

  /** The claims; a copy. */
  toArray(): DurableExtent[] {
    return this.#list.slice();
  }

  /** The claims with neighbours joined, up to {@link MAX_EXTENT} each. */
  merged(): DurableExtent[] {
    const joined: DurableExtent[] = [];
    for (const next of this.#list) {
      const last = joined.at(-1);
      if (last !== undefined && last.end === next.start && next.end - last.start <= MAX_EXTENT) {
        last.crc = crc32Combine(last.crc, next.crc, next.end - next.start);
        last.end = next.end;
      } else {
        joined.push({ ...next });
      }
    }
    return joined;
  }

  /** Indices of the claims that share a byte with the range: from the first up to the second. */
  #overlapping({ start, end }: Extent): [first: number, last: number] {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#list[middle] as DurableExtent).end > start) high = middle;
      else low = middle + 1;
    }
    let last = low;
    while (last < this.#list.length && (this.#list[last] as DurableExtent).start < end) last += 1;
    return [low, last];
  }
}
