/**
 * One connection and the exchanges on it, one after the other. Bytes arrive in the connection's
 * slab through `onread`, the head is parsed in place, and the body reaches its sink in pieces as
 * large as the slab: no allocation and no copy for what passes through.
 */
import type { Socket } from 'node:net';
import type { Certificate, TLSSocket } from 'node:tls';
import { SluiceError } from '../errors.js';
import { ChunkedDecoder } from '../http/chunked.js';
import { bodyFraming, lengthOf, mayReuse } from '../http/framing.js';
import type { Framing } from '../http/framing.js';
import { isInterim, parseResponseHead } from '../http/head.js';
import type { ResponseHead } from '../http/head.js';
import { throwIfCalledOff } from './calling-off.js';
import { Clock } from './clock.js';
import { endpointKey, isOverTls, peerName } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import { socketError } from './errors.js';
import { reach } from './reach.js';

/** Bytes of a connection's slab at most: the kernel gives much in one read. */
export const SLAB_BYTES = 1024 * 1024;

/** With more connections each has half of that: what is received is to stay in the processor's cache. */
const MANY = 8;

/** Bytes of the slab of each of so many connections. */
export function slabBytes(connections: number): number {
  return connections > MANY ? SLAB_BYTES / 2 : SLAB_BYTES;
}

/** The slab is handed on when less than this is free: a read should not be cut short. */
const MIN_READ_BYTES = 64 * 1024;

/** No read is made smaller than this. */
const MIN_ROOM_BYTES = 4096;

/** How often a connection that is held back looks whether it may go on, in milliseconds. */
const HELD_MS = 10;

/** The most interim answers (RFC 9110 section 15.2) before the final one. */
export const MAX_INTERIM = 32;

/** The most bytes of them all. */
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
  /** Takes `slab[from, to)`; false means that no more is wanted. */
  take(slab: Uint8Array, from: number, to: number): boolean;
}

/** How a body ended: all of it came, or the sink wanted no more. */
export type BodyEnd = 'complete' | 'stopped';

/** The answer to a request, before its body is read. */
export interface Answer {
  head: ResponseHead;
  framing: Framing;
}

/** What TLS agreed on. */
export interface TlsFacts {
  protocol: string;
  cipher: string;
  /** Subject and issuer of the server's certificate. */
  subject: string;
  issuer: string;
  validTo: string;
  fingerprint256: string;
}

/** How a connection is opened; see {@link Connection.open}. */
export interface OpenOptions {
  watched?: boolean;
  slab?: number;
  signal?: AbortSignal | null;
  /** Called once, when it is closed or could not be opened. */
  closed?: () => void;
}

type Mode = 'idle' | 'head' | 'held' | 'body' | 'dead';

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: SluiceError): void;
}

/** A request that waits for an answer. */
interface Exchange extends Waiter<Answer> {
  method: 'GET' | 'HEAD';
  /** Deadline of the whole head, from when nothing else is to come before it. */
  firstByteMs: number;
}

export class Connection {
  readonly key: string;
  /** Address that this connection leads to. */
  address = '';
  /** Milliseconds that opening it took. */
  dialMs = 0;
  /** Milliseconds of these in which the thread only waited: what it did meanwhile tells nothing of the network. */
  dialWaitMs = 0;
  /**
   * Whether the end of a close-delimited body is known to be one. Under TLS only a close_notify is
   * (RFC 9112 section 9.8), and only a watched connection can tell.
   */
  seesTruncation = false;
  private readonly slab: Buffer;
  private readonly peer: string;
  private readonly isTls: boolean;
  /** Its own TLS, or that of a proxy which it is forwarded by. */
  private readonly isOverTls: boolean;
  private socket: Socket | null = null;
  private mode: Mode = 'idle';
  /** Unread bytes of the slab: the head, or body bytes that the sink has not taken. */
  private from = 0;
  private to = 0;
  private method: 'GET' | 'HEAD' | 'CONNECT' = 'GET';
  private scanned = 0;
  private interim = 0;
  private interimBytes = 0;
  private framing: Framing = { kind: 'none' };
  private reusable = false;
  private remaining = 0;
  private decoder: ChunkedDecoder | null = null;
  private sink: BodySink | null = null;
  private headWaiter: Waiter<Answer> | null = null;
  /** Sent while a body was still to come; its answer follows that body. */
  private pipelined: Exchange | null = null;
  private bodyWaiter: Waiter<BodyEnd> | null = null;
  /** The deadline of the phase. */
  private readonly clock = new Clock();
  private stallMs = 0;
  /** All that is of use has come: the clock is not wound up any more. */
  private isSurplus = false;
  private lastReadMs = 0;
  private openedMs = 0;
  /** The peer ended before the body was asked for: it is read from what has come already. */
  private endedHeld = false;
  /** Looks at times whether the sink still holds us back; null while it does not. */
  private holding: NodeJS.Timeout | null = null;

  private constructor(endpoint: Endpoint, slab: Buffer) {
    this.key = endpointKey(endpoint);
    this.peer = peerName(endpoint);
    this.isTls = endpoint.tls !== null;
    this.isOverTls = isOverTls(endpoint);
    this.slab = slab;
  }

  /**
   * Opens a connection.
   * @param watched see {@link seesTruncation}
   * @param slab its length in bytes, see {@link slabBytes}
   * @param signal calls it off: nothing is left of it then
   * @throws SluiceError as {@link reach}
   */
  static async open(
    endpoint: Endpoint,
    timeoutMs: number,
    { closed = () => undefined, ...options }: OpenOptions = {},
  ): Promise<Connection> {
    try {
      const connection = await Connection.opened(endpoint, timeoutMs, options);
      connection.socket?.once('close', closed);
      if (connection.socket?.closed === true) closed();
      return connection;
    } catch (thrown) {
      closed();
      throw thrown;
    }
  }

  private static async opened(
    endpoint: Endpoint,
    timeoutMs: number,
    { watched = false, slab = SLAB_BYTES, signal = null }: OpenOptions,
  ): Promise<Connection> {
    throwIfCalledOff(signal);
    const started = performance.now();
    const { idle } = performance.eventLoopUtilization();
    const connection = new Connection(endpoint, Buffer.allocUnsafeSlow(slab));
    const reader = {
      buffer: () => connection.space(),
      callback: (bytes: number, buffer: Uint8Array) => connection.onBytes(bytes, buffer),
    };
    const { socket, address } = await reach(endpoint, reader, { timeoutMs, watched, signal });
    connection.seesTruncation = watched || !connection.isOverTls;
    connection.socket = socket;
    connection.address = address.address;
    connection.openedMs = performance.now();
    connection.dialMs = connection.openedMs - started;
    connection.dialWaitMs = performance.eventLoopUtilization().idle - idle;
    socket.on('error', (error) => connection.die(socketError(error, 'exchange', connection.peer)));
    // Before Node's own listener, which closes our side and with it the trace of a reset.
    socket.prependListener('end', () => connection.onEnd());
    socket.on('close', () => connection.onClose());
    if (signal?.aborted === true) connection.destroy();
    throwIfCalledOff(signal);
    return connection;
  }

  /** Milliseconds since it was opened. */
  get ageMs(): number {
    return performance.now() - this.openedMs;
  }

  /** Whether another request may be sent on it now. */
  get isIdle(): boolean {
    return this.mode === 'idle' && this.socket !== null && !this.socket.destroyed;
  }

  /**
   * Sends a request and waits for the head of its final answer. The body stays in the socket until
   * {@link readBody} is called.
   * @param firstByteMs deadline of the whole head
   * @throws SluiceError FIRST_BYTE_TIMEOUT, CONNECTION_LOST, HTTP_MALFORMED, HTTP_TOO_LARGE
   */
  request(bytes: Uint8Array, method: 'GET' | 'HEAD', firstByteMs: number): Promise<Answer> {
    if (!this.isIdle || this.socket === null) {
      return Promise.reject(this.closedByPeer());
    }
    this.from = this.to = 0;
    const socket = this.socket;
    return new Promise((resolve, reject) => {
      this.expectHead({ resolve, reject, method, firstByteMs });
      socket.write(bytes);
      socket.resume();
    });
  }

  /** Whether {@link pipeline} may be called: the body that comes in now leaves the connection usable. */
  get mayPipeline(): boolean {
    const between = this.mode === 'held' || this.mode === 'body';
    return between && this.framing.kind === 'length' && this.reusable && this.pipelined === null;
  }

  /**
   * Sends a request before the body of the answer before it has ended (RFC 9112 section 9.3.2), so
   * that no round trip lies between the two. The connection must be {@link mayPipeline}.
   * @param firstByteMs deadline of the whole head, from the end of the body before it
   * @throws SluiceError as {@link request}; CONNECTION_LOST when that body is not read to its end
   */
  pipeline(bytes: Uint8Array, method: 'GET' | 'HEAD', firstByteMs: number): Promise<Answer> {
    if (!this.mayPipeline || this.socket === null) return Promise.reject(this.closedByPeer());
    const socket = this.socket;
    return new Promise((resolve, reject) => {
      this.pipelined = { resolve, reject, method, firstByteMs };
      socket.write(bytes);
    });
  }

  /**
   * Nobody waits any more for the answer that was asked for by {@link pipeline}: whoever does gets
   * CONNECTION_LOST. What is received before it goes on; the connection ends with that.
   */
  forgoPipelined(): void {
    if (this.pipelined === null) return this.destroy();
    this.reusable = false;
    this.failPipelined(this.closedByPeer());
  }

  /** The next bytes are the head of an answer. */
  private expectHead(exchange: Exchange): void {
    const { method, firstByteMs } = exchange;
    this.mode = 'head';
    this.method = method;
    this.scanned = this.interim = this.interimBytes = 0;
    this.headWaiter = exchange;
    this.clock.start(firstByteMs, () => {
      const message = `${this.peer} did not answer within ${firstByteMs} ms`;
      const next = 'Try again later, or give more time with --stall-timeout.';
      this.die(new SluiceError('FIRST_BYTE_TIMEOUT', message, { next }));
    });
  }

  private closedByPeer(): SluiceError {
    return new SluiceError('CONNECTION_LOST', `${this.peer} closed the connection`);
  }

  /**
   * Reads the body of the answer that {@link request} returned.
   * @param stallMs the longest time without a byte that is of use; and for all that comes when the sink is sated
   * @throws SluiceError CONNECTION_LOST when it ends early, STALLED, HTTP_MALFORMED; what the sink throws
   */
  readBody(sink: BodySink, stallMs: number): Promise<BodyEnd> {
    if (this.mode !== 'held' || this.socket === null) {
      return Promise.reject(this.closedByPeer());
    }
    this.sink = sink;
    this.stallMs = stallMs;
    return new Promise((resolve, reject) => {
      this.bodyWaiter = { resolve, reject };
      this.startBodyClock(sink.isSated);
      if (sink.isHeld) this.holdBack();
      else this.beginBody();
    });
  }

  private beginBody(): void {
    this.mode = 'body';
    if (!this.consumeHeld()) return;
    if (this.endedHeld) this.onEnd();
    else this.socket?.resume();
  }

  /**
   * Hands on what has waited in the slab while nothing came for so many milliseconds: what a
   * connection has received before it fell silent is not fetched again by another.
   */
  flush(silentMs: number): void {
    if (this.mode !== 'body' || this.sink === null || this.to === this.from) return;
    if (performance.now() - this.lastReadMs < silentMs) return;
    try {
      const more = this.sink.take(this.slab, this.from, this.to);
      this.from = this.to = 0;
      if (!more) this.settleBody('stopped');
    } catch (error) {
      this.die(SluiceError.from(error));
    }
  }

  private startBodyClock(isSurplus: boolean): void {
    this.isSurplus = isSurplus;
    const { stallMs, isBehindData } = this;
    this.clock.start(isBehindData ? Math.min(TRAILER_MS, stallMs) : stallMs, () =>
      this.bodyIsLate(),
    );
  }

  /** Whether only trailers can still come. */
  private get isBehindData(): boolean {
    return this.decoder?.isBehindData === true;
  }

  /** Bytes have come, `taken` of the body: whether they wind the clock up. */
  private mind(taken: number): void {
    const isSurplus = this.isBehindData || this.sink?.isSated === true;
    if (isSurplus !== this.isSurplus) this.startBodyClock(isSurplus);
    else if (taken > 0 && !isSurplus) this.clock.wind(this.lastReadMs);
  }

  /** What is of use has come, and the rest takes too long; or nothing of use came for too long. */
  private bodyIsLate(): void {
    if (this.isBehindData) return this.endWithout('complete');
    if (this.sink?.isSated === true) return this.endWithout('stopped');
    const message = `${this.peer} sent nothing of use for ${this.stallMs} ms`;
    const next = 'Run the same command again: it continues where it stopped.';
    this.die(new SluiceError('STALLED', message, { next }));
  }

  /** Ends a body without its rest, and with it the connection. */
  private endWithout(end: BodyEnd): void {
    try {
      if (this.to > this.from) this.sink?.take(this.slab, this.from, this.to);
      this.from = this.to = 0;
      this.reusable = false;
      this.settleBody(end);
    } catch (error) {
      this.die(SluiceError.from(error));
    }
  }

  /** Closes the connection at once; whoever waits on it gets CONNECTION_LOST. */
  destroy(
    why = new SluiceError('CONNECTION_LOST', `the connection to ${this.peer} was closed`),
  ): void {
    this.die(why);
  }

  /** What TLS agreed on, or null without TLS. */
  get tls(): TlsFacts | null {
    if (!this.isTls || this.socket === null) return null;
    const socket = this.socket as TLSSocket;
    const certificate = socket.getPeerCertificate();
    return {
      protocol: socket.getProtocol() ?? '',
      cipher: socket.getCipher().name,
      subject: nameOf(certificate.subject),
      issuer: nameOf(certificate.issuer),
      validTo: certificate.valid_to,
      fingerprint256: certificate.fingerprint256,
    };
  }

  /** Where the next read goes. Never empty: libuv takes that for an error (ENOBUFS). */
  private space(): Uint8Array {
    if (this.mode === 'body' && this.sink !== null) {
      // Reading no further than is wanted keeps bytes beyond a lease's end off the wire's bill.
      const room = Math.max(MIN_ROOM_BYTES, this.sink.room(this.to - this.from));
      return this.slab.subarray(this.to, Math.min(this.slab.length, this.to + room));
    }
    // The read that brings the head may bring body bytes too; they must leave room for the next read.
    const from = Math.min(this.to, this.slab.length - MIN_READ_BYTES);
    return this.slab.subarray(from, from + MIN_READ_BYTES);
  }

  /**
   * Node asks for the buffer of a read right after the read before it. What has left the slab
   * meanwhile moves the place where these bytes belong.
   */
  private settleBytes(bytes: number, buffer: Uint8Array): void {
    const at = buffer.byteOffset - this.slab.byteOffset;
    if (at !== this.to) this.slab.copyWithin(this.to, at, at + bytes);
  }

  /** Whether reading goes on after these bytes. Nothing may escape: an uncaught throw kills the thread. */
  private onBytes(bytes: number, buffer: Uint8Array): boolean {
    this.lastReadMs = performance.now();
    try {
      this.settleBytes(bytes, buffer);
      switch (this.mode) {
        case 'head':
          this.to += bytes;
          return this.parseHead();
        case 'body':
          return this.consume(bytes);
        case 'held':
          return this.hold(bytes);
        case 'idle':
          this.die(this.malformed('sent bytes that nobody asked for'));
          return false;
        case 'dead':
          return false;
      }
    } catch (error) {
      this.die(SluiceError.from(error));
      return false;
    }
  }

  /** A TLS record may bring bytes after reading was paused; the slab has room for the whole burst. */
  private hold(bytes: number): boolean {
    this.to += bytes;
    if (this.slab.length - this.to < MIN_READ_BYTES) {
      this.die(this.malformed('sent on while reading was paused'));
    }
    return false;
  }

  private parseHead(): boolean {
    for (;;) {
      const parsed = parseResponseHead(this.slab, this.from, this.to, this.scanned);
      if (parsed === null) {
        this.scanned = Math.max(this.from, this.to - 3);
        return true;
      }
      const length = parsed.end - this.from;
      this.from = this.scanned = parsed.end;
      if (!isInterim(parsed.head)) {
        this.settleHead(parsed.head);
        return false;
      }
      this.interimBytes += length;
      const isEndless = ++this.interim > MAX_INTERIM || this.interimBytes > MAX_INTERIM_BYTES;
      if (isEndless) throw this.malformed('sent interim answers without end');
    }
  }

  private settleHead(head: ResponseHead): void {
    this.framing = bodyFraming(this.method, head);
    this.reusable = mayReuse(head, this.framing);
    this.remaining = this.framing.kind === 'length' ? this.framing.length : 0;
    this.decoder =
      this.framing.kind === 'chunked' ? new ChunkedDecoder(lengthOf(this.framing)) : null;
    this.clock.stop();
    this.mode = 'held';
    const waiter = this.headWaiter;
    this.headWaiter = null;
    waiter?.resolve({ head, framing: this.framing });
  }

  /** Body bytes that came with the head, or while reading was paused. */
  private consumeHeld(): boolean {
    const waiting = this.to - this.from;
    this.to = this.from;
    try {
      return this.consume(waiting);
    } catch (error) {
      this.die(SluiceError.from(error));
      return false;
    }
  }

  /** Takes `bytes` new ones at `to` into the body; returns whether reading goes on. */
  private consume(bytes: number): boolean {
    const { done, taken, surplus } = this.unframe(bytes);
    if (surplus > 0 && this.pipelined === null) this.reusable = false;
    const sink = this.sink as BodySink;
    const pending = this.to - this.from;
    const wanted = sink.arrived(taken, pending);
    this.mind(taken);
    const full = this.slab.length - this.to < MIN_READ_BYTES;
    if (done || wanted || full) {
      const more = pending === 0 || sink.take(this.slab, this.from, this.to);
      const end = this.to;
      this.from = this.to = 0;
      if (done) return this.settleBody('complete', end, surplus);
      if (!more) return this.settleBody('stopped');
      if (sink.isHeld) return this.holdBack();
    }
    return true;
  }

  /**
   * Leaves what the peer sends in the socket, and so with the peer, until the sink takes more. It is
   * not the peer who is silent meanwhile: no deadline passes.
   */
  private holdBack(): boolean {
    this.holding ??= setTimeout(() => this.lookWhetherHeld(), HELD_MS);
    return false;
  }

  private lookWhetherHeld(): void {
    this.holding = null;
    if (this.sink === null) return;
    this.lastReadMs = performance.now();
    this.clock.wind();
    if (this.sink.isHeld) this.holdBack();
    else if (this.mode === 'held') this.beginBody();
    else this.socket?.resume();
  }

  /** How many of the bytes at `to` belong to the body, and how many lie behind its end. */
  private unframe(bytes: number): { done: boolean; taken: number; surplus: number } {
    switch (this.framing.kind) {
      case 'none':
        return { done: true, taken: 0, surplus: bytes };
      case 'length': {
        const taken = Math.min(bytes, this.remaining);
        this.remaining -= taken;
        this.to += taken;
        return { done: this.remaining === 0, taken, surplus: bytes - taken };
      }
      case 'chunked': {
        const raw = this.to + bytes;
        const decoded = (this.decoder as ChunkedDecoder).decode(this.slab, this.to, raw);
        const taken = decoded.dataEnd - this.to;
        this.to = decoded.dataEnd;
        return { done: decoded.done, taken, surplus: raw - decoded.consumed };
      }
      case 'close':
        this.to += bytes;
        return { done: false, taken: bytes, surplus: 0 };
    }
  }

  /**
   * The body is over.
   * @param at where in the slab `surplus` bytes lie that came behind it: of a pipelined answer
   * @returns whether reading goes on
   */
  private settleBody(end: BodyEnd, at = 0, surplus = 0): boolean {
    this.clock.stop();
    const waiter = this.bodyWaiter;
    this.bodyWaiter = null;
    this.sink = null;
    waiter?.resolve(end);
    if (end !== 'complete' || !this.reusable) {
      this.close();
      this.failPipelined(this.closedByPeer());
      return false;
    }
    this.mode = 'idle';
    const next = this.pipelined;
    if (next === null) return true;
    this.pipelined = null;
    this.slab.copyWithin(0, at, at + surplus);
    this.to = surplus;
    this.expectHead(next);
    if (surplus > 0 && !this.parseHead()) return false;
    // Under TLS the end of a body may come while reading is paused.
    this.socket?.resume();
    return true;
  }

  private failPipelined(error: SluiceError): void {
    const next = this.pipelined;
    this.pipelined = null;
    next?.reject(error);
  }

  /** The peer will send no more: the end of a close-delimited body, too early for any other. */
  private onEnd(): void {
    if (this.mode === 'dead') return;
    if (this.mode === 'held') {
      this.endedHeld = true;
      return;
    }
    if (this.mode === 'body' && this.framing.kind === 'close' && !this.wasReset()) {
      this.endOfClosedBody();
      return;
    }
    const message =
      this.mode === 'body'
        ? `${this.peer} closed the connection before the body was complete`
        : `${this.peer} closed the connection without an answer`;
    const next = 'Run the same command again: it continues where it stopped.';
    this.die(new SluiceError('CONNECTION_LOST', message, { next }));
  }

  /** A connection that is gone without an end has ended nothing in order. */
  private onClose(): void {
    if (this.mode === 'dead' || this.endedHeld) return;
    const message = `the connection to ${this.peer} was lost`;
    const next = 'Run the same command again: it continues where it stopped.';
    this.die(new SluiceError('CONNECTION_LOST', message, { next }));
  }

  /**
   * Whether TCP was reset. libuv takes a hang-up after a short read for the end of the stream, so a
   * reset can look like one; but then the socket has no peer any more, and after a FIN it has.
   */
  private wasReset(): boolean {
    return !this.isOverTls && this.socket?.remoteAddress === undefined;
  }

  private endOfClosedBody(): void {
    try {
      if (this.to > this.from) this.sink?.take(this.slab, this.from, this.to);
      this.settleBody('complete');
    } catch (error) {
      this.die(SluiceError.from(error));
    }
  }

  /** Ends the connection; bytes of the body that wait in the slab are still handed on first. */
  private die(error: SluiceError): void {
    if (this.mode === 'dead') return;
    const failure = this.handOver(error);
    this.close();
    const head = this.headWaiter;
    const body = this.bodyWaiter;
    this.headWaiter = this.bodyWaiter = null;
    this.sink = null;
    head?.reject(failure);
    body?.reject(failure);
    this.failPipelined(this.closedByPeer());
  }

  private handOver(error: SluiceError): SluiceError {
    if (this.mode !== 'body' || this.sink === null || this.to === this.from) return error;
    const { from, to } = this;
    this.from = this.to;
    try {
      this.sink.take(this.slab, from, to);
    } catch (thrown) {
      return SluiceError.from(thrown);
    }
    return error;
  }

  private close(): void {
    this.clock.stop();
    this.mode = 'dead';
    this.socket?.destroy();
  }

  private malformed(what: string): SluiceError {
    const next = 'The server breaks HTTP; try another source of the file.';
    return new SluiceError('HTTP_MALFORMED', `${this.peer} ${what}`, { next });
  }
}

/** A name of a certificate may be as long as it likes; X.520 means 64 characters at most. */
const MAX_NAME = 200;

function nameOf(name: Certificate | undefined): string {
  const common = name?.CN as string | string[] | undefined;
  const organisation = name?.O as string | string[] | undefined;
  return String(common ?? organisation ?? '').slice(0, MAX_NAME);
}
