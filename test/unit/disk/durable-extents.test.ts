/** The claims of a journal, beside a list that is searched from its start to its end. */
import { expect } from 'chai';
import { DurableExtents, type DurableExtent } from '../../../src/disk/durable-extents.js';
import { ExtentSet, type Extent } from '../../../src/schedule/extents.js';
import { Dice } from '../../helpers/dice.js';

/** The same, as simple as can be. */
class Model {
  list: DurableExtent[] = [];

  add(extent: DurableExtent): void {
    this.forget(extent);
    this.list.push(extent);
    this.list.sort((a, b) => a.start - b.start);
  }

  forget({ start, end }: Extent): void {
    this.list = this.list.filter((claim) => claim.end <= start || claim.start >= end);
  }
}

describe('disk/durable-extents', () => {
  for (const [what, space, longest, forgets] of [
    ['many short claims', 40_000, 8, 0.02],
    ['claims that overlap', 8_000, 60, 0.1],
    ['long ranges that are taken back', 20_000, 6, 0.01],
  ] as const) {
    it(`P3: ${what}, in any order: what is left is what a plain list has`, () => {
      const dice = new Dice(longest);
      const extents = new DurableExtents();
      const model = new Model();
      for (let step = 0; step < 6_000; step++) {
        const start = dice.int(0, space);
        if (dice.chance(forgets)) {
          const range = { start, end: start + dice.int(1, space / 4) };
          extents.forget(range);
          model.forget(range);
        } else {
          const extent = { start, end: start + dice.int(1, longest), crc: step };
          extents.add(extent);
          model.add(extent);
        }
        if (step % 500 === 0) expect(extents.toArray()).deep.equal(model.list);
      }
      expect(extents.toArray()).deep.equal(model.list);
      expect(extents.length).equal(model.list.length);
      extents.forget({ start: 0, end: space * 2 });
      expect(extents.toArray()).deep.equal([]);
      extents.add({ start: 5, end: 6, crc: 1 });
      expect(extents.length).equal(1);
    });
  }

  it('P3: what of some ranges is not claimed is what a set of bytes has', () => {
    const dice = new Dice(11);
    for (let round = 0; round < 200; round++) {
      const extents = new DurableExtents();
      const written = new ExtentSet();
      for (let claim = dice.int(0, 600); claim > 0; claim--) {
        const start = dice.int(0, 5_000);
        extents.add({ start, end: start + dice.int(1, 9), crc: claim });
      }
      for (let range = dice.int(0, 20); range > 0; range--) {
        const start = dice.int(0, 5_000);
        written.add(start, start + dice.int(1, 900));
      }
      const ranges = written.toArray();
      for (const { start, end } of extents.toArray()) written.remove(start, end);
      expect(extents.missingOf(ranges)).deep.equal(written.toArray());
    }
  });

  it('P26: a range is looked up among 300,000 claims without looking at them all', () => {
    const count = 300_000;
    const claims = Array.from({ length: count }, (_each, at) => ({
      start: at * 4,
      end: at * 4 + 2,
      crc: at,
    }));
    const extents = new DurableExtents(claims);
    const started = performance.now();
    for (let at = 0; at < 20_000; at++)
      expect(extents.missingOf([{ start: at * 60, end: at * 60 + 4 }])).length(1);
    // To look at all of them takes milliseconds each time.
    expect(performance.now() - started).below(10_000);
  });
});
