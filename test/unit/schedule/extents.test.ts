import { expect } from 'chai';
import fc from 'fast-check';
import { ExtentSet, joinedTo, longestRuns, type Extent } from '../../../src/schedule/extents.js';

const SPACE = 64;

interface Step {
  op: 'add' | 'remove';
  start: number;
  end: number;
}

const range = fc
  .tuple(fc.nat(SPACE), fc.nat(SPACE))
  .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
const steps = fc.array(
  fc.tuple(fc.constantFrom<Step['op']>('add', 'remove'), range).map(([op, r]) => ({ op, ...r })),
  { maxLength: 40 },
);

function play(history: Step[]): { set: ExtentSet; bits: boolean[] } {
  const set = new ExtentSet();
  const bits = new Array<boolean>(SPACE).fill(false);
  for (const { op, start, end } of history) {
    const changed = bits.slice(start, end).filter((bit) => bit !== (op === 'add')).length;
    expect(set[op](start, end)).to.equal(changed);
    bits.fill(op === 'add', start, end);
  }
  return { set, bits };
}

function rangesOf(bits: boolean[], wanted: boolean, from = 0, to = bits.length): number[][] {
  const ranges: number[][] = [];
  for (let at = from; at < to; at += 1) {
    if (bits[at] !== wanted) continue;
    const last = ranges.at(-1);
    if (last?.[1] === at) last[1] = at + 1;
    else ranges.push([at, at + 1]);
  }
  return ranges;
}

describe('schedule/extents', () => {
  it('agrees with a bitmap after any history', () => {
    fc.assert(
      fc.property(steps, range, (history, { start, end }) => {
        const { set, bits } = play(history);
        expect(set.toPairs()).to.deep.equal(rangesOf(bits, true));
        expect(set.total()).to.equal(bits.filter(Boolean).length);
        expect(set.length).to.equal(rangesOf(bits, true).length);
        expect(set.gaps(start, end)).to.deep.equal(rangesOf(bits, false, start, end));
        expect(set.has(start, end)).to.equal(bits.slice(start, end).every(Boolean));
        let gap = start;
        while (bits[gap] === true) gap += 1;
        expect(set.firstGap(start)).to.equal(gap);
      }),
      { numRuns: 500 },
    );
  });

  it('clones into a set of its own', () => {
    const set = new ExtentSet([{ start: 4, end: 8 }]);
    const copy = set.clone();
    copy.add(8, 9);
    expect(set.toArray()).to.deep.equal([{ start: 4, end: 8 }]);
    expect(copy.total()).to.equal(5);
  });

  it('keeps offsets beyond 2^32', () => {
    const far = 2 ** 40;
    const set = new ExtentSet();
    set.add(far, far + 3);
    expect(set.has(far + 1, far + 2)).to.equal(true);
    expect(set.gaps(0, far + 4)).to.deep.equal([
      [0, far],
      [far + 3, far + 4],
    ]);
  });

  it('refuses to look for a gap at what is no offset', () => {
    for (const from of [-1, 0.5, NaN, 2 ** 53]) {
      expect(() => new ExtentSet().firstGap(from)).to.throw('is a range');
    }
  });

  it('refuses what is no range', () => {
    for (const [start, end] of [
      [2, 1],
      [-1, 1],
      [0, 0.5],
      [0, NaN],
      [0, 2 ** 53],
    ] as const) {
      for (const op of ['add', 'remove', 'has', 'gaps'] as const) {
        expect(() => new ExtentSet()[op](start, end), op).to.throw('is a range');
      }
    }
  });
});

describe('plan/extents: P26: no more ranges than a download can bear', () => {
  /** Ascending and disjoint; some touch. */
  const ranges = fc
    .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 5 })), { maxLength: 30 })
    .map((pairs) => {
      let at = 0;
      return pairs.map(([gap, length]) => {
        const start = at + gap;
        at = start + length;
        return { start, end: at };
      });
    });
  const most = fc.integer({ min: 1, max: 8 });
  const runsOf = (list: readonly Extent[]): Extent[] => new ExtentSet(list).toArray();
  const length = ({ start, end }: Extent): number => end - start;

  it('joins across the smallest gaps, and only as many as it must', () => {
    fc.assert(
      fc.property(ranges, most, (list, bound) => {
        const joined = joinedTo(list, bound);
        expect(joined.length).to.be.at.most(bound);
        const set = new ExtentSet(joined);
        for (const { start, end } of list) expect(set.has(start, end)).to.equal(true);
        if (list.length <= bound) expect(joined).to.deep.equal(list);
        const gaps = (of: readonly Extent[]): number[] =>
          of.slice(1).map(({ start }, at) => start - (of[at] as Extent).end);
        const left = gaps(joined).sort((a, b) => b - a);
        expect(left).to.deep.equal(
          gaps(list)
            .sort((a, b) => b - a)
            .slice(0, left.length),
        );
      }),
    );
  });

  it('keeps the longest runs whole, and no more than may be', () => {
    fc.assert(
      fc.property(ranges, most, (list, bound) => {
        const kept = longestRuns(list, bound);
        const all = runsOf(list);
        const runs = runsOf(kept);
        expect(runs.length).to.equal(Math.min(all.length, bound));
        expect(list).to.include.deep.members(kept);
        const starts = new Set(runs.map(({ start }) => start));
        const dropped = all.filter(({ start }) => !starts.has(start));
        for (const run of runs) expect(all).to.deep.include(run);
        if (dropped.length > 0)
          expect(Math.max(...dropped.map(length))).to.be.at.most(Math.min(...runs.map(length)));
      }),
    );
  });
});
