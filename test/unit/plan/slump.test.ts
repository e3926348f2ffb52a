/** Whether much less comes in than came in before. */
import { expect } from 'chai';
import { Slump } from '../../../src/plan/slump.js';

describe('a slump', () => {
  /** After these rates, one for each step of 100 ms, sampled twice as often. */
  const after = (rates: readonly number[], roundTripMs = 80): boolean => {
    const slump = new Slump(roundTripMs);
    let bytes = 0;
    slump.sample(0, bytes);
    rates.forEach((rate, i) => {
      slump.sample(i * 100 + 50, (bytes += rate * 50));
      slump.sample(i * 100 + 100, (bytes += rate * 50));
    });
    return slump.isLow;
  };
  const times = (count: number, ...rates: number[]): number[] =>
    Array.from({ length: count }, () => rates).flat();

  it('less than four fifths of the best, for as long as is averaged', () => {
    expect(after([...times(6, 100), ...times(30, 79)])).equal(true);
    expect(after([...times(6, 100), ...times(30, 81)])).equal(false);
    // After five steps the average is low for the first time; six averages in a row must be.
    expect(after([...times(6, 100), ...times(9, 70)])).equal(false);
    expect(after([...times(6, 100), ...times(10, 70)])).equal(true);
  });

  it('a start that becomes faster is none, nor is nothing at all', () => {
    expect(after(times(40, 0))).equal(false);
    expect(after(Array.from({ length: 40 }, (_, i) => i))).equal(false);
  });

  it('what a lost packet holds up comes soon after', () => {
    expect(after([...times(6, 100), ...times(10, 0, 100, 200)])).equal(false);
  });

  it('what rises again is over', () => {
    expect(after([...times(6, 100), ...times(20, 50), ...times(6, 100)])).equal(false);
  });

  it('steps are half a round trip long where that is more', () => {
    expect(after([...times(12, 100), ...times(18, 70)], 400)).equal(false);
    expect(after([...times(12, 100), ...times(20, 70)], 400)).equal(true);
  });
});
