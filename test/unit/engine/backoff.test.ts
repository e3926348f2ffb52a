/** Retry arithmetic. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  LONGEST_RETRY_AFTER_MS,
  backoffMs,
  isTransientStatus,
} from '../../../src/engine/backoff.js';

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
