/** How many connections are used where the threads that receive are the limit. */
import { expect } from 'chai';
import {
  ENOUGH,
  ENOUGH_ENCRYPTED,
  ENOUGH_IN_ORDER,
  Few,
  enoughFor,
} from '../../../src/plan/few.js';
import type { Enough } from '../../../src/plan/few.js';

const LOOK_MS = 50;

/** Looks 50 ms apart, the first one at once, at threads that are so busy while so much comes in. */
function after(
  enough: Enough | null,
  receivers: number,
  busy: number[],
  { rate = 500_000, target = 32 } = {},
): number {
  const few = new Few(enough, receivers, 1000);
  busy.forEach((part, i) => few.sample(1000 + LOOK_MS * i, part, rate * LOOK_MS * i));
  return few.of(target);
}

describe('how many connections work', () => {
  for (const [name, enough, threshold, perThread] of [
    ['under a hash', ENOUGH_IN_ORDER, 0.5, 1],
    ['without one', ENOUGH, 0.8, 2],
    ['with TLS', ENOUGH_ENCRYPTED, 0.8, 1],
  ] as const) {
    describe(name, () => {
      it('some for each thread that receives, while these are busy', () => {
        expect(after(enough, 1, [])).equal(perThread);
        expect(after(enough, 2, [1, 1, 0.9, threshold])).equal(2 * perThread);
        expect(after(enough, 2, [1, 1], { target: 1 })).equal(1);
      });

      it('all of them as soon as the thread waits for the server', () => {
        expect(after(enough, 1, [1, threshold - 0.01])).equal(32);
        expect(after(enough, 1, [1, threshold])).equal(perThread);
        expect(after(enough, 3, [1, 1, 0, 0])).equal(32);
      });

      it('what it does before it has begun tells nothing', () => {
        expect(after(enough, 1, [0])).equal(perThread);
        expect(after(enough, 1, [0, 1])).equal(perThread);
      });

      it('once they are all in use, they stay', () => {
        expect(after(enough, 1, [1, 0, 1, 1, 1, 1, 1, 1, 1])).equal(32);
      });
    });
  }

  it('a pause of one look does not count, many do', () => {
    expect(after(ENOUGH_IN_ORDER, 1, [1, 1, 0])).equal(1);
    expect(after(ENOUGH_IN_ORDER, 1, [1, 1, 0, 1, 1, 0, 1])).equal(1);
    expect(after(ENOUGH, 1, [1, 1, 0.4])).equal(2);
    expect(after(ENOUGH, 1, [1, 1, 0.3])).equal(32);
  });

  it('all of them where a busy thread brings little, unless a hash keeps it busy', () => {
    expect(after(ENOUGH, 1, [1, 1], { rate: 49_999 })).equal(32);
    expect(after(ENOUGH, 1, [1, 1], { rate: 50_000 })).equal(2);
    expect(after(ENOUGH_IN_ORDER, 1, [1, 1], { rate: 1 })).equal(1);
  });

  it('what comes in counts sooner than how busy the thread is', () => {
    const look = (ms: number, rate: number): number => {
      const few = new Few(ENOUGH, 1, 1000);
      few.sample(1000 + ms, 0, rate * ms);
      return few.of(32);
    };
    expect(look(19, 49_999)).equal(2);
    expect(look(20, 49_999)).equal(32);
    expect(look(39, 50_000)).equal(2);
    expect(look(40, 50_000)).equal(32);
  });

  it('all of them where the server is far or the file small, unless a hash follows', () => {
    expect(after(null, 1, [1, 1, 1])).equal(32);
    const large = 64 * 1024 * 1024;
    for (const [missing, inOrder, roundTripMs, plain, encrypted] of [
      [large, false, 9.9, ENOUGH, ENOUGH_ENCRYPTED],
      [large, false, 10, null, null],
      [large - 1, false, 9.9, null, null],
      [1, true, 9.9, ENOUGH_IN_ORDER, ENOUGH_IN_ORDER],
      [large, true, 10, null, null],
    ] as const) {
      const way = { inOrder, roundTripMs };
      expect(enoughFor(missing, way, 'http')).equal(plain);
      expect(enoughFor(missing, way, 'https')).equal(encrypted);
    }
  });
});
