/** The named worlds take as long as the table says that is checked in. */
import { expect } from 'chai';
import { NAMED } from './named.js';
import { readTable, rowOf } from './table.js';
import { decideAsScheduled } from './scheduler-decider.js';

describe('the named worlds', () => {
  const table = readTable();

  it('are all in the table, and no others', () => {
    expect(Object.keys(table)).deep.equal(NAMED.map(({ name }) => name));
  });

  for (const world of NAMED)
    it(`${world.name}: takes as long as the table says (npm run worlds writes it anew)`, () => {
      expect(rowOf(world, decideAsScheduled)).deep.equal(table[world.name]);
    });
});
