/** A rate that the user asked for, of all connections of all files of a run together. */
import { Credit } from '../lease/credit.js';

/** How often credit is added, in milliseconds. */
const STEP_MS = 10;

/** What was not used is kept for so long, in milliseconds: a burst is no longer than that. */
const KEPT_MS = 50;

/** The credit is a 32-bit number. */
const MOST_BYTES = 2 ** 30;

export class RateLimit {
  readonly credit = Credit.allocate();
  private timer: NodeJS.Timeout | null = null;
  private users = 0;
  private addedMs = 0;
  /** What is less than a byte so far. */
  private rest = 0;

  /** @param rate bytes per second, above 0; null for no limit, until one is set */
  constructor(private rate: number | null) {
    this.credit.setLimited(rate !== null);
  }

  /** Null for no limit. */
  get bytesPerSecond(): number | null {
    return this.rate;
  }

  /** Changes the limit, also while bytes flow. */
  set(bytesPerSecond: number | null): void {
    this.rate = bytesPerSecond;
    this.rest = 0;
    this.credit.setLimited(bytesPerSecond !== null);
    this.tick();
  }

  /** Bytes flow from now on; to be ended with {@link release} as often as it was begun. */
  acquire(): void {
    this.users++;
    this.tick();
  }

  release(): void {
    this.users--;
    this.tick();
  }

  /** Credit is added as long as somebody uses it. */
  private tick(): void {
    const isNeeded = this.users > 0 && this.rate !== null;
    if (isNeeded === (this.timer !== null)) return;
    clearInterval(this.timer ?? undefined);
    this.timer = null;
    if (!isNeeded) return;
    this.addedMs = performance.now();
    this.timer = setInterval(() => this.refill(), STEP_MS);
    this.timer.unref();
  }

  private refill(): void {
    const nowMs = performance.now();
    const rate = this.rate ?? 0;
    const due = (rate * (nowMs - this.addedMs)) / 1000 + this.rest;
    this.addedMs = nowMs;
    const bytes = Math.floor(due);
    this.rest = due - bytes;
    // A thread that was held up adds what was due meanwhile, or the mean would fall short.
    const most = Math.max(bytes, Math.ceil((rate * KEPT_MS) / 1000));
    this.credit.add(Math.min(bytes, MOST_BYTES), Math.min(most, MOST_BYTES));
  }
}

export const creditOf = (limit: RateLimit | null): Credit | null => limit?.credit ?? null;

/** Does something while bytes flow at the rate of a limit, if there is one. */
export async function underLimit<T>(limit: RateLimit | null, work: () => Promise<T>): Promise<T> {
  limit?.acquire();
  try {
    return await work();
  } finally {
    limit?.release();
  }
}
