/** What the crew knows of its connections. */
import { expect } from 'chai';
import { isWarm, newLane } from '../../../src/transfer/lane-book.js';

describe('a connection that has ended its lease', () => {
  const lane = (isOpen: boolean, idleMs: number | null): boolean =>
    isWarm({
      ...newLane(0),
      isOpen,
      idleSinceMs: idleMs === null ? null : performance.now() - idleMs,
    });

  it('is warm for a moment, unless its lease was cut short and took it along', () => {
    expect(lane(true, 0)).equal(true);
    expect(lane(true, 250)).equal(false);
    expect(lane(false, 0)).equal(false);
    expect(lane(true, null)).equal(false);
  });
});
