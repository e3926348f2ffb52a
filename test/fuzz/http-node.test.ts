import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../src/errors.js';
import { Random } from './engine/random.js';
import { answer } from './http-grammar.js';
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

  it('takes HTAB after a value that frames the body: it is white space', async () => {
    const chunked = 'Transfer-Encoding: chunked\t\r\n\r\n1\r\nx\r\n0\r\n\r\n';
    for (const rest of [
      'Content-Length: 1\t\r\n\r\nx',
      'Content-Length: 1 \t \r\n\r\nx',
      chunked,
    ]) {
      const answer = `HTTP/1.1 200 OK\r\n${rest}`;
      expect(await compare(answer)).to.equal('agree on what it stands for');
    }
  });

  it('sees what Node sees in answers of the grammar and of its edges', async () => {
    const seed = Date.now() % 1_000_000;
    const random = new Random(seed);
    const outcomes = new Map<string, number>();
    for (let left = runs(4000); left > 0; left--) {
      const text = answer(random);
      try {
        const outcome = await compare(text);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } catch (thrown) {
        throw new Error(`seed ${seed}: ${JSON.stringify(text)}`, { cause: thrown });
      }
    }
    // Most mutants are refused by both; of all at least a fifth is read by both.
    expect(outcomes.get('agree')).to.be.above(runs(4000) / 5);
    expect(outcomes.get('agree on what it stands for')).to.be.above(0);
  });

  it('takes nothing that Node refuses, and sees nothing else in it', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(ANSWERS, 3), async (text) => void (await compare(text))),
      { numRuns: runs(500) },
    );
  });
});
