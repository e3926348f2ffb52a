/** Rates from counters. */
import { expect } from 'chai';
import { Meter } from '../../../src/engine/meter.js';

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
});
