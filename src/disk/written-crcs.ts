/** CRCs that came with the bytes as they were written, until what they stand for is claimed. */
import type { Extent } from '../schedule/extents.js';
import { crc32Combine } from './crc.js';
import { MAX_EXTENT, type DurableExtent } from './durable-extents.js';

/** Ranges that are to be claimed, by what is known of them. */
export interface Covered {
  /** With CRCs, each at most {@link MAX_EXTENT} long. */
  known: DurableExtent[];
  /** Of these nothing is known: they are read back. */
  unknown: Extent[];
  /** A CRC stands for more than what is to be claimed here: the rest of it may be claimed later. */
  parts: Extent[];
}

export class WrittenCrcs {
  /** In the order in which they came. */
  #list: DurableExtent[] = [];

  add(extents: readonly DurableExtent[]): void {
    this.#list.push(...extents);
  }

  /** The bytes are no longer what the CRCs say, or no longer wanted. */
  forget(ranges: readonly Extent[]): void {
    const isIn = ({ start, end }: Extent): boolean =>
      ranges.some((range) => range.start < end && range.end > start);
    this.#list = this.#list.filter((each) => !isIn(each));
  }

  /**
   * Divides ranges by what is known of them. What is used is gone, and so is what stands for bytes
   * of which none is to be claimed before others that are; what stands for later ones stays.
   * @param fresh ascending and disjoint
   */
  cover(fresh: readonly Extent[]): Covered {
    const covered: Covered = { known: [], unknown: [], parts: [] };
    const sorted = this.#sorted();
    const partly = new Set<DurableExtent>();
    let next = 0;
    for (const { start, end } of fresh) {
      let at = start;
      for (; next < sorted.length; next += 1) {
        const crc = sorted[next] as DurableExtent;
        if (crc.start >= end) break;
        const from = Math.max(crc.start, start);
        // It is over before the range, or two leases have written the same bytes.
        if (crc.end <= start || from < at) continue;
        if (from > at) covered.unknown.push({ start: at, end: from });
        at = Math.min(crc.end, end);
        if (crc.start >= start && crc.end <= end) join(covered.known, crc);
        else {
          covered.parts.push({ start: from, end: at });
          partly.add(crc);
        }
        // It may reach into the next range, too.
        if (crc.end > end) break;
      }
      if (at < end) covered.unknown.push({ start: at, end });
    }
    this.#list = [...new Set([...partly, ...sorted.slice(next)])];
    return covered;
  }

  /** In order of offset; of two that begin at one byte the later one. */
  #sorted(): DurableExtent[] {
    const byStart = new Map(this.#list.map((each) => [each.start, each]));
    return [...byStart.values()].sort((a, b) => a.start - b.start);
  }
}

/** Adds a claim, as one with its neighbour while the two are no longer than one may be. */
function join(claims: DurableExtent[], { start, end, crc }: DurableExtent): void {
  const last = claims.at(-1);
  if (last === undefined || last.end !== start || end - last.start > MAX_EXTENT) {
    claims.push({ start, end, crc });
    return;
  }
  last.crc = crc32Combine(last.crc, crc, end - start);
  last.end = end;
}
