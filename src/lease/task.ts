/**
 * The only types that both threads share: what a lease is asked to do, what came of it, and the
 * shared memory through which progress and control cross without messages.
 */
import type { LowSpeed } from './low-speed.js';
import type { ErrorRecord } from '../errors.js';
import type { Expected } from '../http/content-coding.js';
import type { Validators } from '../http/validators.js';
import type { Endpoint } from '../net/endpoint.js';
import type { DurableExtent } from '../disk/durable-extents.js';
import { SEAM_BYTES } from '../schedule/overhead.js';
import { Checks, RING_BYTES } from './checks.js';
import { Turn } from './write-lock.js';

export { SEAM_BYTES };

/** The end of a lease whose representation's length is not known yet. */
export const UNKNOWN_END = Number.MAX_SAFE_INTEGER;

/** What a connection does now; kept in its slot. */
export const LANE = { idle: 0, connecting: 1, waiting: 2, receiving: 3 } as const;
export type LaneCode = (typeof LANE)[keyof typeof LANE];

/** 64-bit words of one slot. A slot is two cache lines, so that lanes do not share one. */
const WORDS = 16;
const END = 0;
const POSITION = 1;
const RECEIVED = 2;
const LEASE = 3;
const STATE = 4;
const CANCELLED = 5;
const CONTROL = 6;
/** The counters of the slot's ring of records, see {@link Checks}. */
const PUT = 7;
const TAKEN = 8;

/** 32-bit words behind the slots, on the line after that of the turn. */
const WRITTEN = 16;
const ALLOWED = 17;
const WANTS_CHECKS = 18;
const ANSWERED = 19;
/** What is written is counted in units of so many bytes, as the kernel counts what is dirty. */
export const PAGE_BYTES = 4096;
/** Differences of the counters stay below this, so that they may wrap. */
const WITHOUT_BOUND = 0x7fffffff;

/** Slots of a connection: one for the lease that it receives, one for the lease that is asked for behind it. */
const SLOTS_EACH = 2;

/** The slots of a connection, by its number from 0. */
export function slotsOf(connection: number): number[] {
  return Array.from({ length: SLOTS_EACH }, (_, i) => connection * SLOTS_EACH + i);
}

/** The connection that a slot is of. */
export function connectionOf(slot: number): number {
  return Math.floor(slot / SLOTS_EACH);
}

/**
 * Two slots a connection in a SharedArrayBuffer, one a lease. The scheduler writes `end` and
 * `cancelled`; the thread that runs the lease writes everything else. Offsets are bytes in the file.
 */
export class Slots {
  readonly memory: SharedArrayBuffer;
  /** Whose turn it is to write to the file; its word lies behind the slots. */
  readonly turn: Turn;
  /** CRCs of what is written; behind all of that. */
  readonly checks: Checks;
  private readonly count: number;
  private readonly words: BigInt64Array;
  private readonly halves: Int32Array;
  private readonly doubles: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.words = new BigInt64Array(memory);
    this.halves = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    const bytes = WORDS * 8;
    this.count = (memory.byteLength - bytes) / (bytes + RING_BYTES);
    const ofSlot = (slot: number, word: number): number => (slot * WORDS + word) * 2;
    this.checks = new Checks(memory, (this.count + 1) * bytes, (slot) => ({
      put: ofSlot(slot, PUT),
      taken: ofSlot(slot, TAKEN),
    }));
    this.turn = new Turn(this.halves, this.count * WORDS * 2);
  }

  /** Slots for at most so many connections, which may write as much as they like. */
  static allocate(connections: number): Slots {
    const count = SLOTS_EACH * connections;
    const bytes = (count + 1) * WORDS * 8 + count * RING_BYTES;
    const slots = new Slots(new SharedArrayBuffer(bytes));
    slots.allow(WITHOUT_BOUND);
    return slots;
  }

  /** Counts bytes that a positional write has just put into the file. */
  wrote(bytes: number): void {
    Atomics.add(this.halves, this.behind(WRITTEN), Math.ceil(bytes / PAGE_BYTES));
  }

  /** Pages that all connections have written; the number wraps, only differences mean something. */
  get writtenPages(): number {
    return Atomics.load(this.halves, this.behind(WRITTEN));
  }

  /** Lets connections write until {@link writtenPages} is this; done by the main thread only. */
  allow(pages: number): void {
    Atomics.store(this.halves, this.behind(ALLOWED), pages | 0);
  }

  /** Whether connections are to stop receiving until more is allowed: the disk has to catch up. */
  get isHeld(): boolean {
    return ((this.writtenPages - Atomics.load(this.halves, this.behind(ALLOWED))) | 0) >= 0;
  }

  /** A request for a range, not the first one, was answered with it. */
  wasAnswered(): void {
    Atomics.add(this.halves, this.behind(ANSWERED), 1);
  }

  /** How often that was so. */
  get answered(): number {
    return Atomics.load(this.halves, this.behind(ANSWERED));
  }

  /** Whether CRCs of what is written are wanted: whether it will be claimed before the end. */
  get wantsChecks(): boolean {
    return Atomics.load(this.halves, this.behind(WANTS_CHECKS)) !== 0;
  }

  /** Done by the main thread only. */
  wantChecks(wanted: boolean): void {
    Atomics.store(this.halves, this.behind(WANTS_CHECKS), wanted ? 1 : 0);
  }

  /** Takes the CRCs out that have come since the last time. */
  takeChecks(): DurableExtent[] {
    return Array.from({ length: this.count }, (_, slot) => this.checks.take(slot)).flat();
  }

  private behind(word: number): number {
    return this.count * WORDS * 2 + word;
  }

  private load(slot: number, word: number): number {
    return Number(Atomics.load(this.words, slot * WORDS + word));
  }

  private store(slot: number, word: number, value: number): void {
    Atomics.store(this.words, slot * WORDS + word, BigInt(value));
  }

  /** Makes the slot ready for a lease `[start, end)`; done by the scheduler before it hands the lease out. */
  begin(slot: number, lease: number, start: number, end: number): void {
    this.store(slot, END, end);
    this.store(slot, POSITION, start);
    this.store(slot, LEASE, lease);
    this.store(slot, STATE, LANE.connecting);
  }

  /** First byte that does not belong to the lease. The scheduler may lower it at any time. */
  end(slot: number): number {
    return this.load(slot, END);
  }

  setEnd(slot: number, end: number): void {
    this.store(slot, END, end);
    this.changeControl(slot);
  }

  /** Next offset to be written: everything from the lease's start to here is written. */
  position(slot: number): number {
    return this.load(slot, POSITION);
  }

  setPosition(slot: number, position: number): void {
    this.store(slot, POSITION, position);
  }

  /** Body bytes that all connections have received since the download began. */
  receivedByAll(): number {
    let sum = 0;
    for (let slot = 0; slot < this.count; slot++) sum += this.received(slot);
    return sum;
  }

  /** Body bytes that `count` connections have received, from number `first` on. */
  receivedBy(first: number, count: number): number {
    let sum = 0;
    for (let at = first; at < first + count; at++)
      for (const slot of slotsOf(at)) sum += this.received(slot);
    return sum;
  }

  /**
   * Body bytes of all leases that had this slot since the download began; it never shrinks. For
   * rates only, so it is a plain double: a 64-bit integer would be allocated at each read.
   */
  received(slot: number): number {
    return this.doubles[slot * WORDS + RECEIVED] as number;
  }

  addReceived(slot: number, bytes: number): void {
    this.doubles[slot * WORDS + RECEIVED] = this.received(slot) + bytes;
  }

  /**
   * Changes whenever the scheduler changed `end` or gave the lease up. Looked at with each read,
   * where loading both would allocate.
   */
  control(slot: number): number {
    return Atomics.load(this.halves, (slot * WORDS + CONTROL) * 2);
  }

  private changeControl(slot: number): void {
    Atomics.add(this.halves, (slot * WORDS + CONTROL) * 2, 1);
  }

  lease(slot: number): number {
    return this.load(slot, LEASE);
  }

  state(slot: number): LaneCode {
    return this.load(slot, STATE) as LaneCode;
  }

  setState(slot: number, state: LaneCode): void {
    this.store(slot, STATE, state);
  }

  /** Whether the lease of this number was given up by the scheduler. */
  isCancelled(slot: number, lease: number): boolean {
    return this.load(slot, CANCELLED) === lease;
  }

  cancel(slot: number, lease: number): void {
    this.store(slot, CANCELLED, lease);
    this.changeControl(slot);
  }
}

/** Deadlines of each phase, in milliseconds. */
export interface Deadlines {
  /** For each of: the TCP connection, the TLS handshake. */
  connectMs: number;
  /** From the request's last byte to the first byte of the answer. */
  firstByteMs: number;
  /** The longest silence in the middle of a body. */
  stallMs: number;
  /** The least speed of a connection in the middle of a body; absent for none. */
  lowSpeed?: LowSpeed;
}

/** Where and how to ask for a representation: all that a thread needs to send a request. */
export interface Source {
  endpoint: Endpoint;
  /** The request target (RFC 9112 section 3.2). */
  target: string;
  host: string;
  /** All fields but Host, Range and If-Range. */
  fields: Array<[string, string]>;
  /** What the first answer told of the representation. */
  validators: Validators;
  /** What tells that a content coding of an answer is the file's own form. */
  expected: Expected;
  /** Value of If-Range, or null when none is to be sent. */
  ifRange: string | null;
  /** Length of the file in bytes, or null when the server did not tell. */
  total: number | null;
  /** Set where the file is a part of the representation: where that begins, and how long the representation is. */
  part?: { start: number; whole: number | null };
}

/** Where bodies fell silent before: the one that does so again is given so many times the usual deadline. */
export interface Silence {
  /** Of the byte that did not come, in the file. */
  offset: number;
  times: number;
}

/** One lease: one range on one connection. Its end is in its slot, for it may move. */
export interface LeaseTask {
  /** Number of the lease, from 1, never used twice in a download. */
  lease: number;
  slot: number;
  /** The connection that it is for: a number that no other file of the process has. */
  connection: number;
  memory: SharedArrayBuffer;
  /** Descriptor of the part file, opened by the main thread; -1 when bytes go through a window. */
  fd: number;
  /** The window of memory that bytes go through instead of a file, see `window.ts`; else null. */
  window: SharedArrayBuffer | null;
  /** Path of the part file, for messages. */
  path: string;
  /** First byte to write. */
  start: number;
  /** Known bytes before `start` to fetch as well and compare. */
  headSeam: number;
  /** First byte that is not asked for; beyond the lease's end by up to {@link SEAM_BYTES}. */
  askEnd: number;
  /**
   * The request is sent behind the one that the connection answers now, if it is such a connection;
   * its answer must then come within so many milliseconds. Null: the connection is free.
   */
  pipelinedMs: number | null;
  /**
   * It is the first answer, which goes on to the end of the file. It may be the only one that the server
   * gives: what was taken off its end is not left to others before one of them is answered.
   */
  isOpenEnded: boolean;
  /** Bytes of the slab of a connection that has to be opened for it. */
  slab: number;
  source: Source;
  deadlines: Deadlines;
  silences: Silence[];
  /** What all connections may still receive, where a rate was asked for; see `credit.ts`. */
  credit: SharedArrayBuffer | null;
}

/** Idle connections to an origin are to be closed, in one thread. */
export interface DropTask {
  /** As {@link originKey} writes it. */
  drop: string;
}

/** Bytes that came after the lease's end, to be compared with what the neighbour wrote there. */
export interface SeamSample {
  offset: number;
  bytes: Uint8Array;
}

/** The bytes, or what the head says of them, are of another representation. */
export interface ChangedResult {
  kind: 'changed';
  by: 'seam' | 'validator';
  error: ErrorRecord;
}

/** How a lease ended. `short` means that the server sent a valid but shorter range than asked. */
export type LeaseResult =
  | { kind: 'done' }
  | { kind: 'short' }
  | { kind: 'cancelled' }
  | { kind: 'redirected'; status: number }
  | { kind: 'ignored'; why: string }
  | ChangedResult
  | { kind: 'failed'; error: ErrorRecord };

/** What came of a lease. Errors travel as records: classes do not survive the thread boundary. */
export interface LeaseOutcome {
  lease: number;
  slot: number;
  /** Everything in `[start, written)` is in the file. */
  written: number;
  /** Body bytes received, seams included. */
  received: number;
  seam: SeamSample | null;
  /** Milliseconds that the dial took; null when a kept connection served. */
  dialMs: number | null;
  /** Milliseconds from the request to the head of the answer; null when none came. */
  firstByteMs: number | null;
  /** What the answer said of its representation; null without one that was used, and of the first of all. */
  validators: Validators | null;
  /** The address that answered. */
  address: string | null;
  /** What came of asking behind another request; null when that was not done. */
  pipelined: 'answered' | 'in-vain' | null;
  /** Its connection is open still, and may serve again. */
  keeps: boolean;
  result: LeaseResult;
}
