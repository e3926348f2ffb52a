/** How many connections are used over time. */
import { expect } from 'chai';
import { BOOST_LANES } from '../../../src/plan/boost.js';
import { Link } from '../../../src/plan/link.js';
import { AUTO_FAR, AUTO_MAX, AUTO_NEAR, Ramp } from '../../../src/plan/ramp.js';

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

  it('auto starts with one', () => {
    for (const roundTrip of [1, 9.9, 10, 300]) expect(new Ramp('auto', roundTrip).target).equal(1);
  });

  it('nearby, one gets company after its first window: more where it is slow', () => {
    for (const [roundTrip, rate, target] of [
      [0.1, 400_000, AUTO_NEAR],
      [1, 50_000, AUTO_NEAR],
      [1, 49_999, AUTO_MAX],
      // Slow start may not be over yet.
      [3, 49_999, 1],
      [10, 49_999, 1],
    ] as const) {
      const ramp = new Ramp('auto', roundTrip);
      feed(ramp, { ms: 0, bytes: 0 }, 30, () => rate);
      expect(ramp.target, `${roundTrip} ms, ${rate} bytes a millisecond`).equal(target);
      feed(ramp, { ms: 30, bytes: 30 * rate }, 40, () => rate);
      if (roundTrip < 10) expect(ramp.target).equal(rate < 50_000 ? AUTO_MAX : AUTO_NEAR);
    }
  });

  it('nearby, some that are plenty are left alone for two seconds, and watched', () => {
    const ramp = new Ramp('auto', 1);
    const clock = { ms: 0, bytes: 0 };
    feed(ramp, clock, 1900, () => 400_000);
    expect(ramp.target).equal(AUTO_NEAR);
    feed(ramp, clock, 320, () => 400_000);
    expect(ramp.target).equal(2 * AUTO_NEAR);
  });

  it('nearby, a burst is not plenty', () => {
    for (const [rate, target] of [
      [99_999, AUTO_MAX],
      [100_000, AUTO_NEAR],
    ] as const) {
      const ramp = new Ramp('auto', 1);
      const clock = { ms: 0, bytes: 0 };
      feed(ramp, clock, 200, () => 500_000);
      // The window in which it ends, and one after it.
      feed(ramp, clock, 100, () => rate);
      expect(ramp.target).equal(target);
    }
  });

  it('nearby, some that are not plenty are followed by more at once', () => {
    const ramp = new Ramp('auto', 1);
    feed(ramp, { ms: 0, bytes: 0 }, 250, () => 399_999);
    expect(ramp.target).equal(2 * AUTO_NEAR);
  });

  it('auto grows to its most while more connections bring more', () => {
    for (const roundTrip of [1, 80]) {
      const ramp = new Ramp('auto', roundTrip);
      feed(ramp, { ms: 0, bytes: 0 }, 30_000, (count) => count * 100);
      expect(ramp.target).equal(AUTO_MAX);
    }
  });

  it('auto grows no more when the rest comes within ten windows', () => {
    for (const [rest, target] of [
      [39_900, 1],
      [40_100, 2],
    ] as const) {
      // A window is 400 ms, at 10 bytes a millisecond; the second one ends 800 ms after the first sample.
      const ramp = new Ramp('auto', 100, null, null, 8000 + rest);
      const clock = { ms: 0, bytes: -100 };
      feed(ramp, clock, 810, () => 10);
      expect(ramp.target, `${rest} bytes to go`).equal(target);
    }
  });

  it('auto goes back when twice as many bring no more, and stays', () => {
    const ramp = new Ramp('auto', 1);
    const clock = { ms: 0, bytes: 0 };
    feed(ramp, clock, 10_000, () => 200_000);
    expect(ramp.target).equal(AUTO_NEAR);
    feed(ramp, clock, 10_000, (count) => count * 200_000);
    expect(ramp.target).equal(AUTO_NEAR);
  });

  it('auto does not judge while connections are still missing', () => {
    const ramp = new Ramp('auto', 80, { connections: 4, limit: null });
    for (let ms = 0; ms < 10_000; ms += STEP_MS) {
      ramp.sample({ nowMs: ms, bytes: ms * 1000, receiving: 3 });
      expect(ramp.target).equal(4);
    }
  });

  it('auto does not judge while connections of the level before still end their leases', () => {
    // Four bring 4,000 bytes a millisecond as long as others drain beside them, and 400 alone.
    const ramp = new Ramp('auto', 80, { connections: 4, limit: null });
    const clock = { ms: 0, bytes: 0 };
    for (; clock.ms < 2000; clock.ms += STEP_MS, clock.bytes += 4000 * STEP_MS)
      ramp.sample({ nowMs: clock.ms, bytes: clock.bytes, receiving: 16 });
    expect(ramp.target).equal(4);
    feed(ramp, clock, 3000, (count) => count * 100);
    expect(ramp.target, 'twice as many bring twice as much').above(4);
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
    const sample = (): void => ramp.sample({ nowMs: ms, bytes, receiving: ramp.target });
    sample();
    return rates.map((rate) => {
      ms += windowMs;
      bytes += rate * windowMs;
      sample();
      return ramp.target;
    });
  }

  it('a rate has settled when a second window is about the same', () => {
    expect(targets(new Ramp('auto', 100), 400, [10, 10])).deep.equal([1, 2]);
    expect(targets(new Ramp('auto', 100), 400, [10, 9])).deep.equal([1, 2]);
    expect(targets(new Ramp('auto', 100), 400, [0, 0])).deep.equal([1, 2]);
    expect(targets(new Ramp('auto', 100), 400, [10, 12, 13])).deep.equal([1, 1, 2]);
    expect(targets(new Ramp('auto', 100), 400, [10, 8, 8])).deep.equal([1, 1, 2]);
  });

  it('a window is 50 ms, or four round trips where those are longer', () => {
    expect(targets(new Ramp('auto', 11), 49, [10, 10])).deep.equal([1, 1]);
    expect(targets(new Ramp('auto', 11), 50, [10, 10])).deep.equal([1, 2]);
    expect(targets(new Ramp('auto', 100), 399, [10, 10, 10])).deep.equal([1, 1, 1]);
    expect(targets(new Ramp('auto', 100), 400, [10, 10])).deep.equal([1, 2]);
  });

  it('a rate is by time, however long a window became', () => {
    const ramp = new Ramp('auto', 11);
    for (const ms of [0, 50, 150]) ramp.sample({ nowMs: ms, bytes: ms * 10, receiving: 1 });
    expect(ramp.target).equal(2);
  });

  it('a rate that moves on and on is taken as it is after twelve windows', () => {
    for (const step of [1.2, 0.8]) {
      const moving = Array.from({ length: 12 }, (_, window) => 1000 * step ** window);
      expect(targets(new Ramp('auto', 100), 400, moving)).deep.equal([
        ...Array.from({ length: 11 }, () => 1),
        2,
      ]);
    }
  });

  it('the better of two windows counts', () => {
    const after = targets(new Ramp('auto', 100), 400, [10, 10, 0, 12, 10.5]);
    expect(after.at(-1)).equal(4);
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

describe('the ramp on a far link', () => {
  const ROUND_TRIP = 100;

  /** Feeds the ramp for `ms`; `roundTrip` says what is measured beside so many connections. */
  function run(
    ramp: Ramp,
    clock: { ms: number; bytes: number },
    ms: number,
    path: { yieldOf: (count: number) => number; roundTrip: (count: number) => number },
  ): number[] {
    const targets: number[] = [];
    for (const until = clock.ms + ms; clock.ms < until;) {
      clock.ms += STEP_MS;
      clock.bytes += path.yieldOf(ramp.target) * STEP_MS;
      ramp.sample({ nowMs: clock.ms, bytes: clock.bytes, receiving: ramp.target });
      if (ramp.wantsRoundTrip(clock.ms))
        ramp.link?.measured(path.roundTrip(ramp.target), clock.ms + ROUND_TRIP);
      if (targets.at(-1) !== ramp.target) targets.push(ramp.target);
    }
    return targets;
  }

  const start = (remembered: number | null = null): Ramp =>
    new Ramp('auto', ROUND_TRIP, { connections: remembered, limit: null }, new Link(ROUND_TRIP));

  /** One connection fills it. */
  const narrow = { yieldOf: () => 100, roundTrip: () => 200 };
  /** The server throttles each connection. */
  const throttled = { yieldOf: (count: number) => count * 100, roundTrip: () => 100 };

  it('begins with some, and goes on with one when the link is full', () => {
    const ramp = start();
    expect(ramp).include({ target: BOOST_LANES, isBoosting: true });
    const clock = { ms: 0, bytes: 0 };
    expect(run(ramp, clock, 20_000, narrow)).deep.equal([BOOST_LANES, 1]);
    expect(ramp).deep.include({ isBoosting: false });
    expect(ramp.lesson).include({ connections: 1 });
  });

  it('goes on with some where one does not keep the link full', () => {
    const clock = { ms: 0, bytes: 0 };
    /** Filled within a second by all, with 15,000 bytes a millisecond; one brings a part of that. */
    const course = (
      part: number,
      roundTrip: (count: number) => number,
      most = 15_000,
    ): number[] => {
      Object.assign(clock, { ms: 0, bytes: 0 });
      return run(start(), clock, 20_000, {
        yieldOf: (count) => (count > 1 ? most : most * part),
        roundTrip: (count) => (clock.ms < 1000 ? 100 : roundTrip(count)),
      });
    };
    // Packets are lost: less comes in, and the queue is empty.
    const some = [BOOST_LANES, 1, AUTO_FAR];
    const emptied = (count: number): number => (count > 1 ? 200 : 100);
    expect(course(0.9, emptied)).deep.equal(some);
    // Less comes in, although something waits in the queue.
    const queued = (): number => 200;
    expect(course(0.79, queued)).deep.equal(some);
    expect(course(0.81, queued)).deep.equal([BOOST_LANES, 1]);
    // Little is under way.
    expect(course(0.79, queued, 10_000)).deep.equal([BOOST_LANES, 1]);
    expect(course(0.9, emptied, 10_000)).deep.equal([BOOST_LANES, 1, 2]);
  });

  it('goes on with some where more is under way than one may have', () => {
    const holding = (bytes: number) => ({ ...narrow, yieldOf: () => bytes / ROUND_TRIP });
    expect(run(start(), { ms: 0, bytes: 0 }, 20_000, holding(2_600_000))).deep.equal([
      BOOST_LANES,
      AUTO_FAR,
    ]);
    expect(run(start(), { ms: 0, bytes: 0 }, 20_000, holding(2_400_000))).deep.equal([
      BOOST_LANES,
      1,
    ]);
  });

  it('what comes in once the number is found is not compared with the start', () => {
    const ramp = start();
    const clock = { ms: 0, bytes: 0 };
    run(ramp, clock, 20_000, narrow);
    expect(run(ramp, clock, 20_000, { ...narrow, yieldOf: () => 10 })).deep.equal([1]);
  });

  it('goes on with what it remembers', () => {
    expect(run(start(3), { ms: 0, bytes: 0 }, 20_000, narrow)).deep.equal([BOOST_LANES, 3]);
    expect(run(start(12), { ms: 0, bytes: 0 }, 20_000, narrow)).deep.equal([BOOST_LANES, 12]);
  });

  it('begins with one where a round trip takes under 40 ms', () => {
    const begun = (roundTripMs: number): number =>
      new Ramp('auto', roundTripMs, null, new Link(roundTripMs)).target;
    expect([39.9, 40].map(begun)).deep.equal([1, BOOST_LANES]);
  });

  it('goes back when more bring nothing, also where the link is full then', () => {
    const ramp = new Ramp('auto', 20, null, new Link(20));
    const clock = { ms: 0, bytes: 0 };
    const path = { yieldOf: () => 100, roundTrip: (count: number) => (count > 1 ? 50 : 20) };
    expect(run(ramp, clock, 5000, path)).deep.equal([1, 2, 1]);
  });

  it('of a full link a later run begins with half as many, down to one', () => {
    for (const [remembered, next] of [
      [5, 2],
      [2, 1],
      [1, 1],
    ] as const) {
      const ramp = start(remembered);
      run(ramp, { ms: 0, bytes: 0 }, 20_000, narrow);
      expect(ramp.target).equal(remembered);
      expect(ramp.lesson).include({ connections: next });
    }
  });

  it('keeps them, and grows, when the link does not fill', () => {
    expect(run(start(), { ms: 0, bytes: 0 }, 20_000, throttled)).deep.equal([
      BOOST_LANES,
      AUTO_FAR,
      16,
    ]);
  });

  it('grows no more once the link is full', () => {
    const filling = { ...throttled, roundTrip: () => (clock.ms < 1500 ? 100 : 200) };
    const clock = { ms: 0, bytes: 0 };
    expect(run(start(), clock, 20_000, filling)).deep.equal([BOOST_LANES, AUTO_FAR]);
  });

  it('grows again when the link is not full any more', () => {
    const ramp = start();
    const clock = { ms: 0, bytes: 0 };
    run(ramp, clock, 10_000, narrow);
    expect(run(ramp, clock, 20_000, throttled)).deep.equal([1, 2, 4, 8, 16]);
  });

  it('a connection that has ended may help again only after a clear round trip', () => {
    const ramp = start();
    expect(ramp.mayBoost(null, false)).equal(true);
    expect(ramp.mayBoost(0, false)).equal(false);
    run(ramp, { ms: 0, bytes: 0 }, 300, throttled);
    expect(ramp.mayBoost(100, false)).equal(true);
    expect(ramp.mayBoost(200, false)).equal(false);
  });

  it('a connection that is busy still may help as long as nothing waits', () => {
    const ramp = start();
    expect(ramp.mayBoost(null, true)).equal(true);
    ramp.link?.isDue(0, 0);
    ramp.link?.measured(1000, 1000);
    expect(ramp.mayBoost(null, true)).equal(false);
  });

  it('nearby, and with a number of the user, nothing is measured and nothing boosted', () => {
    for (const ramp of [
      new Ramp('auto', 1, null, new Link(1)),
      new Ramp(5, ROUND_TRIP, null, new Link(ROUND_TRIP)),
    ]) {
      expect(ramp).include({ isBoosting: false, link: null });
      expect(ramp.wantsRoundTrip(1e6)).equal(false);
    }
    expect(new Ramp('auto', ROUND_TRIP).wantsRoundTrip(1e6)).equal(false);
  });

  it('P21: the server objects while the link is filled', () => {
    const ramp = start();
    ramp.objected(0, 3);
    expect(ramp.target).equal(3);
    expect(run(ramp, { ms: 0, bytes: 0 }, 10_000, throttled)).deep.equal([3]);
  });
});
