/** What a journal claims: ranges of the part that are on disk, each with a CRC-32. */
import type { Extent } from '../schedule/extents.js';
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
const MAX_BLOCK = 128;

/**
 * Claims, ascending and disjoint. They lie in blocks of bounded length, none of them empty, so that one
 * is added or dropped at the cost of a block wherever it lies: a journal may have hundreds of thousands,
 * in any order. Numbers stand beside numbers, for each search through objects would wait for the memory.
 */
export class DurableExtents {
  readonly #blocks: Block[] = [];
  /** Where each block ends. */
  readonly #ends: number[] = [];

  /** @param sorted ascending and disjoint extents */
  constructor(sorted: readonly DurableExtent[] = []) {
    for (const extent of sorted) this.add(extent);
  }

  /** How many claims there are. */
  get length(): number {
    return this.#blocks.reduce((sum, { starts }) => sum + starts.length, 0);
  }

  /**
   * Adds a claim. Older claims that it overlaps are dropped whole, for the CRC of what would be
   * left of them is unknown: a part of the truth is claimed, never more than the truth.
   */
  add({ start, end, crc }: DurableExtent): void {
    this.forget({ start, end });
    const at = Math.min(firstAbove(this.#ends, start), Math.max(0, this.#blocks.length - 1));
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#put(0, 0, [{ starts: [start], ends: [end], crcs: [crc] }]);
      return;
    }
    const index = firstAbove(block.ends, start);
    block.starts.splice(index, 0, start);
    block.ends.splice(index, 0, end);
    block.crcs.splice(index, 0, crc);
    this.#put(at, 1, block.starts.length > MAX_BLOCK ? halves(block) : [block]);
  }

  /** Drops every claim that has a byte in the range, whole, for the same reason. */
  forget({ start, end }: Extent): void {
    const from = firstAbove(this.#ends, start);
    const left: Block[] = [];
    let to = from;
    for (; to < this.#blocks.length; to += 1) {
      const block = this.#blocks[to] as Block;
      if ((block.starts[0] as number) >= end) break;
      const first = firstAbove(block.ends, start);
      const last = firstAbove(block.starts, end - 1);
      for (const list of [block.starts, block.ends, block.crcs]) list.splice(first, last - first);
      if (block.starts.length > 0) left.push(block);
    }
    if (to > from) this.#put(from, to - from, left);
  }

  /** The claims; a copy. */
  toArray(): DurableExtent[] {
    const claims: DurableExtent[] = [];
    for (const { starts, ends, crcs } of this.#blocks) {
      for (const [index, start] of starts.entries())
        claims.push({ start, end: ends[index] as number, crc: crcs[index] as number });
    }
    return claims;
  }

  /** What of ascending, disjoint ranges is not claimed. Costs what is in them, not what there is. */
  missingOf(ranges: readonly Extent[]): Extent[] {
    const missing: Extent[] = [];
    for (const range of ranges) {
      let position = range.start;
      for (const { start, end } of this.#within(range)) {
        if (start > position) missing.push({ start: position, end: start });
        position = Math.max(position, end);
      }
      if (position < range.end) missing.push({ start: position, end: range.end });
    }
    return missing;
  }

  /** The claims that have a byte in a range, ascending. */
  *#within(range: Extent): Generator<Extent> {
    for (let at = firstAbove(this.#ends, range.start); at < this.#blocks.length; at += 1) {
      const { starts, ends } = this.#blocks[at] as Block;
      for (let index = firstAbove(ends, range.start); index < ends.length; index += 1) {
        const start = starts[index] as number;
        if (start >= range.end) return;
        yield { start, end: ends[index] as number };
      }
    }
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
        joined.push(next);
      }
    }
    return joined;
  }

  /** Puts blocks in the place of `count` others. */
  #put(at: number, count: number, blocks: Block[]): void {
    const ends = blocks.map((block) => block.ends.at(-1) as number);
    if (count === 1 && blocks.length === 1) {
      this.#ends[at] = ends[0] as number;
      return;
    }
    this.#blocks.splice(at, count, ...blocks);
    this.#ends.splice(at, count, ...ends);
  }
}

/** Claims, one at each index. */
interface Block {
  starts: number[];
  ends: number[];
  crcs: number[];
}

function halves({ starts, ends, crcs }: Block): Block[] {
  const half = starts.length >>> 1;
  return [
    { starts: starts.slice(0, half), ends: ends.slice(0, half), crcs: crcs.slice(0, half) },
    { starts: starts.slice(half), ends: ends.slice(half), crcs: crcs.slice(half) },
  ];
}

/** Index of the first number above `bound` in an ascending list; its length when there is none. */
function firstAbove(list: readonly number[], bound: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as number) > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}
