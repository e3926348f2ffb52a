/** One bottleneck: a queue that is served at a rate, and the flows that share it. Virtual milliseconds. */
import type { Dice } from '../helpers/dice.js';
import { MSS, controlOf } from './flow.js';
import type { Control } from './flow.js';
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

export class Link {
  /** Payload, in bytes per millisecond. */
  readonly capacity: number;
  /** Bytes that wait. */
  private queued = 0;
  /** Part of what was sent in the last step that found no room. */
  private dropped = 0;

  constructor(
    readonly spec: LinkSpec,
    private readonly dice: Dice,
  ) {
    // What is lost on the way has been carried.
    this.capacity = payloadRate(spec) * (1 - spec.loss);
  }

  /** How long what is sent now waits, in milliseconds. */
  get delayMs(): number {
    return this.queued / this.capacity;
  }

  flow(baseMs: number): Flow {
    const control = controlOf(this.spec.control, this.dice);
    return { control, baseMs, limit: Infinity, rate: 0 };
  }

  /** What a flow sends while so many bytes wait, in bytes per millisecond. */
  private offered({ control, baseMs, limit }: Flow, queued: number, nowMs: number): number {
    const roundTripMs = baseMs + queued / this.capacity;
    const most = Math.min(control.window(baseMs), this.usable(roundTripMs));
    return Math.min(limit, control.pace(nowMs), most / roundTripMs);
  }

  /** A lost packet holds the window up for a round trip: as much less is under way on average. */
  private usable(_roundTripMs: number): number {
    const { window, loss } = this.spec;
    if (loss === 0) return window;
    return window / (2 - (1 - loss) ** (window / MSS));
  }

  /**
   * Lets the flows send for so many milliseconds.
   * @param most bytes per millisecond that the receiver takes
   */
  step(flows: readonly Flow[], ms: number, nowMs: number, most: number): void {
    const sum = (queued: number): number => {
      let all = 0;
      for (const flow of flows) all += this.offered(flow, queued, nowMs);
      return all;
    };
    const { capacity, spec } = this;
    // What waits in the end, as if it had waited all the time: right whatever the step is.
    const after = (queued: number): number => this.queued + (sum(queued) - capacity) * ms;
    let end = 0;
    if (after(spec.queue) >= spec.queue) end = spec.queue;
    else if (after(0) > 0) {
      let [low, high] = [0, spec.queue];
      for (let i = 0; i < HALVINGS; i++) {
        end = (low + high) / 2;
        if (after(end) > end) low = end;
        else high = end;
      }
    }
    const offered = sum(end);
    const over = Math.max(0, this.queued + (offered - capacity) * ms - end);
    this.dropped = offered > 0 ? over / (offered * ms) : 0;
    const through = Math.min(capacity, this.queued / ms + offered);
    const taken = Math.min(through, most);
    for (const flow of flows)
      flow.rate = offered > 0 ? (this.offered(flow, end, nowMs) * taken) / offered : 0;
    this.queued = end;
    this.tell(flows, ms, nowMs);
  }

  private tell(flows: readonly Flow[], ms: number, nowMs: number): void {
    const { loss } = this.spec;
    const { dropped, delayMs } = this;
    for (const { control, baseMs, rate, limit } of flows) {
      const roundTripMs = baseMs + delayMs;
      const limited = rate >= 0.99 * limit;
      control.step({ nowMs, ms, baseMs, roundTripMs, rate, loss, dropped, limited });
    }
  }

  /** Nobody sends: what waits gets through. */
  rest(ms: number): void {
    this.queued = Math.max(0, this.queued - this.capacity * ms);
  }
}
