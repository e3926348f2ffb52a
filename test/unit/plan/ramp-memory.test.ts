/** What the ramp takes over from an earlier run, and what it leaves to a later one. */
import { expect } from 'chai';
import { AUTO_MAX, Ramp } from '../../../src/plan/ramp.js';

/** Feeds the ramp for `ms`, with what `yieldOf` connections bring in a millisecond. */
function feed(
  ramp: Ramp,
  from: number,
  ms: number,
  yieldOf: (connections: number) => number,
): void {
  let bytes = 0;
  for (let nowMs = from; nowMs < from + ms; nowMs += 10) {
    bytes += yieldOf(ramp.target) * 10;
    ramp.sample({ nowMs, bytes, receiving: ramp.target });
  }
}

const NOTHING = { connections: null, limit: null };

describe('the memory of the ramp', () => {
  it('auto begins with the number that it settled at', () => {
    for (const connections of [1, 8, AUTO_MAX])
      expect(new Ramp('auto', 80, { connections, limit: null }).target).equal(connections);
    expect(new Ramp('auto', 80, { connections: 64, limit: null }).target).equal(AUTO_MAX);
    expect(new Ramp('auto', 1, NOTHING).target).equal(1);
  });

  it('nearby the number is found anew: the machine may have been busy', () => {
    for (const roundTrip of [0, 9.9])
      expect(new Ramp('auto', roundTrip, { connections: 8, limit: null }).target).equal(1);
    expect(new Ramp('auto', 10, { connections: 8, limit: null }).target).equal(8);
  });

  it('a fixed number remembers nothing and teaches nothing', () => {
    const ramp = new Ramp(6, 1, { connections: 2, limit: 3 });
    expect(ramp.target).equal(6);
    ramp.objected(0, 2);
    expect(ramp.lesson).equal(null);
  });

  it('it still grows while that pays, and goes back when it does not', () => {
    const growing = new Ramp('auto', 80, { connections: 8, limit: null });
    feed(growing, 0, 20_000, (count) => count * 100);
    expect(growing.lesson).deep.equal({ connections: AUTO_MAX, limit: null, objectedMs: null });
    const enough = new Ramp('auto', 80, { connections: 8, limit: null });
    feed(enough, 0, 20_000, () => 1000);
    expect(enough.lesson).deep.equal({ connections: 8, limit: null, objectedMs: null });
  });

  it('until it has settled it has no number to tell', () => {
    const ramp = new Ramp('auto', 1);
    expect(ramp.lesson).deep.equal({ ...NOTHING, objectedMs: null });
  });

  it('P21: a remembered limit is kept for a minute, then one more is tried', () => {
    const ramp = new Ramp('auto', 80, { connections: 8, limit: 3 });
    const at = (nowMs: number): number => {
      ramp.sample({ nowMs, bytes: 0, receiving: 0 });
      return ramp.target;
    };
    expect(ramp.target).equal(3);
    expect(at(500_000)).equal(3);
    expect(at(559_999)).equal(3);
    expect(at(560_000)).equal(4);
    expect(ramp.lesson?.limit).equal(4);
    ramp.objected(560_100, 3);
    expect(ramp.lesson).include({ limit: 3, objectedMs: 560_100 });
    expect(new Ramp('auto', 1, { connections: null, limit: 0 }).target).equal(1);
  });

  it('P21: an objection before the first sample counts as ever', () => {
    const ramp = new Ramp('auto', 80, { connections: 8, limit: 6 });
    ramp.objected(1000, 2);
    ramp.sample({ nowMs: 15_999, bytes: 0, receiving: 0 });
    expect(ramp.target).equal(2);
    ramp.sample({ nowMs: 16_000, bytes: 0, receiving: 0 });
    expect(ramp.target).equal(3);
  });
});
