/** Whom a digest that refuses a file speaks against (P24). */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { KEPT, Suspects } from '../../../src/transfer/suspects.js';

const TOTAL = 100;

describe('who brought what a digest refuses', () => {
  it('P24: is first what an earlier run left, then who brought least', () => {
    const suspects = new Suspects(() => 2);
    suspects.brought(KEPT, { start: 0, end: 10 });
    suspects.brought(0, { start: 10, end: 70 });
    suspects.brought(1, { start: 70, end: 100 });
    expect(suspects.refused(TOTAL, 0)).deep.equal({
      source: KEPT,
      again: [{ start: 0, end: 10 }],
    });
    suspects.forget({ start: 0, end: 10 });
    suspects.brought(0, { start: 0, end: 10 });
    expect(suspects.refused(TOTAL, 0)).deep.equal({ source: 1, again: [{ start: 70, end: 100 }] });
    expect([0, 1].map((source) => suspects.isAside(source))).deep.equal([false, true]);
    expect(suspects.liar).equal(1);
  });

  it('P24: is known when all is of one source: the others get their turn again', () => {
    const suspects = new Suspects(() => 2);
    suspects.brought(0, { start: 0, end: 60 });
    suspects.brought(1, { start: 60, end: TOTAL });
    suspects.refused(TOTAL, 0);
    suspects.forget({ start: 60, end: TOTAL });
    suspects.brought(0, { start: 60, end: TOTAL });
    const all = [{ start: 0, end: TOTAL }];
    expect(suspects.refused(TOTAL, 0)).deep.equal({ source: 0, again: all });
    expect([0, 1].map((source) => suspects.isAside(source))).deep.equal([true, false]);
    suspects.forget({ start: 0, end: TOTAL });
    suspects.brought(1, { start: 0, end: TOTAL });
    expect(suspects.refused(TOTAL, 1), 'every source was tried').equal(null);
  });

  it('is asked again when every other one has failed', () => {
    const suspects = new Suspects(() => 2);
    suspects.brought(0, { start: 0, end: 60 });
    suspects.brought(1, { start: 60, end: TOTAL });
    suspects.refused(TOTAL, 0);
    suspects.failed(0);
    expect([0, 1].map((source) => suspects.isAside(source))).deep.equal([true, false]);
  });

  it('P24: ends for any sources, with the right file if one of them alone has it', () => {
    const world = fc.record({
      lies: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
      cuts: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 10, maxLength: 10 }),
    });
    fc.assert(
      fc.property(world, ({ lies, cuts }) => {
        const sources = lies.length;
        const suspects = new Suspects(() => sources);
        // Who brought each tenth of the file.
        const file = cuts.map((cut) => cut % sources);
        const bring = (tenth: number, source: number): void => {
          file[tenth] = source;
          suspects.brought(source, { start: tenth * 10, end: tenth * 10 + 10 });
        };
        file.forEach((source, tenth) => bring(tenth, source));
        for (let round = 0; round <= sources * sources; round++) {
          if (file.every((source) => lies[source] === false)) return;
          const doubt = suspects.refused(TOTAL, file[0] as number);
          if (doubt === null) {
            expect(lies.every((lie) => lie)).equal(true);
            return;
          }
          const left = lies.flatMap((_, source) => (suspects.isAside(source) ? [] : [source]));
          expect(left, 'somebody is left to ask').not.deep.equal([]);
          for (const span of doubt.again) suspects.forget(span);
          for (const { start, end } of doubt.again)
            for (let tenth = start / 10; tenth < end / 10; tenth++)
              bring(tenth, left[tenth % left.length] as number);
        }
        expect.fail('as many rounds as the machine allows, and no end');
      }),
    );
  });
});
