/**
 * How much one positional write takes, found out by writing. Pure: the caller brings the time.
 *
 * The kernel makes a folio as large as the write. Large ones cost less where memory is warm; on a
 * virtual machine that gives free memory back to its host they may be cut from what was given back,
 * and 1 GiB took 3 s of system time instead of 0.6 s. Which of the two holds changes within minutes.
 */
import { assert } from '../errors.js';

/** What is tried, in bytes. The first is never bad. */
export const WRITE_SIZES = [64 * 1024, 256 * 1024, 1024 * 1024] as const;

/** Shorter spans say nothing: they are one write with any size. In bytes. */
const JUDGED_BYTES = 2 * WRITE_SIZES[0];

/** So many spans are compared; the middle one counts, for a thread may lose its processor in any. */
const LOOKS = 3;

/** Spans before the next trial of another size: twice as many after each that brought nothing, up to a bound. */
const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 256;

/** Another size is taken when it costs less than this part of what the present one does. */
const BETTER = 0.92;

/** Something has changed when the present size costs so many times what it did after the last trial. */
const WORSE = 2;

/** The middle one of {@link LOOKS} numbers. */
function middle(costs: readonly number[]): number {
  assert(costs.length === LOOKS, 'as many costs as are compared');
  return [...costs].sort((a, b) => a - b)[(LOOKS - 1) / 2] as number;
}

/** The size for the writes of one thread. */
export class WriteSize {
  private chosen = 0;
  /** The size on trial; null when there is none. */
  private tried: number | null = null;
  /** From the chosen size to the one that is tried next: 1 for a larger one, or -1. */
  private step = 1;
  private pause = 2 * FIRST_PAUSE;
  private untilTrial = FIRST_PAUSE;
  /** What the last spans cost with the chosen size, and those of the trial; milliseconds a byte. */
  private costs: number[] = [];
  private trialCosts: number[] = [];
  /** What the chosen size cost when it was last compared. */
  private settled: number | null = null;

  /** Bytes of each write of the next span. */
  get bytes(): number {
    return WRITE_SIZES[this.tried ?? this.chosen] as number;
  }

  /**
   * Takes note of a span that was written with {@link bytes} to a write.
   * @param bytes its length
   * @param ms what it took, in milliseconds
   */
  took(bytes: number, ms: number): void {
    if (bytes < JUDGED_BYTES) return;
    if (this.tried === null) this.used(ms / bytes);
    else this.try(ms / bytes, this.tried);
  }

  private used(cost: number): void {
    this.costs = [...this.costs.slice(1 - LOOKS), cost];
    this.untilTrial -= 1;
    if (this.costs.length < LOOKS) return;
    const usual = middle(this.costs);
    this.settled ??= usual;
    if (this.untilTrial <= 0 || usual > WORSE * this.settled) this.beginTrial();
  }

  private beginTrial(): void {
    if (WRITE_SIZES[this.chosen + this.step] === undefined) this.step = -this.step;
    this.tried = this.chosen + this.step;
    this.trialCosts = [];
  }

  /** A trial ends as soon as most of its spans agree. */
  private try(cost: number, tried: number): void {
    this.trialCosts.push(cost);
    const limit = BETTER * middle(this.costs);
    const better = this.trialCosts.filter((each) => each < limit).length;
    const most = (LOOKS + 1) / 2;
    if (better >= most) this.endTrial(tried);
    else if (this.trialCosts.length - better >= most) this.endTrial(this.chosen);
  }

  private endTrial(next: number): void {
    if (next === this.chosen) {
      this.step = -this.step;
      this.untilTrial = this.pause;
      this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    } else {
      // What was better is tried further at once.
      this.untilTrial = FIRST_PAUSE;
      this.costs = [];
    }
    this.settled = null;
    this.chosen = next;
    this.tried = null;
  }
}
