/** The claims of a journal, beside a list that is searched from its start to its end. */
import { expect } from 'chai';
import { DurableExtents, type DurableExtent } from '../../../src/disk/durable-extents.js';
import type { Extent } from '../../../src/schedule/extents.js';
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
});
