/**
 * HTTP/1.1 on one connection: exchanges, one after the other. Bytes arrive in the connection's slab
 * through `onread`, the head is parsed in place, and the body reaches its sink in pieces as large as the
 * slab: no allocation and no copy for what passes through.
 *
 * A connection is always in one of five states, and each state carries what is known in it:
 *
 *     idle --request--> head --the final head--> held --readBody--> body --its end--> idle
 *                                                                        `--> head, of a request sent ahead
 *
 * Each of them may become dead, and nothing comes after that.
 */
import { SluiceError, assert } from '../errors.js';
import { isInterim, parseResponseHead } from '../http/head.js';
import type { Framing } from '../http/framing.js';
import type { ResponseHead } from '../http/head.js';
import { Clock } from './clock.js';
import { Reception } from './reception.js';
import type { Unframed } from './reception.js';
import type { Slab } from './slab.js';

/** How often a connection that is held back looks whether it may go on, in milliseconds. */
const HELD_MS = 10;

/** The most bytes of all interim answers (RFC 9110 section 15.2) before the final one. */
export const MAX_INTERIM_BYTES = 64 * 1024;

/** What comes behind the last byte of a chunked body may take so long, in milliseconds. */
const TRAILER_MS = 2000;

/** Where the bytes of a body go. Nothing here may be asynchronous: the slab is used again at once. */
export interface BodySink {
  /** Whether nothing more is to be received for now. Looked at after each {@link take}. */
  readonly isHeld: boolean;
  /**
   * Whether all that is of use has arrived; what is taken still must not take long. Looked at after
   * each {@link arrived}.
   */
  readonly isSated: boolean;
  /** Body bytes have come in, `pending` of them wait in the slab; true asks for them now. */
  arrived(bytes: number, pending: number): boolean;
  /** Bytes that are still wanted beyond the `pending` ones; a bound for the next read, no promise. */
  room(pending: number): number;
  /** The deadline of a silence has passed: whether it is borne for as long again. */
  bearsSilence?(): boolean;
  /** Takes `slab[from, to)`; false means that no more is wanted. */
  take(slab: Uint8Array, from: number, to: number): boolean;
  /** The last so many bytes of the body may be none of it. */
  takeBack?(bytes: number): void;
}

/** How a body ended: all of it came, or the sink wanted no more. */
export type BodyEnd = 'complete' | 'stopped';

/** The answer to a request, before its body is read. */
export interface Answer {
  head: ResponseHead;
  framing: Framing;
}

type Method = 'GET' | 'HEAD';

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: SluiceError): void;
}

/** A request that waits for an answer. */
interface Asked extends Waiter<Answer> {
  method: Method;
  /** Deadline of the whole head in milliseconds, from when nothing else is to come before it. */
  firstByteMs: number;
}

/** Whoever reads a body. */
interface Reader extends Waiter<BodyEnd> {
  sink: BodySink;
  stallMs: number;
  /** All that is of use has come: the clock is not wound up any more. */
  isSurplus: boolean;
  /** How often the deadline of the present silence was borne. */
  borne: number;
  /** Looks at times whether the sink still holds us back; null while it does not. */
  holding: NodeJS.Timeout | null;
}

/** The next bytes are the head of an answer. */
interface Head {
  name: 'head';
  asked: Asked;
  /** Up to where in the slab no head ends. */
  scanned: number;
  interimBytes: number;
}

/** The head has come, and reading is paused. */
interface Held {
  name: 'held';
  reception: Reception;
  /** Waits until its sink takes something; null before {@link Exchanges.readBody}. */
  reader: Reader | null;
  /** The peer has ended meanwhile: the body is read from what has come already. */
  hasEnded: boolean;
  /** The whole body is to lie in the slab before it is read; null for others. */
  gathering: Gathering | null;
  /** The connection was lost while a body was gathered: what has come of it is read before that is told. */
  lost: SluiceError | null;
}

/** See {@link Exchanges.whole}. */
interface Gathering {
  /** Length of the body in bytes. */
  length: number;
  /** Tells who waits that no more is waited for; null when nobody waits any more. */
  over: (() => void) | null;
}

/** The body comes in. */
interface Body {
  name: 'body';
  reception: Reception;
  reader: Reader;
}

type State = { name: 'idle' } | Head | Held | Body | { name: 'dead' };

/** The states that may come after each. */
const NEXT: Record<State['name'], ReadonlyArray<State['name']>> = {
  idle: ['head', 'dead'],
  head: ['held', 'dead'],
  held: ['body', 'dead'],
  body: ['idle', 'dead'],
  dead: [],
};

/** The exchanges of one connection. How bytes are sent and received is {@link Connection}'s. */
export abstract class Exchanges {
  private state: State = { name: 'idle' };
  /** Sent while a body was still to come; its answer follows that body. */
  private pipelined: Asked | null = null;
  /** Somebody has been given what lies in the slab, and may look at it still. */
  private isLent = false;
  private isGone = false;
  /** The deadline of the state. */
  private readonly clock = new Clock();
  private lastReadMs = 0;

  protected constructor(
    private readonly slab: Slab,
    private readonly peer: string,
  ) {}

  /** Whether bytes can still be sent. */
  protected abstract get isOpen(): boolean;
  /** Whether TCP was reset, which the end of a close-delimited body must not be taken for. */
  protected abstract get wasReset(): boolean;
  protected abstract send(bytes: Uint8Array): void;
  protected abstract resume(): void;
  /** Closes the socket at once. */
  protected abstract end(): void;

  /** Bytes that have come and were not taken yet. */
  get waiting(): number {
    return this.slab.pending;
  }

  /** Whether another request may be sent on it now. */
  get isIdle(): boolean {
    return this.state.name === 'idle' && this.isOpen;
  }

  /**
   * Sends a request and waits for the head of its final answer. The body stays in the socket until
   * {@link readBody} is called.
   * @param firstByteMs deadline of the whole head
   * @throws SluiceError FIRST_BYTE_TIMEOUT, CONNECTION_LOST, HTTP_MALFORMED, HTTP_TOO_LARGE
   */
  request(bytes: Uint8Array, method: Method, firstByteMs: number): Promise<Answer> {
    if (!this.isIdle) return Promise.reject(this.closedByPeer());
    this.slab.clear();
    return new Promise((resolve, reject) => {
      this.expectHead({ resolve, reject, method, firstByteMs });
      this.send(bytes);
      this.resume();
    });
  }

  /** Whether {@link pipeline} may be called: the body that comes in now leaves the connection usable. */
  get mayPipeline(): boolean {
    const { state } = this;
    const isBetween = state.name === 'held' || state.name === 'body';
    return isBetween && state.reception.mayBeFollowed && this.pipelined === null;
  }

  /**
   * Sends a request before the body of the answer before it has ended (RFC 9112 section 9.3.2), so
   * that no round trip lies between the two. The connection must be {@link mayPipeline}.
   * @param firstByteMs deadline of the whole head, from the end of the body before it
   * @throws SluiceError as {@link request}; CONNECTION_LOST when that body is not read to its end
   */
  pipeline(bytes: Uint8Array, method: Method, firstByteMs: number): Promise<Answer> {
    if (!this.mayPipeline) return Promise.reject(this.closedByPeer());
    return new Promise((resolve, reject) => {
      this.pipelined = { resolve, reject, method, firstByteMs };
      this.send(bytes);
    });
  }

  /**
   * Nobody waits any more for the answer that was asked for by {@link pipeline}: whoever does gets
   * CONNECTION_LOST. What is received before it goes on; the connection ends with that.
   */
  forgoPipelined(): void {
    const { state } = this;
    if (this.pipelined === null) return this.destroy();
    assert(state.name === 'held' || state.name === 'body', 'a request was sent ahead of a body');
    state.reception.isReusable = false;
    this.failPipelined();
  }

  /**
   * Waits until the whole body lies in the slab, and leaves it there: {@link readBody} begins with what has
   * come, be it all or not. No deadline but this one passes meanwhile.
   * @param ms so long is waited at most
   * @returns the bytes, which stay what they are until {@link readBody} and the next request; null when the body has no length that
   *   fits into the slab, or did not come in time
   */
  whole(ms: number): Promise<Uint8Array | null> {
    const { state, slab } = this;
    if (state.name !== 'held' || state.hasEnded) return Promise.resolve(null);
    const { framing } = state.reception;
    if (framing.kind !== 'length' || framing.length > slab.roomForAll) return Promise.resolve(null);
    const { length } = framing;
    const bytes = (): Uint8Array | null => {
      this.isLent = slab.pending >= length;
      return this.isLent ? slab.bytes.subarray(slab.from, slab.from + length) : null;
    };
    if (slab.pending >= length) return Promise.resolve(bytes());
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        gathering.over = null;
        resolve(bytes());
      };
      const timer = setTimeout(over, ms);
      const gathering: Gathering = { length, over };
      state.gathering = gathering;
      this.resume();
    });
  }

  /**
   * Reads the body of the answer that {@link request} returned.
   * @param stallMs the longest time without a byte that is of use; and for all that comes when the sink is sated
   * @throws SluiceError CONNECTION_LOST when it ends early, STALLED, HTTP_MALFORMED; what the sink throws
   */
  readBody(sink: BodySink, stallMs: number): Promise<BodyEnd> {
    const { state } = this;
    this.isLent = false;
    if (state.name !== 'held') return Promise.reject(this.closedByPeer());
    assert(state.reader === null, 'a body has one reader');
    return new Promise((resolve, reject) => {
      const reader = { sink, stallMs, resolve, reject, isSurplus: false, borne: 0, holding: null };
      state.reader = reader;
      this.startBodyClock(state.reception, reader, sink.isSated);
      if (sink.isHeld) this.holdBack(reader);
      else this.beginBody(state, reader);
    });
  }

  /**
   * Hands on what has waited in the slab while nothing came for so many milliseconds: what a
   * connection has received before it fell silent is not fetched again by another.
   */
  flush(silentMs: number): void {
    const { state, slab } = this;
    if (state.name !== 'body' || slab.pending === 0) return;
    if (performance.now() - this.lastReadMs < silentMs) return;
    this.orDie(() => {
      const wantsMore = state.reader.sink.take(slab.bytes, slab.from, slab.to);
      slab.clear();
      if (!wantsMore) this.settleBody(state, 'stopped');
    });
  }

  /** Closes the connection at once; whoever waits on it gets CONNECTION_LOST. */
  destroy(
    why = new SluiceError('CONNECTION_LOST', `the connection to ${this.peer} was closed`),
  ): void {
    this.die(why);
  }

  /** Where the next read goes. */
  protected space(): Uint8Array {
    const { state, slab } = this;
    if (state.name === 'held' && state.gathering !== null)
      return slab.spaceFor(state.gathering.length - slab.pending);
    if (state.name !== 'body') return slab.spaceForHead();
    return slab.spaceFor(state.reader.sink.room(slab.pending));
  }

  /** Whether reading goes on after these bytes. Nothing may escape: an uncaught throw kills the thread. */
  protected onBytes(bytes: number, buffer: Uint8Array): boolean {
    this.lastReadMs = performance.now();
    return this.orDie(() => {
      this.slab.settle(bytes, buffer);
      const { state } = this;
      switch (state.name) {
        case 'head':
          this.slab.to += bytes;
          return this.parseHead(state);
        case 'body':
          return this.consume(state, bytes);
        case 'held':
          return this.hold(state, bytes);
        case 'idle':
          throw this.malformed('sent bytes that nobody asked for');
        case 'dead':
          return false;
      }
    });
  }

  /** The peer will send no more: the end of a close-delimited body, too early for any other. */
  protected onEnd(): void {
    const { state } = this;
    switch (state.name) {
      case 'dead':
        return;
      case 'held':
        state.hasEnded = true;
        state.gathering?.over?.();
        return;
      case 'body':
        // A chunked body is complete with its last chunk (RFC 9112 section 8).
        if (state.reception.isBehindData) this.endWithout(state, 'complete');
        else if (state.reception.endsWithConnection && !this.wasReset)
          this.endWith(state, 'complete');
        else this.die(this.lost(`${this.peer} closed the connection before the body was complete`));
        return;
      case 'idle':
      case 'head':
        this.die(this.lost(`${this.peer} closed the connection without an answer`));
    }
  }

  /** A connection that is gone without an end has ended nothing in order. */
  protected onClose(): void {
    const { state } = this;
    if (state.name === 'held' && (state.hasEnded || state.lost !== null)) return;
    this.fail(this.lost(`the connection to ${this.peer} was lost`));
  }

  /** The socket has failed. What was gathered of a body by then is read all the same. */
  protected fail(error: SluiceError): void {
    const { state } = this;
    const over = state.name === 'held' ? state.gathering?.over : null;
    if (state.name !== 'held' || !over) return this.die(error);
    state.lost = error;
    over();
  }

  /** The socket is gone for good: nothing is received any more. */
  protected onGone(): void {
    this.isGone = true;
    this.releaseSlab();
  }

  /** What has come may still be read, in a state that is not dead or by who was given it. */
  private releaseSlab(): void {
    if (this.isGone && this.state.name === 'dead' && !this.isLent) this.slab.release();
  }

  /** Ends the connection; bytes of the body that wait in the slab are still handed on first. */
  protected die(error: SluiceError): void {
    const { state } = this;
    if (state.name === 'dead') return;
    const failure = this.handOver(state, error);
    this.close();
    if (state.name === 'head') state.asked.reject(failure);
    if (state.name === 'held') state.gathering?.over?.();
    if (state.name === 'held' || state.name === 'body') state.reader?.reject(failure);
    this.failPipelined();
  }

  private become<T extends State>(next: T): T {
    assert(NEXT[this.state.name].includes(next.name), `${this.state.name} became ${next.name}`);
    this.state = next;
    return next;
  }

  /** What fails ends the connection, and reading with it. */
  private orDie(act: () => boolean | void): boolean {
    try {
      return act() === true;
    } catch (error) {
      this.die(SluiceError.from(error));
      return false;
    }
  }

  private expectHead(asked: Asked): Head {
    const { firstByteMs } = asked;
    const state = this.become<Head>({
      name: 'head',
      asked,
      scanned: 0,
      interimBytes: 0,
    });
    this.clock.start(firstByteMs, () => {
      const message = `${this.peer} did not answer within ${firstByteMs / 1000} s`;
      const next = 'Try again later, or give more time with --stall-timeout.';
      this.die(new SluiceError('FIRST_BYTE_TIMEOUT', message, { next }));
    });
    return state;
  }

  private parseHead(state: Head): boolean {
    const { slab } = this;
    for (;;) {
      const parsed = parseResponseHead(slab.bytes, slab.from, slab.to, state.scanned);
      if (parsed === null) {
        state.scanned = Math.max(slab.from, slab.to - 3);
        return true;
      }
      const length = parsed.end - slab.from;
      slab.from = state.scanned = parsed.end;
      if (!isInterim(parsed.head)) {
        this.settleHead(state, parsed.head);
        return false;
      }
      state.interimBytes += length;
      if (state.interimBytes > MAX_INTERIM_BYTES)
        throw this.malformed('sent interim answers without end');
    }
  }

  private settleHead({ asked }: Head, head: ResponseHead): void {
    const reception = new Reception(asked.method, head);
    this.clock.stop();
    this.become<Held>({
      name: 'held',
      reception,
      reader: null,
      hasEnded: false,
      gathering: null,
      lost: null,
    });
    asked.resolve({ head, framing: reception.framing });
  }

  /** A TLS record may bring bytes after reading was paused; the slab has room for the whole burst. */
  private hold({ gathering }: Held, bytes: number): boolean {
    const { slab } = this;
    slab.to += bytes;
    // All of a body that is gathered has room.
    const most = gathering?.length ?? 0;
    if (slab.pending > most && slab.isFull)
      throw this.malformed('sent on while reading was paused');
    if (gathering === null || gathering.over === null) return false;
    if (slab.pending < most) return true;
    gathering.over();
    return false;
  }

  /** Body bytes that came with the head, or while reading was paused, are the first. */
  private beginBody({ reception, hasEnded, lost }: Held, reader: Reader): void {
    const body = this.become<Body>({ name: 'body', reception, reader });
    const { slab } = this;
    const waiting = slab.pending;
    slab.to = slab.from;
    if (!this.orDie(() => this.consume(body, waiting))) return;
    if (lost !== null) this.die(lost);
    else if (hasEnded) this.onEnd();
    else this.resume();
  }

  /** Takes `bytes` new ones at the slab's end into the body; returns whether reading goes on. */
  private consume(state: Body, bytes: number): boolean {
    const { slab } = this;
    const { reception, reader } = state;
    const { sink } = reader;
    const { done, taken, surplus, defect } = reception.unframe(slab, bytes);
    if (surplus > 0 && this.pipelined === null) reception.isReusable = false;
    const { pending } = slab;
    const wanted = sink.arrived(taken, pending);
    if (defect !== undefined) this.giveOut(reader, defect);
    this.mind(state, taken);
    if (!done && !wanted && !slab.isFull) return true;
    const wantsMore = pending === 0 || sink.take(slab.bytes, slab.from, slab.to);
    const end = slab.to;
    slab.clear();
    if (done) return this.settleBody(state, 'complete', end, surplus);
    if (!wantsMore) return this.settleBody(state, 'stopped');
    return !sink.isHeld || this.holdBack(reader);
  }

  /** The body cannot be read on: the sink gets what has come, and is told what of it may be wrong. */
  private giveOut({ sink }: Reader, { error, doubtful }: NonNullable<Unframed['defect']>): never {
    const { slab } = this;
    if (slab.pending > 0) sink.take(slab.bytes, slab.from, slab.to);
    slab.clear();
    sink.takeBack?.(doubtful);
    throw error;
  }

  private startBodyClock({ isBehindData }: Reception, reader: Reader, isSurplus: boolean): void {
    reader.isSurplus = isSurplus;
    const { stallMs } = reader;
    const limitMs = isBehindData ? Math.min(TRAILER_MS, stallMs) : stallMs;
    this.clock.start(limitMs, () => this.bodyIsLate());
  }

  /** Bytes have come, `taken` of the body: whether they wind the clock up. */
  private mind({ reception, reader }: Body, taken: number): void {
    const isSurplus = reception.isBehindData || reader.sink.isSated;
    if (isSurplus !== reader.isSurplus) this.startBodyClock(reception, reader, isSurplus);
    else if (taken > 0 && !isSurplus) this.clock.wind(this.lastReadMs);
    if (taken > 0) reader.borne = 0;
  }

  /** What is of use has come, and the rest takes too long; or nothing of use came for too long. */
  private bodyIsLate(): void {
    const { state } = this;
    assert(state.name === 'body' || state.name === 'held', 'only a body is late');
    const { reception, reader } = state;
    assert(reader !== null, 'only what is read is late');
    if (reception.isBehindData) return this.endWithout(state, 'complete');
    if (reader.sink.isSated) return this.endWithout(state, 'stopped');
    reader.borne++;
    if (reader.sink.bearsSilence?.() === true)
      return this.clock.start(reader.stallMs, () => this.bodyIsLate());
    const waited = (reader.stallMs * reader.borne) / 1000;
    const message = `${this.peer} sent nothing of use for ${waited} s`;
    const next =
      'Run the same command again: it continues where it stopped; or give more time with --stall-timeout.';
    this.die(new SluiceError('STALLED', message, { next }));
  }

  /** Ends a body without its rest, and with it the connection. */
  private endWithout(state: Held | Body, end: BodyEnd): void {
    state.reception.isReusable = false;
    this.endWith(state, end);
  }

  /** Ends a body with what has come. */
  private endWith(state: Held | Body, end: BodyEnd): void {
    const { slab } = this;
    this.orDie(() => {
      // What waits while a sink holds back is not unframed yet, and cannot be handed on.
      if (state.name === 'body' && slab.pending > 0)
        state.reader.sink.take(slab.bytes, slab.from, slab.to);
      slab.clear();
      this.settleBody(state, end);
    });
  }

  /**
   * Leaves what the peer sends in the socket, and so with the peer, until the sink takes more. It is
   * not the peer who is silent meanwhile: no deadline passes.
   */
  private holdBack(reader: Reader): boolean {
    reader.holding ??= setTimeout(() => this.lookWhetherHeld(reader), HELD_MS);
    return false;
  }

  private lookWhetherHeld(reader: Reader): void {
    const { state } = this;
    reader.holding = null;
    if ((state.name !== 'held' && state.name !== 'body') || state.reader !== reader) return;
    this.lastReadMs = performance.now();
    this.clock.wind();
    if (reader.sink.isHeld) this.holdBack(reader);
    else if (state.name === 'held') this.beginBody(state, reader);
    else this.resume();
  }

  /**
   * The body is over.
   * @param at where in the slab `surplus` bytes lie that came behind it: of a pipelined answer
   * @returns whether reading goes on
   */
  private settleBody(
    { reception, reader }: Held | Body,
    end: BodyEnd,
    at = 0,
    surplus = 0,
  ): boolean {
    this.clock.stop();
    if (end !== 'complete' || !reception.isReusable) {
      this.close();
      reader?.resolve(end);
      this.failPipelined();
      return false;
    }
    this.become({ name: 'idle' });
    reader?.resolve(end);
    const next = this.pipelined;
    if (next === null) return true;
    this.pipelined = null;
    this.slab.keepOnly(at, surplus);
    const state = this.expectHead(next);
    if (surplus > 0 && !this.parseHead(state)) return false;
    // Under TLS the end of a body may come while reading is paused.
    this.resume();
    return true;
  }

  private failPipelined(): void {
    const next = this.pipelined;
    this.pipelined = null;
    next?.reject(this.closedByPeer());
  }

  private handOver(state: State, error: SluiceError): SluiceError {
    const { slab } = this;
    if (state.name !== 'body' || slab.pending === 0) return error;
    const { from, to } = slab;
    slab.clear();
    try {
      state.reader.sink.take(slab.bytes, from, to);
    } catch (thrown) {
      return SluiceError.from(thrown);
    }
    return error;
  }

  private close(): void {
    this.clock.stop();
    this.become({ name: 'dead' });
    this.end();
    this.releaseSlab();
  }

  private closedByPeer(): SluiceError {
    return new SluiceError('CONNECTION_LOST', `${this.peer} closed the connection`);
  }

  private lost(message: string): SluiceError {
    const next = 'Run the same command again: it continues where it stopped.';
    return new SluiceError('CONNECTION_LOST', message, { next });
  }

  private malformed(what: string): SluiceError {
    const next = 'The server breaks HTTP; try another source of the file.';
    return new SluiceError('HTTP_MALFORMED', `${this.peer} ${what}`, { next });
  }
}
