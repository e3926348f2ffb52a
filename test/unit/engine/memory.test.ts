/** What holds of what is remembered, and what is learnt. */
import { expect } from 'chai';
import type { OriginFacts } from '../../../src/disk/origins.js';
import { LIMIT_HOLDS_MS, holding, learnt } from '../../../src/engine/memory.js';

const SAVED = 1_700_000_000_000;
const FACTS: OriginFacts = {
  savedMs: SAVED,
  useful: { connections: 8, roundTripMs: 40 },
  limit: { connections: 5, atMs: SAVED },
};
const LONG = { ms: 2000, bytes: 1, roundTripMs: 40 };
const LESSON = { connections: 4, limit: null, objectedMs: null };
const clock = { nowMs: SAVED + 1000, steadyMs: 50_000 };

describe('transfer/memory', () => {
  it('a number holds while the round trip is about the same', () => {
    const connections = (roundTripMs: number) => holding(FACTS, roundTripMs, SAVED).connections;
    for (const roundTripMs of [9, 40, 165]) expect(connections(roundTripMs)).equal(8);
    for (const roundTripMs of [1, 8, 166]) expect(connections(roundTripMs)).equal(null);
    expect(holding({ ...FACTS, useful: null }, 40, SAVED).connections).equal(null);
  });

  it('P21: a limit holds for an hour, then one more may be tried', () => {
    expect(holding(FACTS, 1, SAVED + LIMIT_HOLDS_MS).limit).equal(5);
    expect(holding(FACTS, 1, SAVED + LIMIT_HOLDS_MS + 1).limit).equal(6);
    expect(holding({ ...FACTS, limit: null }, 40, SAVED).limit).equal(null);
  });

  it('only a transfer of 2 s or 16 MiB teaches anything', () => {
    const short = { ms: 1999, bytes: 16 * 1024 * 1024 - 1, roundTripMs: 1 };
    expect(learnt(null, LESSON, short, clock)).equal(null);
    for (const enough of [{ ms: 2000 }, { bytes: 16 * 1024 * 1024 }]) {
      const facts = learnt(null, LESSON, { ...short, ...enough }, clock);
      expect(facts).deep.equal({
        savedMs: clock.nowMs,
        useful: { connections: 4, roundTripMs: 1 },
        limit: null,
      });
    }
  });

  it('one that did not settle leaves what was known, or nothing', () => {
    const unsettled = { ...LESSON, connections: null };
    expect(learnt(null, unsettled, LONG, clock)).equal(null);
    expect(learnt(FACTS, unsettled, LONG, clock)).deep.include({ useful: FACTS.useful });
  });

  it('P21: a limit is as old as the last objection, of this run or an earlier one', () => {
    const at = (objectedMs: number | null, before: OriginFacts | null = FACTS) =>
      learnt(before, { ...LESSON, limit: 3, objectedMs }, LONG, clock)?.limit;
    expect(at(49_000.4)).deep.equal({ connections: 3, atMs: SAVED });
    expect(at(null)).deep.equal({ connections: 3, atMs: SAVED });
    expect(at(null, null)).deep.equal({ connections: 3, atMs: clock.nowMs });
    expect(learnt(FACTS, LESSON, LONG, clock)?.limit, 'grown beyond').equal(null);
  });
});
