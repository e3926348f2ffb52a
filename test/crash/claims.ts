/** What the journal of a target claims, and what must be true of it. */
import { expect } from 'chai';
import { existsSync, statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { journalPath, partPath } from '../../src/disk/names.js';
import type { DurableExtent } from '../../src/disk/durable-extents.js';
import { readJournal } from '../../src/disk/journal.js';
import type { RecordedRequest } from '../helpers/fault-server.js';
import { readRange } from '../helpers/files.js';

/** Bytes that a request may ask for again on each side of what is missing. */
const SEAM = 4096;

/** A half-open range. */
export interface Range {
  start: number;
  end: number;
}

/** What the journal claims of a target; nothing when there is none that can be used. */
export function claimed(target: string): DurableExtent[] {
  try {
    return readJournal(journalPath(target)).extents;
  } catch {
    return [];
  }
}

export const bytesIn = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, { start, end }) => sum + end - start, 0);

/**
 * P3: every byte that the journal claims is in the part, or in the file once it has its name, and its
 * CRC is right. A journal without either is what a run leaves that starts over, and stands for nothing.
 * Returns the claims.
 */
export function expectClaimsHold(
  target: string,
  published: string | null,
  reference: (start: number, end: number) => Buffer,
  what: string,
): Range[] {
  const claims = claimed(target);
  const file = existsSync(partPath(target)) ? partPath(target) : published;
  if (file === null) return [];
  for (const { start, end, crc } of claims) {
    const right = reference(start, end);
    const same = readRange(file, start, end).equals(right);
    const size = statSync(file).size;
    const claim = `${what}: the claim [${start}, ${end}) in ${file}, ${size}`;
    expect(same, claim).to.equal(true);
    expect(crc, `${claim}: its CRC`).to.equal(crc32(right));
  }
  return claims;
}

/** P4: nothing that was claimed is asked for, but for a seam at each end of what is missing. */
export function expectNotAsked(
  requests: readonly RecordedRequest[],
  known: readonly Range[],
  what: string,
): void {
  for (const { range } of requests) {
    if (range === null) continue;
    let again = 0;
    for (const { start, end } of known) {
      again += Math.max(0, Math.min(end, range.end) - Math.max(start, range.start));
    }
    const asked = `${what}: asked for ${range.start}-${range.end} although ${JSON.stringify(known)}`;
    expect(again, asked).to.be.at.most(2 * SEAM);
  }
}
