/**
 * Opening a connection: TCP and, for https, TLS to the first address where both stand. An address that
 * takes connections and then says nothing holds up no more than one that takes none.
 */
import { connect as connectTcp } from 'node:net';
import type { OnReadOpts, Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { SluiceError } from '../errors.js';
import { calledOff, onAbort, throwIfCalledOff } from './calling-off.js';
import { deadline } from './deadline.js';
import { endpointKey, peerName } from './endpoint.js';
import type { Address, Endpoint } from './endpoint.js';
import { socketError } from './errors.js';
import { handshake, overTls, silentInTls, tlsOptions } from './tls.js';

/** How long one address is waited for before the next is tried beside it (RFC 8305 section 5). */
const ATTEMPT_DELAY_MS = 250;

/** The same where TCP stands and TLS does not: that takes round trips, and the server's processor. */
const HANDSHAKE_DELAY_MS = 2000;

/** Where the bytes of a socket go; see the `onread` option of net.connect. */
export interface Reader {
  buffer(): Uint8Array;
  callback(bytes: number, buffer: Uint8Array): boolean;
}

/** An open connection and the address that it leads to. */
export interface Dialled {
  socket: Socket;
  address: Address;
}

/**
 * Opens a connection to the endpoint. Every address gets its chance: the next one starts when the
 * last has not answered within 250 ms, has not ended its TLS handshake within 2 s, or has failed; the
 * slower ones go on meanwhile.
 * @param timeoutMs the deadline of the TCP connection, and again of the TLS handshake
 * @param signal calls it off: every socket is closed at once
 * @throws SluiceError CONNECT_FAILED, CONNECT_TIMEOUT, TLS_CERTIFICATE, TLS_HANDSHAKE, CONNECTION_LOST;
 * the signal's reason
 */
export async function dial(
  endpoint: Endpoint,
  reader: Reader,
  timeoutMs: number,
  signal: AbortSignal | null = null,
): Promise<Dialled> {
  throwIfCalledOff(signal);
  const offered = endpoint.session;
  try {
    return await new Race(endpoint, reader, timeoutMs, signal).run();
  } catch (error) {
    const isTls = error instanceof SluiceError && error.code === 'TLS_HANDSHAKE';
    if (!isTls || !offered) throw error;
    // Some servers take offence at a session of theirs.
    endpoint.session = null;
    return new Race({ ...endpoint, session: null }, reader, timeoutMs, signal).run();
  }
}

/** Starts connecting; for https the handshake follows by itself once TCP stands. */
function open(endpoint: Endpoint, { address, family }: Address, reader: Reader): Socket {
  const onread = {
    buffer: () => reader.buffer(),
    callback: (bytes: number, buffer: Uint8Array) => reader.callback(bytes, buffer),
  } as unknown as OnReadOpts;
  const base = { host: address, port: endpoint.port, family, onread, noDelay: true };
  if (endpoint.tls === null) return connectTcp(base);
  const options: ConnectionOptions & { onread: OnReadOpts } = {
    ...base,
    ...tlsOptions(endpoint),
    host: address,
  };
  const socket = overTls(options);
  const key = endpointKey(endpoint);
  // The server sends it when the handshake is over, or much later.
  socket.on('session', (bytes: Buffer) => (endpoint.session = { key, bytes }));
  return socket;
}

/** Attempts on the addresses of one endpoint, of which one wins. */
class Race {
  /** Addresses to come, best first. */
  private readonly queue: Address[];
  /** Whose TCP does not stand yet. */
  private readonly connecting = new Map<Socket, Address>();
  /** Whose TCP stands, and TLS does not. */
  private readonly shaking = new Set<Socket>();
  private lastError: SluiceError | null = null;
  private endDeadline: (() => void) | null = null;
  /** Of the head start that the last attempt has. */
  private endHeadStart: (() => void) | null = null;
  private forgetSignal: (() => void) | null = null;
  private resolve!: (dialled: Dialled) => void;
  private reject!: (error: SluiceError) => void;
  private over = false;
  /** TCP stood once: what is left is the time of TLS. */
  private connected = false;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly reader: Reader,
    private readonly timeoutMs: number,
    private readonly signal: AbortSignal | null,
  ) {
    this.queue = [...endpoint.addresses];
  }

  run(): Promise<Dialled> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.endDeadline = deadline(this.timeoutMs, () => this.timedOut());
      this.forgetSignal = onAbort(this.signal, () => this.fail(calledOff(this.signal)));
      this.startNext();
    });
  }

  private startNext(): void {
    if (this.over) return;
    this.endHeadStart?.();
    const address = this.queue.shift();
    if (address === undefined) {
      if (this.connecting.size + this.shaking.size === 0)
        this.fail(this.lastError ?? this.noAddress());
      return;
    }
    const socket = open(this.endpoint, address, this.reader);
    this.connecting.set(socket, address);
    socket.once('connect', () => this.stands(socket, address));
    socket.once('error', (error) =>
      this.lost(socket, socketError(error, 'connecting', peerName(this.endpoint))),
    );
    this.giveHeadStart(ATTEMPT_DELAY_MS);
  }

  private giveHeadStart(ms: number): void {
    this.endHeadStart?.();
    if (this.queue.length > 0) this.endHeadStart = deadline(ms, () => this.startNext());
  }

  /** TCP stands. */
  private stands(socket: Socket, address: Address): void {
    if (this.over) {
      socket.destroy();
      return;
    }
    this.connecting.delete(socket);
    socket.removeAllListeners('error');
    if (this.endpoint.tls === null) this.won({ socket, address });
    else this.shake(socket, address);
  }

  private shake(socket: Socket, address: Address): void {
    const { endpoint, timeoutMs } = this;
    this.shaking.add(socket);
    if (!this.connected) {
      this.connected = true;
      this.endDeadline?.();
      this.endDeadline = deadline(timeoutMs, () => this.timedOut());
    }
    handshake(socket, endpoint, timeoutMs, null).then(
      () => this.won({ socket, address }),
      (error: unknown) => this.lost(socket, SluiceError.from(error)),
    );
    this.holdOthers();
    this.giveHeadStart(HANDSHAKE_DELAY_MS);
  }

  /** One handshake at a time is enough while it may still succeed: the other addresses wait for their turn. */
  private holdOthers(): void {
    this.queue.unshift(...this.connecting.values());
    for (const socket of this.connecting.keys()) discard(socket);
    this.connecting.clear();
  }

  private won(dialled: Dialled): void {
    const { socket } = dialled;
    if (this.over) {
      socket.destroy();
      return;
    }
    this.connecting.delete(socket);
    this.shaking.delete(socket);
    this.finish();
    this.resolve(dialled);
  }

  private lost(socket: Socket, error: SluiceError): void {
    if (this.over) return;
    this.connecting.delete(socket);
    this.shaking.delete(socket);
    socket.destroy();
    this.lastError = error;
    // That one is told: who looks at it may see what is wrong, and no other address makes it good.
    if (error.code === 'TLS_CERTIFICATE') this.fail(error);
    else this.startNext();
  }

  private timedOut(): void {
    const { endpoint, timeoutMs } = this;
    if (this.shaking.size > 0) return this.fail(silentInTls(endpoint, timeoutMs));
    const message = `connecting to ${peerName(endpoint)} took over ${timeoutMs / 1000} s`;
    const next = 'Check the network, or give more time with --connect-timeout.';
    this.fail(new SluiceError('CONNECT_TIMEOUT', message, { next }));
  }

  private noAddress(): SluiceError {
    return new SluiceError('CONNECT_FAILED', `no address is known for ${peerName(this.endpoint)}`);
  }

  private fail(error: SluiceError): void {
    if (this.over) return;
    this.finish();
    this.reject(error);
  }

  private finish(): void {
    this.over = true;
    this.endDeadline?.();
    this.endHeadStart?.();
    this.forgetSignal?.();
    for (const socket of [...this.connecting.keys(), ...this.shaking]) discard(socket);
  }
}

/** Closes a socket that nobody waits for any more. */
function discard(socket: Socket): void {
  socket.removeAllListeners('connect');
  socket.removeAllListeners('error');
  socket.on('error', () => undefined);
  socket.destroy();
}
