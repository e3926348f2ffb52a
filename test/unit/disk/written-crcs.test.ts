import { expect } from 'chai';
import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { MAX_EXTENT } from '../../../src/disk/durable-extents.js';
import type { DurableExtent } from '../../../src/disk/durable-extents.js';
import { WrittenCrcs } from '../../../src/disk/written-crcs.js';
import { ExtentSet } from '../../../src/schedule/extents.js';
import type { Extent } from '../../../src/schedule/extents.js';
import { contentAt } from '../../helpers/content.js';

const SEED = 9;
const crcOf = ({ start, end }: Extent): number => crc32(contentAt(SEED, start, end - start));
const written = (start: number, end: number): DurableExtent => ({
  start,
  end,
  crc: crcOf({ start, end }),
});

describe('disk/written-crcs', () => {
  let crcs: WrittenCrcs;
  beforeEach(() => (crcs = new WrittenCrcs()));

  it('P3: joins what was written piece by piece, and leaves to be read what came without a CRC', () => {
    crcs.add([written(100, 200), written(0, 100), written(300, 350)]);
    expect(crcs.cover([{ start: 0, end: 400 }])).to.deep.equal({
      known: [written(0, 200), written(300, 350)],
      unknown: [
        { start: 200, end: 300 },
        { start: 350, end: 400 },
      ],
      parts: [],
    });
    expect(crcs.cover([{ start: 0, end: 400 }]).known).to.deep.equal([]);
  });

  it('what is not to be claimed yet stays until it is', () => {
    crcs.add([written(0, 100), written(100, 200), written(200, 300)]);
    // A seam is still to be compared.
    const now = crcs.cover([
      { start: 0, end: 100 },
      { start: 140, end: 160 },
      { start: 170, end: 200 },
    ]);
    expect(now.known).to.deep.equal([written(0, 100)]);
    expect(now.unknown).to.deep.equal([]);
    expect(now.parts).to.deep.equal([
      { start: 140, end: 160 },
      { start: 170, end: 200 },
    ]);
    expect(crcs.cover([{ start: 100, end: 300 }])).to.deep.equal({
      known: [written(100, 300)],
      unknown: [],
      parts: [],
    });
  });

  it('of what was written twice the later CRC counts', () => {
    crcs.add([{ start: 0, end: 100, crc: 1 }, written(0, 100), written(50, 150)]);
    const { known, unknown } = crcs.cover([{ start: 0, end: 150 }]);
    expect(known).to.deep.equal([written(0, 100)]);
    expect(unknown).to.deep.equal([{ start: 100, end: 150 }]);
  });

  it('forgets what is no longer what it was', () => {
    crcs.add([written(0, 100), written(100, 200)]);
    crcs.forget([{ start: 150, end: 151 }]);
    const { known, unknown } = crcs.cover([{ start: 0, end: 200 }]);
    expect(known).to.deep.equal([written(0, 100)]);
    expect(unknown).to.deep.equal([{ start: 100, end: 200 }]);
  });

  it('claims no more under one CRC than one wrong byte may cost', () => {
    const half = MAX_EXTENT / 2 + 1;
    crcs.add([
      { start: 0, end: half, crc: 1 },
      { start: half, end: 2 * half, crc: 2 },
    ]);
    const { known } = crcs.cover([{ start: 0, end: 2 * half }]);
    expect(known.map(({ crc }) => crc)).to.deep.equal([1, 2]);
  });

  it('P3: every byte is in exactly one place, and every CRC is that of its bytes', () => {
    const range = fc.tuple(fc.nat(400), fc.integer({ min: 1, max: 60 }));
    const ranges = fc.array(range, { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(fc.tuple(ranges, ranges), { maxLength: 6 }), (rounds) => {
        const some = new WrittenCrcs();
        for (const [writes, claims] of rounds) {
          some.add(writes.map(([start, length]) => written(start, start + length)));
          const fresh = new ExtentSet(
            claims.map(([start, length]) => ({ start, end: start + length })),
          );
          const { known, unknown, parts } = some.cover(fresh.toArray());
          for (const { start, end, crc } of known) expect(crc).to.equal(crcOf({ start, end }));
          const all = [...known, ...unknown, ...parts];
          expect(new ExtentSet(all).toArray()).to.deep.equal(fresh.toArray());
          expect(all.reduce((sum, { start, end }) => sum + end - start, 0)).to.equal(fresh.total());
        }
      }),
    );
  });
});
