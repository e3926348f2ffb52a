/** The leases that are out, by connection: what the threads tell of them through their slots. */
import type { Ledger } from '../schedule/ledger.js';
import type { Span } from '../schedule/types.js';
import { LANE } from '../lease/task.js';
import type { Slots } from '../lease/task.js';

/** What a connection does now. */
export type LaneState = 'idle' | 'connecting' | 'waiting' | 'receiving' | 'backoff' | 'closed';

/** One connection, for a display. Offsets are in bytes, ranges half-open. */
export interface Lane {
  /** From 0. */
  connection: number;
  state: LaneState;
  /** Start of its lease. */
  start: number;
  /** Where its lease ends now. */
  end: number;
  /** Next byte that it will write. */
  position: number;
  /** Bytes per second over the last second or so. */
  rate: number;
}

/** A lease that is out. */
export interface Out {
  lease: number;
  slot: number;
  connection: number;
  /** As it was asked for; the ledger has the present end. */
  span: Span;
  /** Known bytes before its start that it fetches too, to compare them. */
  headSeam: number;
  /** It was asked for behind another lease of the connection. */
  isBehind: boolean;
  /** That other lease was given up, which takes the connection with it. */
  excused: boolean;
  /** It is the first answer's, whose socket the main thread has. */
  isFirst: boolean;
  /** How often the source had been renewed when it was asked for. */
  generation: number;
  askedMs: number;
  /** When its last byte was noticed; null before the first. */
  heardMs: number | null;
}

/** Connections with consecutive numbers: those to one source. */
export interface Numbers {
  first: number;
  count: number;
}

/** Whether a connection is one of some. */
export const isOneOf = (connection: number, { first, count }: Numbers): boolean =>
  connection >= first && connection < first + count;

/** A connection that brought something within this time is being served (ms). */
const SERVED_MS = 2000;

/** The rate that a display shows is smoothed over this time (ms). */
const RATE_MS = 700;

interface Seat {
  working: Out | null;
  behind: Out | null;
  failures: number;
  notBeforeMs: number;
  heard: number;
  rate: number;
  sampledMs: number;
}

export class Connections {
  private readonly seats = new Map<number, Seat>();
  private readonly byLease = new Map<number, Out>();
  /** What each slot's counter said when its lease began, and bytes beside the range that it counts. */
  private readonly from = new Map<number, number>();

  constructor(private readonly slots: Slots) {}

  private seat(connection: number): Seat {
    let seat = this.seats.get(connection);
    if (seat === undefined) {
      seat = {
        working: null,
        behind: null,
        failures: 0,
        notBeforeMs: 0,
        heard: 0,
        rate: 0,
        sampledMs: 0,
      };
      this.seats.set(connection, seat);
    }
    return seat;
  }

  /** Puts a lease on its connection: to be received next, or behind the present one. */
  put(out: Omit<Out, 'excused' | 'heardMs'>): Out {
    const full: Out = { ...out, excused: false, heardMs: null };
    const seat = this.seat(out.connection);
    this.byLease.set(out.lease, full);
    this.from.set(out.lease, this.slots.received(out.slot));
    if (out.isBehind) seat.behind = full;
    else this.receive(seat, full);
    return full;
  }

  private receive(seat: Seat, out: Out): void {
    seat.working = out;
    seat.heard = this.slots.received(out.slot);
    seat.sampledMs = 0;
  }

  /** Takes an ended lease off; what was asked for behind it is received from now on. */
  takeOff(out: Out): void {
    const seat = this.seat(out.connection);
    this.byLease.delete(out.lease);
    this.from.delete(out.lease);
    if (seat.behind === out) seat.behind = null;
    if (seat.working !== out) return;
    seat.working = null;
    if (seat.behind !== null) this.receive(seat, seat.behind);
    seat.behind = null;
  }

  out(lease: number): Out | undefined {
    return this.byLease.get(lease);
  }

  all(): Out[] {
    return [...this.byLease.values()];
  }

  /** The lease that each connection receives, or waits for. */
  *working(): Generator<Out> {
    for (const { working } of this.seats.values()) if (working !== null) yield working;
  }

  /** Bytes of a lease's range that were received, and that are in the file. */
  progress({ lease, slot, span, headSeam }: Out): { received: number; written: number } {
    const counted = this.slots.received(slot) - (this.from.get(lease) ?? 0) - headSeam;
    const isMine = this.slots.lease(slot) === lease;
    const written = isMine ? Math.max(0, this.slots.position(slot) - span.start) : 0;
    return { received: Math.max(written, counted, 0), written };
  }

  /** Takes note of what a connection has brought by now. */
  hear(out: Out, nowMs: number): void {
    const seat = this.seat(out.connection);
    const received = this.slots.received(out.slot);
    const ms = nowMs - seat.sampledMs;
    if (received > seat.heard) out.heardMs = nowMs;
    if (seat.sampledMs > 0 && ms > 0) {
      const now = ((received - seat.heard) * 1000) / ms;
      seat.rate += (1 - Math.exp(-ms / RATE_MS)) * (now - seat.rate);
    }
    seat.heard = received;
    seat.sampledMs = nowMs;
  }

  /** Connections of some that bring bytes. */
  served(nowMs: number, some: Numbers): number {
    let served = 0;
    for (const { connection, heardMs } of this.working())
      if (isOneOf(connection, some) && heardMs !== null && nowMs - heardMs < SERVED_MS) served++;
    return served;
  }

  /** The leases of some connections. */
  of(some: Numbers): Out[] {
    return this.all().filter(({ connection }) => isOneOf(connection, some));
  }

  /** The highest rate of those that work, but for one, in bytes per second; 0 when there is none. */
  fastest(except: number): number {
    let fastest = 0;
    for (const { connection } of this.working())
      if (connection !== except) fastest = Math.max(fastest, this.seat(connection).rate);
    return fastest;
  }

  /** A lease is given up: what was asked for behind it is not to blame. */
  excuseBehind(out: Out): void {
    const { working, behind } = this.seat(out.connection);
    if (working === out && behind !== null) behind.excused = true;
  }

  /** Failures in a row of a connection, counted with this one. */
  failed(connection: number, progressed: boolean): number {
    const seat = this.seat(connection);
    seat.failures = progressed ? 1 : seat.failures + 1;
    return seat.failures;
  }

  succeeded(connection: number): void {
    this.seat(connection).failures = 0;
  }

  restUntil(connection: number, ms: number): void {
    this.seat(connection).notBeforeMs = ms;
  }

  /** The connections of one source as a display shows them: at least `target` of them, and all that work. */
  view(target: number, ledger: Ledger, nowMs: number, some: Numbers): Lane[] {
    const { first } = some;
    const mine = [...this.working()].filter(({ connection }) => isOneOf(connection, some));
    const highest = Math.max(first - 1, ...mine.map(({ connection }) => connection));
    const shown = Math.max(target, highest + 1 - first);
    return Array.from({ length: shown }, (_, at) => {
      const connection = first + at;
      const { working, notBeforeMs, rate } = this.seat(connection);
      const booked = working === null ? undefined : ledger.lease(working.lease);
      if (working === null || booked === undefined) {
        const state = notBeforeMs > nowMs ? 'backoff' : 'idle';
        return { connection, state, start: 0, end: 0, position: 0, rate: 0 };
      }
      const { start, end } = booked;
      const position = start + this.progress(working).written;
      return { connection, state: this.stateOf(working), start, end, position, rate };
    });
  }

  private stateOf({ slot }: Out): LaneState {
    switch (this.slots.state(slot)) {
      case LANE.connecting:
        return 'connecting';
      case LANE.waiting:
        return 'waiting';
      case LANE.receiving:
        return 'receiving';
      case LANE.idle:
        return 'idle';
    }
  }
}
