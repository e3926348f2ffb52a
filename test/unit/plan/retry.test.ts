/** Retry and rate arithmetic. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { Meter, fastest, median } from '../../../src/plan/meter.js';
import { LONGEST_RETRY_AFTER_MS, backoffMs, isTransientStatus } from '../../../src/plan/retry.js';

describe('backoff', () => {
  it('P21: doubles from 400 ms to 30 s, half of it jitter', () => {
    const longest = [400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000];
    longest.forEach((most, i) => {
      expect(backoffMs(i + 1, null, 0)).equal(most / 2);
      expect(backoffMs(i + 1, null, 0.5)).equal(most * 0.75);
      expect(backoffMs(i + 1, null, 1 - 1e-9)).equal(most);
    });
    expect(backoffMs(5000, null, 0.5)).equal(22_500);
  });

  it('P21: never less than what the server asks for, nor than our own', () => {
    expect(backoffMs(1, 2000, 0)).equal(2000);
    expect(backoffMs(1, 2000, 0.5)).equal(2200);
    expect(backoffMs(1, 0, 0)).equal(200);
    expect(backoffMs(5, 0, 0)).equal(3200);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.nat(LONGEST_RETRY_AFTER_MS),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, asked, random) => {
          const delay = backoffMs(attempt, asked, random);
          expect(delay).least(Math.round(asked));
          expect(delay).least(backoffMs(attempt, null, random));
          expect(delay).most(Math.max(asked + 400, 30_000));
        },
      ),
    );
  });

  it('P21: which statuses may pass', () => {
    const passing = Array.from({ length: 500 }, (_, i) => i + 100).filter(isTransientStatus);
    expect(passing).deep.equal([408, 425, 429, 500, 502, 503, 504]);
  });
});

describe('the meter', () => {
  it('is 0 before the first sample, and takes the first as it is', () => {
    const meter = new Meter(1000, 0, 500);
    expect(meter.rate).equal(0);
    meter.sample(500, 1500);
    expect(meter.rate).equal(2000);
  });

  it('counts what is tau old for a third of what is new', () => {
    const meter = new Meter(1000, 0);
    meter.sample(1000, 1000);
    meter.sample(2000, 1000);
    expect(meter.rate).closeTo(1000 / Math.E / (1 + 1 / Math.E), 0.01);
    meter.sample(3000, 6000);
    const all = 1 + 1 / Math.E + 1 / Math.E ** 2;
    expect(meter.rate).closeTo((5000 + 1000 / Math.E ** 2) / all, 0.01);
  });

  it('counts a rate for as long as it lasted, however soon its sample is taken', () => {
    const burst = new Meter(1000, 0);
    burst.sample(1, 1000);
    burst.sample(101, 1000);
    expect(burst.rate).closeTo(10_000, 1000);
    const waits = new Meter(1000, 0);
    for (let ms = 50; ms <= 100; ms += 50) waits.sample(ms, 0);
    for (let ms = 150; ms <= 200; ms += 50) waits.sample(ms, ms - 100);
    expect(waits.rate).closeTo(500, 50);
  });

  it('takes no sample without time, and no negative one', () => {
    const meter = new Meter(1000, 0);
    meter.sample(1000, 1000);
    meter.sample(1000, 9000);
    meter.sample(500, 9000);
    expect(meter.rate).equal(1000);
    meter.sample(2000, 0);
    expect(meter.rate).closeTo(1000 / Math.E / (1 + 1 / Math.E), 0.01);
  });

  it('the fastest is the largest', () => {
    expect(fastest([])).equal(null);
    expect(fastest([3, 10, 9])).equal(10);
  });

  it('the median is the middle one, the upper of two', () => {
    expect(median([])).equal(null);
    expect(median([3])).equal(3);
    expect(median([9, 1])).equal(9);
    expect(median([10, 9, 2])).equal(9);
    expect(median([100, 20, 3, 4])).equal(20);
  });
});
