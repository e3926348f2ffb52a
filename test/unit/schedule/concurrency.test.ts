/** How many connections an origin gets. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { Concurrency } from '../../../src/schedule/concurrency.js';
import type { KnownOrigin, Present } from '../../../src/schedule/concurrency.js';
import { TUNING } from '../../../src/schedule/tuning.js';

const TICK = TUNING.tickMs;

/** A server and a link in which so many connections bring so much. */
class Course {
  nowMs = 0;
  private bytes = 0;
  /** Each change of the number, with its time. */
  readonly changes: Array<[ms: number, target: number]> = [];

  constructor(
    readonly concurrency: Concurrency,
    /** Bytes per millisecond of a number of connections. */
    public rateOf: (connections: number) => number,
    /** What a round trip beside the transfer takes; null when it is never answered. */
    public tripMs: number | null,
    public present: Partial<Present> = {},
  ) {}

  run(ms: number, present: (target: number) => Partial<Present> = () => ({})): this {
    const { concurrency } = this;
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      const { target } = concurrency;
      if (this.changes.at(-1)?.[1] !== target) this.changes.push([this.nowMs, target]);
      this.nowMs += TICK;
      this.bytes += this.rateOf(target) * TICK;
      const now = { bytes: this.bytes, receiving: target, busy: target, held: false };
      const rest = { processor: 0.1, lastsMs: 600_000 };
      concurrency.sample({ ...now, ...rest, ...this.present, ...present(target) }, this.nowMs);
      if (concurrency.takeTripWish()) concurrency.roundTrip(this.tripMs, this.nowMs);
    }
    return this;
  }

  get numbers(): number[] {
    return this.changes.map(([, target]) => target);
  }
}

const each = (rate: number) => (connections: number) => connections * rate;
const upTo = (rate: number, most: number) => (connections: number) =>
  Math.min(connections * rate, most);

const auto = (roundTripMs: number, known: KnownOrigin | null = null): Concurrency =>
  new Concurrency('auto', roundTripMs, TUNING, known);

const fixed = (connections: number, roundTripMs = 50): Concurrency =>
  new Concurrency(connections, roundTripMs, TUNING);

describe('the number of connections', () => {
  it('begins with few nearby and with many on a far path', () => {
    expect(auto(TUNING.farMs - 0.1).target).equal(TUNING.startNear);
    expect(auto(TUNING.farMs).target).equal(TUNING.startFar);
  });

  it('doubles while that pays, up to the most', () => {
    const course = new Course(auto(1), each(1000), 1).run(5000);
    expect(course.numbers).deep.equal([4, 8, 16]);
    expect(course.concurrency.lesson.connections).equal(16);
  });

  it('goes back when it did not pay, and holds for ever longer', () => {
    const course = new Course(auto(1), upTo(1000, 4000), 1).run(20_000);
    expect(course.numbers.slice(0, 5)).deep.equal([4, 8, 4, 8, 4]);
    const backMs = course.changes.filter(([, target]) => target === 4).map(([ms]) => ms);
    const tries = course.changes.filter(([, target]) => target === 8).map(([ms]) => ms);
    const held = backMs.slice(1).map((ms, at) => (tries[at + 1] ?? Infinity) - ms);
    expect(held[0]).within(TUNING.holdMs, TUNING.holdMs + 500);
    expect(held[1]).within(2 * TUNING.holdMs, 2 * TUNING.holdMs + 500);
    expect(course.concurrency.target).equal(4);
  });

  it('keeps a number that brings a tenth more, and none that brings less', () => {
    const gains = (factor: number): number[] =>
      new Course(auto(1), (count) => (count <= 4 ? 4000 : 4000 * factor), 1).run(1500).numbers;
    expect(gains(1.15)).deep.equal([4, 8, 16, 8]);
    expect(gains(1.05)).deep.equal([4, 8, 4]);
  });

  it('is tried again at once in another world', () => {
    const course = new Course(auto(1), upTo(1000, 4000), 1).run(1000);
    expect(course.numbers).deep.equal([4, 8, 4]);
    course.rateOf = each(2000);
    course.run(1500);
    expect(course.concurrency.target).equal(16);
  });

  it('is the number of the user, whatever pays', () => {
    const course = new Course(fixed(3), upTo(1000, 1000), 50).run(20_000);
    expect(course.numbers).deep.equal([3]);
    expect(course.concurrency.ceiling).equal(3);
    expect(course.concurrency.lesson.connections, 'that teaches nothing').equal(null);
  });

  it('is not raised for what will be over before more are up to speed', () => {
    const course = new Course(auto(1), each(1000), 1, { lastsMs: 99 }).run(5000);
    expect(course.numbers).deep.equal([4]);
    course.present = { lastsMs: 101 };
    expect(course.run(500).concurrency.target).above(4);
  });
});

describe('a window', () => {
  it('counts only while exactly the number receives', () => {
    for (const off of [-1, 1])
      for (const what of ['receiving', 'busy'] as const) {
        const course = new Course(auto(1), each(1000), 1);
        course.run(10_000, (target) => ({ [what]: target + off }));
        expect(course.numbers, `${what} ${off}`).deep.equal([4]);
        expect(course.concurrency.lesson.connections).equal(null);
      }
  });

  it('is begun anew after each look at which it was not so', () => {
    const course = new Course(auto(1), each(1000), 1);
    let look = 0;
    // 50 ms are a window: two looks of each three are right.
    course.run(10_000, (target) => ({ receiving: look++ % 3 === 2 ? target - 1 : target }));
    expect(course.numbers).deep.equal([4]);
  });

  it('is four round trips long on a far path', () => {
    const early = new Course(auto(200, { connections: 4, limit: null }), each(1000), 200).run(700);
    expect(early.numbers).deep.equal([4]);
    expect(early.run(2500).numbers).deep.equal([4, 8]);
  });

  it('that is held by the disk teaches nothing, and says so', () => {
    const course = new Course(auto(1), each(1000), 1, { held: true }).run(10_000);
    expect(course.numbers).deep.equal([4]);
    expect(course.concurrency.lesson.connections).equal(null);
    expect(course.concurrency.limitedBy).equal('disk');
  });

  it('of what drains from a higher number teaches nothing of the lower one', () => {
    const course = new Course(auto(1), upTo(1000, 4000), 1).run(200);
    const before = course.changes.length;
    // The number has gone back, and what is under way still comes over eight.
    course.run(5000, (target) => ({ receiving: 8, busy: Math.max(target, 8) }));
    expect(course.changes.length - before).most(1);
  });
});

describe('a link or a processor that is full', () => {
  it('gets no more connections, and is named', () => {
    const course = new Course(auto(10, { connections: 4, limit: null }), each(1000), 30);
    course.run(10_000);
    expect(course.numbers).deep.equal([4]);
    expect(course.concurrency.limitedBy).equal('link');
  });

  it('is a link whose round trip is a quarter longer, beyond what a busy machine takes', () => {
    const after = (roundTripMs: number, tripMs: number | null): number =>
      new Course(auto(roundTripMs, { connections: 4, limit: null }), each(1000), tripMs).run(
        20 * roundTripMs + 3000,
      ).concurrency.target;
    expect(after(100, 126)).equal(4);
    expect(after(100, 124)).equal(16);
    expect(after(1, 5.1)).equal(4);
    expect(after(1, 4.9)).equal(16);
    expect(after(1, null), 'nothing came back in time').equal(4);
  });

  it('is a processor at work for most of the time', () => {
    const busy = new Course(auto(1), each(1000), 1, { processor: 0.9 }).run(5000);
    expect(busy.numbers).deep.equal([4]);
    expect(busy.concurrency.limitedBy).equal('processor');
    const idle = new Course(auto(1), each(1000), 1, { processor: 0.8 }).run(5000);
    expect(idle.numbers).deep.equal([4, 8, 16]);
  });

  it('is not one that was at work for a moment', () => {
    let look = 0;
    const course = new Course(auto(1), each(1000), 1);
    course.run(5000, () => ({ processor: look++ % 2 === 0 ? 1 : 0.2 }));
    expect(course.concurrency.target).equal(16);
  });
});

describe('P21: a server that objects', () => {
  it('to one of sixteen with Retry-After: 1 costs one connection for two seconds', () => {
    const course = new Course(fixed(16), each(1000), 50).run(5000);
    course.concurrency.objected(course.nowMs, 15, 1000);
    course.run(10_000);
    const [[, first], [fromMs, less], [backMs, again], ...more] = course.changes as [
      [number, number],
      [number, number],
      [number, number],
    ];
    expect([first, less, again]).deep.equal([16, 15, 16]);
    expect(backMs - fromMs).within(1000, 2000 + TICK);
    expect(more).deep.equal([]);
  });

  it('gets as many as it serves, and no fewer', () => {
    const served = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(served), (connections, all) => {
        const concurrency = fixed(connections);
        for (const each of all) concurrency.objected(1000, each);
        expect(concurrency.target).equal(Math.max(1, Math.min(connections, ...all)));
      }),
    );
  });

  it('gets more again in steps that double, as long as none is refused', () => {
    const course = new Course(fixed(32), each(1000), 50).run(1000);
    course.concurrency.objected(course.nowMs, 1);
    course.run(30_000);
    expect(course.numbers).deep.equal([32, 1, 2, 4, 8, 16, 32]);
    const waits = course.changes.slice(1).map(([ms]) => ms);
    for (const [at, ms] of waits.entries())
      if (at > 0) expect(ms - (waits[at - 1] as number)).within(2000, 2000 + 2 * TICK);
  });

  it('is asked for one more ever more rarely while it refuses it', () => {
    const course = new Course(fixed(16), each(1000), 50).run(1000);
    const { concurrency } = course;
    const triedMs: number[] = [];
    concurrency.objected(course.nowMs, 8);
    for (let ms = 0; ms < 100_000; ms += TICK) {
      course.run(TICK);
      if (concurrency.target <= 8) continue;
      triedMs.push(course.nowMs);
      expect(concurrency.target, 'one more').equal(9);
      concurrency.objected(course.nowMs, 8);
    }
    const waits = triedMs.map((ms, at) => ms - (triedMs[at - 1] ?? 1000));
    expect(waits.length).within(4, 6);
    for (const [at, ms] of waits.entries())
      expect(ms).within(2000 * 2 ** at, 2000 * 2 ** at + 2 * TICK);
  });

  it('at once to several that were opened together objects once', () => {
    const course = new Course(fixed(16), each(1000), 50).run(1000);
    for (let count = 15; count >= 8; count--)
      course.concurrency.objected(course.nowMs + count, count);
    course.run(30_000);
    expect(course.changes[1]?.[1]).equal(8);
    const [, [fromMs], [backMs]] = course.changes as Array<[number, number]> as [
      [number, number],
      [number, number],
      [number, number],
    ];
    expect(backMs - fromMs).within(2000, 2000 + 2 * TICK);
  });

  it('gets the pause that it asks for', () => {
    const course = new Course(fixed(4), each(1000), 50).run(1000);
    course.concurrency.objected(course.nowMs, 3, 30_000);
    expect(course.run(29_900).concurrency.target).equal(3);
    expect(course.run(200).concurrency.target).equal(4);
  });

  it('is what limits the download, and is remembered', () => {
    const course = new Course(auto(50), each(1000), 50).run(3000);
    course.concurrency.objected(course.nowMs, 5);
    course.run(1900);
    expect(course.concurrency.limitedBy).equal('server');
    expect(course.concurrency.lesson).include({ limit: 5, objectedMs: 3000, connections: 5 });
  });
});

describe('what an earlier run learnt', () => {
  it('is what auto begins with', () => {
    expect(auto(50, { connections: 3, limit: null }).target).equal(3);
    expect(auto(1, { connections: 9, limit: 6 }).target).equal(6);
    expect(auto(50, { connections: null, limit: null }).target).equal(16);
  });

  it('P21: a limit that is remembered is passed by one at first', () => {
    const course = new Course(auto(50, { connections: null, limit: 4 }), each(1000), 50);
    course.run(12_000);
    expect(course.numbers).deep.equal([4, 5, 7, 11, 16]);
    expect(course.concurrency.lesson.limit).equal(null);
  });

  it('does not change the number of the user', () => {
    expect(new Concurrency(8, 50, TUNING, { connections: 2, limit: 3 }).target).equal(8);
  });
});

describe('what holds a download back', () => {
  const verdict = (rateOf: (count: number) => number): string =>
    new Course(auto(1), rateOf, 1).run(5000).concurrency.limitedBy;

  it('is the server where twice the connections bring twice as much', () => {
    expect(verdict(each(1000))).equal('server');
  });

  it('is the server, too, where twice the connections bring little more and no round trip meets a queue', () => {
    expect(verdict((count) => 1000 * count ** 0.3)).equal('server');
  });

  it('is not known before anything was measured', () => {
    expect(auto(1).limitedBy).equal('unknown');
    expect(new Course(auto(200), each(1000), 200).run(100).concurrency.limitedBy).equal('unknown');
  });
});
