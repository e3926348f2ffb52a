/** How many connections are used over time. */
import { expect } from 'chai';
import { AUTO_MAX, AUTO_START, Ramp } from '../../../src/plan/ramp.js';

const STEP_MS = 10;

/** Feeds the ramp for `ms` with what `yieldOf` connections bring, in bytes a millisecond. */
function feed(
  ramp: Ramp,
  clock: { ms: number; bytes: number },
  ms: number,
  yieldOf: (connections: number) => number,
): void {
  for (const until = clock.ms + ms; clock.ms < until;) {
    clock.ms += STEP_MS;
    clock.bytes += yieldOf(ramp.target) * STEP_MS;
    ramp.sample({ nowMs: clock.ms, bytes: clock.bytes, receiving: ramp.target });
  }
}

describe('the ramp', () => {
  it('a fixed number stays what it is', () => {
    const ramp = new Ramp(5, 1);
    feed(ramp, { ms: 0, bytes: 0 }, 60_000, (count) => count);
    expect(ramp.target).equal(5);
  });

  it('auto starts with four nearby and with one far away', () => {
    expect(new Ramp('auto', 1).target).equal(AUTO_START);
    expect(new Ramp('auto', 9.9).target).equal(AUTO_START);
    expect(new Ramp('auto', 10).target).equal(1);
    expect(new Ramp('auto', 300).target).equal(1);
  });

  it('auto grows to its most while more connections bring more', () => {
    for (const roundTrip of [1, 80]) {
      const ramp = new Ramp('auto', roundTrip);
      feed(ramp, { ms: 0, bytes: 0 }, 30_000, (count) => count * 100);
      expect(ramp.target).equal(AUTO_MAX);
    }
  });

  it('auto goes back when twice as many bring no more, and stays', () => {
    const ramp = new Ramp('auto', 1);
    const clock = { ms: 0, bytes: 0 };
    feed(ramp, clock, 10_000, () => 1000);
    expect(ramp.target).equal(AUTO_START);
    feed(ramp, clock, 10_000, (count) => count * 1000);
    expect(ramp.target).equal(AUTO_START);
  });

  it('auto does not judge while connections are still missing', () => {
    const ramp = new Ramp('auto', 1);
    for (let ms = 0; ms < 10_000; ms += STEP_MS) {
      ramp.sample({ nowMs: ms, bytes: ms * 1000, receiving: AUTO_START - 1 });
      expect(ramp.target).equal(AUTO_START);
    }
  });

  it('P21: stays with what works when the server objects', () => {
    const ramp = new Ramp(16, 1);
    for (let working = 15; working >= 3; working--) ramp.objected(0, working);
    expect(ramp.target).equal(3);
    ramp.objected(0, 10);
    expect(ramp.target, 'an objection never raises').equal(3);
    ramp.objected(0, 0);
    expect(ramp.target, 'one is always tried').equal(1);
  });

  it('P21: tries one more after 15 s, and one more each 15 s after that', () => {
    const ramp = new Ramp(8, 1);
    const at = (nowMs: number): number => {
      ramp.sample({ nowMs, bytes: 0, receiving: 0 });
      return ramp.target;
    };
    // Refused together: one objection.
    for (let working = 7; working >= 2; working--) ramp.objected(1000, working);
    expect(at(15_999)).equal(2);
    expect(at(16_000)).equal(3);
    expect(at(30_999)).equal(3);
    expect(at(31_000)).equal(4);
    for (let ms = 31_000; ms < 300_000; ms += 1000) at(ms);
    expect(ramp.target, 'never above what was asked for').equal(8);
  });

  it('P21: tries ever more rarely', () => {
    const ramp = new Ramp(8, 1);
    const next = (from: number): number => {
      const before = ramp.target;
      for (let ms = from; ms < from + 2e6; ms += 500) {
        ramp.sample({ nowMs: ms, bytes: 0, receiving: 0 });
        if (ramp.target > before) return ms - from;
      }
      return Infinity;
    };
    let now = 0;
    for (const wait of [15, 30, 60, 120, 240, 480, 960, 960]) {
      ramp.objected(now, 2);
      const waited = next(now);
      expect(waited).equal(wait * 1000);
      now += waited;
    }
  });
});

describe('how the ramp judges', () => {
  /** The target after each window: `rates` in bytes a millisecond, one for each window. */
  function targets(ramp: Ramp, windowMs: number, rates: number[]): number[] {
    let [ms, bytes] = [0, 0];
    const sample = (): void => ramp.sample({ nowMs: ms, bytes, receiving: AUTO_MAX });
    sample();
    return rates.map((rate) => {
      ms += windowMs;
      bytes += rate * windowMs;
      sample();
      return ramp.target;
    });
  }

  it('a rate has settled when a second window brings no more', () => {
    expect(targets(new Ramp('auto', 1), 50, [10, 10])).deep.equal([4, 8]);
    expect(targets(new Ramp('auto', 1), 50, [10, 9])).deep.equal([4, 8]);
    expect(targets(new Ramp('auto', 1), 50, [0, 0])).deep.equal([4, 8]);
    expect(targets(new Ramp('auto', 1), 50, [10, 12, 13])).deep.equal([4, 4, 8]);
  });

  it('a window is 50 ms, or four round trips where those are longer', () => {
    expect(targets(new Ramp('auto', 1), 49, [10, 10, 10])).deep.equal([4, 4, 4]);
    expect(targets(new Ramp('auto', 100), 399, [10, 10, 10])).deep.equal([1, 1, 1]);
    expect(targets(new Ramp('auto', 100), 400, [10, 10])).deep.equal([1, 2]);
  });

  it('a rate is by time, however long a window became', () => {
    const ramp = new Ramp('auto', 1);
    for (const ms of [0, 50, 150]) ramp.sample({ nowMs: ms, bytes: ms * 10, receiving: 4 });
    expect(ramp.target).equal(8);
  });

  it('a rate that grows on and on is taken as it is after twelve windows', () => {
    const growing = Array.from({ length: 12 }, (_, window) => 10 * 1.2 ** window);
    expect(targets(new Ramp('auto', 1), 50, growing)).deep.equal([
      ...Array.from({ length: 11 }, () => 4),
      8,
    ]);
  });

  it('the better of two windows counts', () => {
    const after = targets(new Ramp('auto', 1), 50, [10, 10, 0, 12, 10]);
    expect(after.at(-1)).equal(AUTO_MAX);
  });

  it('P21: objections two seconds apart are two', () => {
    const ramp = new Ramp(8, 1);
    ramp.objected(0, 2);
    ramp.objected(2000, 2);
    ramp.sample({ nowMs: 31_999, bytes: 0, receiving: 0 });
    expect(ramp.target).equal(2);
    ramp.sample({ nowMs: 32_000, bytes: 0, receiving: 0 });
    expect(ramp.target).equal(3);
  });
});
