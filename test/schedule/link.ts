/** One bottleneck: a queue that is served at a rate, and the flows that share it. Virtual milliseconds. */
import type { Dice } from '../helpers/dice.js';
import { MSS, controlOf } from './flow.js';
import type { Control, Course } from './flow.js';
import { payloadRate } from './world.js';
import type { LinkSpec } from './world.js';

/** What a connection sends over the link. */
export interface Flow {
  control: Control;
  /** Its round trip without load. */
  baseMs: number;
  /** Bytes per millisecond that the server gives now. */
  limit: number;
  /** Bytes per millisecond that arrived in the last step. */
  rate: number;
}

/** Steps of the bisection that finds the queue: enough for a millionth of it. */
const HALVINGS = 20;

/** How much lost packets hold up a window that is full; measured with BBR at 0.05 % and 1 %. */
const HOLD_UP = 0.5;

export class Link {
  /** Payload, in bytes per millisecond. */
  readonly capacity: number;
  /** Bytes that wait. */
  private queued = 0;
  /** Part of what was sent in the last step that found no room. */
  private dropped = 0;
  /** Bytes of the window that move: a lost packet holds up all that comes behind it until it is there. */
  private readonly usable: number;
  /** Of each flow in the present step: bytes per millisecond at most, bytes under way, round trip without load. */
  private readonly caps: number[] = [];
  private readonly windows: number[] = [];
  private readonly bases: number[] = [];
  private count = 0;
  /** What each flow is told of a step: one record for all, there are millions of steps. */
  private readonly course: Course;

  constructor(
    readonly spec: LinkSpec,
    private readonly dice: Dice,
  ) {
    // What is lost on the way has been carried.
    this.capacity = payloadRate(spec) * (1 - spec.loss);
    const { loss, window } = spec;
    const course = { nowMs: 0, ms: 0, baseMs: 0, roundTripMs: 0, rate: 0, dropped: 0 };
    this.course = { ...course, loss, limited: false };
    this.usable = window / (1 + HOLD_UP * Math.log(1 + (loss * window) / MSS));
  }

  /** How long what is sent now waits, in milliseconds. */
  get delayMs(): number {
    return this.queued / this.capacity;
  }

  /** How long a handshake waits that begins now, besides: its packet may find no room, and is sent again. */
  retryMs(): number {
    let [ms, wait] = [0, 1000];
    for (; this.dropped > 0 && wait < 16_000 && this.dice.chance(this.dropped); wait *= 2)
      ms += wait;
    return ms;
  }

  flow(baseMs: number): Flow {
    const control = controlOf(this.spec.control, this.dice);
    return { control, baseMs, limit: Infinity, rate: 0 };
  }

  /** What the flows send while so many bytes wait, in bytes per millisecond. */
  private offered(queued: number): number {
    const { caps, windows, bases, count } = this;
    const delayMs = queued / this.capacity;
    let all = 0;
    for (let i = 0; i < count; i++) {
      const byWindow = (windows[i] as number) / ((bases[i] as number) + delayMs);
      const cap = caps[i] as number;
      all += byWindow < cap ? byWindow : cap;
    }
    return all;
  }

  /** What bounds each flow in the next step, whatever waits. */
  private prepare(flows: readonly Flow[], nowMs: number): void {
    this.count = flows.length;
    for (let i = 0; i < flows.length; i++) {
      const { control, baseMs, limit } = flows[i] as Flow;
      this.caps[i] = Math.min(limit, control.pace(nowMs));
      this.windows[i] = Math.min(control.window(baseMs), this.usable);
      this.bases[i] = baseMs;
    }
  }

  /**
   * Lets the flows send for so many milliseconds.
   * @param most bytes per millisecond that the receiver takes
   */
  step(flows: readonly Flow[], ms: number, nowMs: number, most: number): void {
    this.prepare(flows, nowMs);
    const { capacity, caps, windows, bases } = this;
    const end = this.queuedAfter(ms);
    const offered = this.offered(end);
    const over = Math.max(0, this.queued + (offered - capacity) * ms - end);
    this.dropped = offered > 0 ? over / (offered * ms) : 0;
    const through = Math.min(capacity, this.queued / ms + offered);
    const part = offered > 0 ? Math.min(through, most) / offered : 0;
    const delayMs = end / capacity;
    for (let i = 0; i < flows.length; i++) {
      const byWindow = (windows[i] as number) / ((bases[i] as number) + delayMs);
      (flows[i] as Flow).rate = part * Math.min(caps[i] as number, byWindow);
    }
    this.queued = end;
    this.tell(flows, ms, nowMs);
  }

  /** What waits in the end, as if it had waited all the time: right however long the step is. */
  private queuedAfter(ms: number): number {
    const { capacity, spec, queued } = this;
    const after = (waiting: number): number => queued + (this.offered(waiting) - capacity) * ms;
    if (after(0) <= 0) return 0;
    if (after(spec.queue) >= spec.queue) return spec.queue;
    let [low, high] = [0, spec.queue];
    for (let i = 0; i < HALVINGS; i++) {
      const middle = (low + high) / 2;
      if (after(middle) > middle) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  }

  private tell(flows: readonly Flow[], ms: number, nowMs: number): void {
    const { course, delayMs } = this;
    course.nowMs = nowMs;
    course.ms = ms;
    course.dropped = this.dropped;
    for (const { control, baseMs, rate, limit } of flows) {
      course.baseMs = baseMs;
      course.roundTripMs = baseMs + delayMs;
      course.rate = rate;
      course.limited = rate >= 0.99 * limit;
      control.step(course);
    }
  }

  /** Bytes per millisecond that a flow brings in the long run; null when what it brings now tells that. */
  longRun({ control, baseMs }: Flow): number | null {
    const roundTripMs = baseMs + this.delayMs;
    const window = control.longRun(roundTripMs, this.spec.loss);
    return window === null ? null : Math.min(window, this.usable) / roundTripMs;
  }

  /** Nobody sends: what waits gets through. */
  rest(ms: number): void {
    this.dropped = 0;
    this.queued = Math.max(0, this.queued - this.capacity * ms);
  }
}
