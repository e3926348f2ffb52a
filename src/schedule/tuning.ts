/**
 * The scheduler's numbers, all of them. Times are milliseconds, sizes bytes. Each has a world of
 * `test/schedule/named.ts` that takes another time when it moves far: `test/schedule/tuning.test.ts` names them.
 */
export interface Tuning {
  /** The scheduler looks this often. Leases, cuts and windows cannot be finer. */
  tickMs: number;
  /**
   * Part of the horizon that an assignment leaves free, so that leases shrink towards the end and
   * connections of unlike speed end together. Less leaves more to cut; more costs seams.
   */
  reserve: number;
  /** No lease is shorter, and lease boundaries are multiples of it where there is a choice. */
  leastBytes: number;
  /** What one connection may have under way at most: the kernel's largest receive window. */
  windowBytes: number;
  /** From this round trip on, slow start costs more than connections do. */
  farMs: number;
  /** `auto` begins with so many on a far path. */
  startFar: number;
  /** `auto` begins with so many nearby, where a further one costs little time and processor. */
  startNear: number;
  /** The most that `auto` uses on one origin. */
  most: number;
  /** A window of the controller is this many round trips long, and at least {@link windowMs}. */
  windowRoundTrips: number;
  windowMs: number;
  /** Twice as many connections must bring this much more to be kept. */
  gain: number;
  /** A number that did not pay is tried again after this time, doubled each time. */
  holdMs: number;
  /** A link is full when a round trip takes this many times its minimum. */
  fullFactor: number;
  /** Part of the time at work from which on the processor is full. */
  busyPart: number;
  /** A connection this many times slower than a usual one is replaced. */
  slowFactor: number;
  /** What may be fetched beside the file's own bytes: this part of it, and at least {@link overheadBytes}. */
  overheadPart: number;
  overheadBytes: number;
}

export const TUNING: Readonly<Tuning> = Object.freeze({
  tickMs: 25,
  reserve: 0.4,
  leastBytes: 64 * 1024,
  windowBytes: 2_500_000,
  farMs: 10,
  startFar: 16,
  startNear: 4,
  most: 16,
  windowRoundTrips: 4,
  windowMs: 50,
  gain: 1.1,
  holdMs: 2000,
  fullFactor: 1.25,
  busyPart: 0.85,
  slowFactor: 5,
  overheadPart: 0.01,
  overheadBytes: 1024 * 1024,
});
