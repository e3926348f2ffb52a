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

/** A block is divided when it has more claims than this. */
const MAX_BLOCK = 512;

/**
 * Claims, ascending and disjoint. They lie in blocks of bounded length, none of them empty, so that a
 * claim is added or dropped at the cost of a block wherever it lies: a journal may have hundreds of
 * thousands, in any order.
 */
export class DurableExtents {
  #blocks: DurableExtent[][] = [];

  /** @param sorted ascending and disjoint extents */
  constructor(sorted: readonly DurableExtent[] = []) {
    for (let at = 0; at < sorted.length; at += MAX_BLOCK)
      this.#blocks.push(sorted.slice(at, at + MAX_BLOCK));
  }

  /** How many claims there are. */
  get length(): number {
    return this.#blocks.reduce((sum, block) => sum + block.length, 0);
  }

  /**
   * Adds a claim. Older claims that it overlaps are dropped whole, for the CRC of what would be
   * left of them is unknown: a part of the truth is claimed, never more than the truth.
   */
  add(extent: DurableExtent): void {
    this.forget(extent);
    if (this.#blocks.length === 0) this.#blocks.push([]);
    const behind = firstIndex(this.#blocks, (block) => endOf(block) > extent.start);
    const at = Math.min(behind, this.#blocks.length - 1);
    const block = this.#blocks[at] as DurableExtent[];
    block.splice(firstIndex(block, ({ end }) => end > extent.start), 0, extent);
    if (block.length > MAX_BLOCK) this.#divide(at, block);
  }

  /** Drops every claim that has a byte in the range, whole, for the same reason. */
  forget({ start, end }: Extent): void {
    const from = firstIndex(this.#blocks, (block) => endOf(block) > start);
    // Blocks of which nothing is left; they lie side by side.
    let firstGone = from;
    let gone = 0;
    for (let at = from; at < this.#blocks.length; at += 1) {
      const block = this.#blocks[at] as DurableExtent[];
      if ((block[0] as DurableExtent).start >= end) break;
      const first = firstIndex(block, (claim) => claim.end > start);
      const last = firstIndex(block, (claim) => claim.start >= end);
      // The first block may keep claims before the range, and the last one claims behind it.
      if (last - first < block.length) block.splice(first, last - first);
      else if (gone++ === 0) firstGone = at;
    }
    if (gone > 0) this.#blocks.splice(firstGone, gone);
  }

  /** The claims; a copy. */
  toArray(): DurableExtent[] {
    return this.#blocks.flat();
  }

  /** The claims with neighbours joined, up to {@link MAX_EXTENT} each. */
  merged(): DurableExtent[] {
    const joined: DurableExtent[] = [];
    for (const next of this.toArray()) {
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

  #divide(at: number, block: DurableExtent[]): void {
    const half = block.length >>> 1;
    this.#blocks.splice(at, 1, block.slice(0, half), block.slice(half));
  }
}

/** Behind the last claim; 0 for none. */
const endOf = (block: readonly DurableExtent[]): number => block.at(-1)?.end ?? 0;

/** Index of the first item that passes, where none does before one that does; the length for none. */
function firstIndex<Item>(items: readonly Item[], passes: (item: Item) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(items[middle] as Item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
