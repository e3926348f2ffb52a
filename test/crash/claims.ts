/** What the journal of a target claims, and what must be true of it. */
import { expect } from 'chai';
import { existsSync, statSync } from 'node:fs';
import { journalPath, partPath } from '../../src/disk/names.js';
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
export function claimed(target: string): Range[] {
  try {
    return readJournal(journalPath(target)).extents;
  } catch {
    return [];
  }
}

export const bytesIn = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, { start, end }) => sum + end - start, 0);

/**
 * P3: every byte that the journal claims is in the part, or in the file once it has its name. A
 * journal without either is what a run leaves that starts over, and stands for nothing.
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
  for (const { start, end } of claims) {
    const same = readRange(file, start, end).equals(reference(start, end));
    const size = statSync(file).size;
    expect(same, `${what}: the claim [${start}, ${end}) in ${file}, ${size}`).to.equal(true);
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
