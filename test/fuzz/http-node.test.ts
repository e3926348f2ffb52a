import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../src/errors.js';
import { ANSWERS, mutated, runs } from './http-support.js';
import { compare, ours } from './targets/node.js';

describe("fuzz: http beside Node's parser", () => {
  for (const [i, answer] of ANSWERS.entries()) {
    it(`reads the right answer ${i} as Node does`, async () => {
      const own = ours(answer);
      expect(own instanceof SluiceError ? own : own?.consumed).to.equal(answer.length);
      expect(await compare(answer)).to.match(/^agree/);
    });
  }

  it('takes nothing that Node refuses, and sees nothing else in it', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(ANSWERS, 3), async (text) => void (await compare(text))),
      { numRuns: runs(500) },
    );
  });
});
