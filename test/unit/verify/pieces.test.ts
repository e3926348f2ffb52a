/** Digests of pieces: the running hash, what is wrong, and what is proven of a file. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  PieceHash,
  badPieces,
  countPieces,
  fitsPieces,
  provenPieces,
} from '../../../src/verify/pieces.js';
import type { Pieces } from '../../../src/verify/pieces.js';
import { contentAt } from '../../helpers/content.js';
import { tempDirPerTest } from '../../helpers/files.js';

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

function piecesOf(bytes: Buffer, length: number): Pieces {
  const hexes: string[] = [];
  for (let at = 0; at < bytes.length; at += length)
    hexes.push(md5(bytes.subarray(at, at + length)));
  return { algorithm: 'md5', length, hexes };
}

/** A file, how long its pieces are, and which of its bytes are wrong. */
const cases = fc.record({
  size: fc.integer({ min: 1, max: 400 }),
  length: fc.integer({ min: 1, max: 150 }),
  step: fc.integer({ min: 1, max: 90 }),
  wrong: fc.array(fc.nat(399), { maxLength: 4 }),
  cuts: fc.array(fc.nat(400), { maxLength: 8 }),
});

describe('verify/pieces', () => {
  const dir = tempDirPerTest();

  it('P8: whatever the pieces and the reads, exactly the wrong pieces are found', () => {
    const property = fc.property(cases, ({ size, length, step, wrong }) => {
      const bytes = contentAt(1, 0, size);
      const pieces = piecesOf(bytes, length);
      expect(fitsPieces(pieces, size)).equal(true);
      const flipped = new Set(wrong.filter((at) => at < size));
      for (const at of flipped) bytes[at] = (bytes[at] ?? 0) ^ 1;
      const hash = new PieceHash(pieces);
      for (let at = 0; at < size; at += step) hash.update(bytes.subarray(at, at + step));
      const bad = badPieces(pieces, hash.digest(), size);
      const isBad = (at: number): boolean => bad.some(({ start, end }) => at >= start && at < end);
      const badIndexes = new Set([...flipped].map((at) => Math.floor(at / length)));
      for (let at = 0; at < size; at++)
        expect(isBad(at), `${at}`).equal(badIndexes.has(Math.floor(at / length)));
      const count = bad.reduce((sum, range) => sum + countPieces(pieces, range), 0);
      expect(count).equal(badIndexes.size);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('P8: only whole pieces that are written and right are proven', async () => {
    const property = fc.asyncProperty(cases, async ({ size, length, wrong, cuts }) => {
      const bytes = contentAt(1, 0, size);
      const pieces = piecesOf(bytes, length);
      const flipped = wrong.filter((at) => at < size);
      for (const at of new Set(flipped)) bytes[at] = (bytes[at] ?? 0) ^ 1;
      const file = path.join(dir(), 'f');
      writeFileSync(file, bytes);
      const sorted = [...new Set(cuts.map((at) => Math.min(at, size)))].sort((a, b) => a - b);
      const written: Array<{ start: number; end: number }> = [];
      for (let i = 0; i + 1 < sorted.length; i += 2)
        written.push({ start: sorted[i] ?? 0, end: sorted[i + 1] ?? 0 });
      const fd = openSync(file, 'r');
      try {
        const proven = await provenPieces(fd, pieces, { written, size });
        pieces.hexes.forEach((_hex, index) => {
          const [start, end] = [index * length, Math.min(size, (index + 1) * length)];
          const isRight = !flipped.some((at) => at >= start && at < end);
          const isWritten = written.some((range) => range.start <= start && range.end >= end);
          const isProven = proven.some((range) => range.start <= start && range.end >= end);
          expect(isProven, `piece ${index}`).equal(isRight && isWritten);
        });
      } finally {
        closeSync(fd);
      }
    });
    await fc.assert(property, { numRuns: 200 });
  });
});
