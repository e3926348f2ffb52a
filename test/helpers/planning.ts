/** A lease that is out, as the planner sees it, for its tests. */
import type { ActiveLease } from '../../src/plan/moves.js';

const MIB = 1024 * 1024;

/** 100 MiB at 10 MiB/s, long under way. */
export const activeLease = (change: Partial<ActiveLease> = {}): ActiveLease => ({
  lease: 1,
  position: 0,
  end: 100 * MIB,
  rate: 10 * MIB,
  meanRate: 10 * MIB,
  ageMs: 10_000,
  silentMs: 0,
  givenUp: false,
  fixed: false,
  followed: false,
  ...change,
});
