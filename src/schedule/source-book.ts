/**
 * What the scheduler keeps of one source of the file: its connections, what they know of the way to
 * it, and what they bring together. Most files have one source; mirrors of it are further ones.
 */
import { FlowBook } from './flow-book.js';
import type { Shared } from './flow-book.js';
import type { Flow } from './forecast.js';
import type { Allotment } from './shares.js';
import type { Tuning } from './tuning.js';
import type { LimitedBy } from './types.js';

/** What a source is scheduled with. */
export interface SourceSetting {
  /** What the file has of its origin's connections. */
  concurrency: Allotment;
  /** Connections that may ever be used. */
  connections: number;
  /** Two answers bring the same bytes for certain: they have one strong validator. */
  mayHedge: boolean;
  /** Of the first connection (ms). */
  roundTripMs: number;
  /** What its dial took, TLS included (ms). */
  dialMs: number;
  /** From its request to the head of the answer (ms). */
  firstByteMs: number;
  /** The most bytes that a lease may have; default Infinity. */
  longest?: number;
}

/** The present of all sources, as each has to know it. */
export interface Look {
  /** The disk has to catch up, or a rate that was asked for is spent. */
  isBound: boolean;
  /** Part of the time in which the receiving threads were at work, 0 to 1. */
  processor: number;
  /** How long the download still lasts (ms). */
  lastsMs: number;
}

/** What a new measurement counts against what was known. */
const LEARNT = 0.2;

export class SourceBook {
  readonly flows: FlowBook[];
  readonly shared: Shared;
  readonly concurrency: Allotment;
  readonly mayHedge: boolean;
  readonly longest: number;
  /** At most so many connections until told otherwise. */
  allowed = Infinity;
  /** Nothing is asked for before this time. */
  pausedUntilMs = -Infinity;
  /** So many requests may wait behind others. */
  mostBehind = Infinity;
  /** It is not asked any more. */
  isLeft = false;
  /** Bytes that it brought. */
  bytes = 0;
  /** Bytes per millisecond of all its connections, over the last half second and some round trips. */
  goodput = 0;
  private sampled: { ms: number; bytes: number } | null = null;

  /** @param first number of its first connection */
  constructor(
    readonly index: number,
    setting: SourceSetting,
    first: number,
    { windowBytes }: Tuning,
  ) {
    const { roundTripMs, dialMs, firstByteMs, longest, connections } = setting;
    this.concurrency = setting.concurrency;
    this.mayHedge = setting.mayHedge;
    this.longest = longest ?? Infinity;
    this.flows = Array.from({ length: connections }, (_, at) => new FlowBook(first + at, index));
    const path = { roundTripMs, window: windowBytes, capacity: null };
    this.shared = { path, dialMs, firstByteMs, usual: null };
  }

  /** How many connections are to work now. */
  get target(): number {
    if (this.isLeft) return 0;
    return Math.min(this.concurrency.target, this.allowed, this.flows.length);
  }

  get busy(): number {
    let busy = 0;
    for (const { work } of this.flows) if (work !== null) busy++;
    return busy;
  }

  /** Connections that may get a lease now. */
  get free(): number {
    return this.target - this.busy;
  }

  get limitedBy(): LimitedBy {
    const { limitedBy } = this.concurrency;
    const isOurs = this.target >= this.flows.length && limitedBy === 'unknown';
    return isOurs ? 'connections' : limitedBy;
  }

  /** Whether all of its connections that have a lease have brought nothing for a while. */
  isSilent(nowMs: number): boolean {
    const { path } = this.shared;
    return this.flows.every((flow) => {
      const firstMs = flow.work?.firstMs ?? null;
      return firstMs === null || flow.silentMs(nowMs, path) > 0;
    });
  }

  /** The connection that gets the next lease: an open one, if there is any; null when none is free. */
  freeFlow(nowMs: number): FlowBook | null {
    if (nowMs < this.pausedUntilMs) return null;
    let chosen: FlowBook | null = null;
    for (const flow of this.flows) {
      if (flow.work !== null || flow.restUntilMs > nowMs) continue;
      if (flow.isOpen) return flow;
      chosen ??= flow;
    }
    return chosen;
  }

  /** How its connections go on, those that may get a lease included. */
  forecast(nowMs: number): Flow[] {
    let spare = nowMs < this.pausedUntilMs ? 0 : this.free;
    return this.flows.flatMap((flow) => {
      if (flow.work !== null) return [flow.ahead(nowMs, this.shared)];
      return flow.restUntilMs <= nowMs && spare-- > 0 ? [flow.next(nowMs, this.shared)] : [];
    });
  }

  /** Takes note of what its connections bring, after each of them was looked at. */
  measure(nowMs: number): void {
    const { path } = this.shared;
    const rates = this.flows.flatMap((flow) =>
      flow.rate !== null && (flow.work === null || flow.isSettled(nowMs, path)) ? [flow.rate] : [],
    );
    this.shared.usual = median(rates);
    this.measureGoodput(nowMs);
  }

  private measureGoodput(nowMs: number): void {
    const before = this.sampled;
    this.sampled = { ms: nowMs, bytes: this.bytes };
    if (before === null || nowMs <= before.ms) return;
    const ms = nowMs - before.ms;
    const rate = (this.bytes - before.bytes) / ms;
    const tau = Math.max(250, 4 * this.shared.path.roundTripMs);
    this.goodput += (1 - Math.exp(-ms / tau)) * (rate - this.goodput);
  }

  /** Tells the controller of the origin the present. */
  control({ isBound, processor, lastsMs }: Look, nowMs: number): void {
    const { concurrency, bytes, busy } = this;
    const receiving = this.flows.filter((flow) => this.isReceiving(flow, nowMs)).length;
    concurrency.sample({ bytes, receiving, busy, held: isBound, processor, lastsMs }, nowMs);
    const isShared = concurrency.limitedBy === 'link' || concurrency.limitedBy === 'processor';
    this.shared.path.capacity = isShared && this.goodput > 0 ? this.goodput : null;
  }

  /** Between two leases on one connection a request travels: that is no change of their number. */
  private isReceiving({ work, isOpen }: FlowBook, nowMs: number): boolean {
    if (work === null) return false;
    if (work.firstMs !== null) return true;
    return isOpen && nowMs - work.askedMs <= 2 * this.shared.firstByteMs;
  }

  /** A lease has told what its dial and its answer took (ms). */
  learnTimes(seen: { dialMs: number | null; firstByteMs: number | null }): void {
    const { shared } = this;
    const { dialMs, firstByteMs } = seen;
    if (dialMs !== null) shared.dialMs += LEARNT * (dialMs - shared.dialMs);
    if (firstByteMs !== null) shared.firstByteMs += LEARNT * (firstByteMs - shared.firstByteMs);
  }

  /** A round trip took so long (ms). */
  learnTrip(ms: number): void {
    const { path } = this.shared;
    path.roundTripMs = Math.min(path.roundTripMs, ms);
  }
}

/** The middle of some rates, the upper one of two; null of none. */
function median(values: number[]): number | null {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? null;
}
