/** One connection to a server: its socket, and what is known of it. What is exchanged on it is in exchange.ts. */
import type { Socket } from 'node:net';
import type { Certificate, TLSSocket } from 'node:tls';
import { throwIfCalledOff } from './calling-off.js';
import { endpointKey, isOverTls, peerName } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import { socketError } from './errors.js';
import { Exchanges } from './exchange.js';
import { reach } from './reach.js';
import { SLAB_BYTES, Slab } from './slab.js';

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

export class Connection extends Exchanges {
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
  private readonly isTls: boolean;
  /** Its own TLS, or that of a proxy which it is forwarded by. */
  private readonly isOverTls: boolean;
  private socket: Socket | null = null;
  private openedMs = 0;

  private constructor(endpoint: Endpoint, slab: Slab) {
    super(slab, peerName(endpoint));
    this.key = endpointKey(endpoint);
    this.isTls = endpoint.tls !== null;
    this.isOverTls = isOverTls(endpoint);
  }

  /**
   * Opens a connection.
   * @param watched see {@link seesTruncation}
   * @param slab its length in bytes, see `slabBytes`
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
    const connection = new Connection(endpoint, new Slab(slab));
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
    const peer = peerName(endpoint);
    socket.on('error', (error) => connection.fail(socketError(error, 'exchange', peer)));
    // Before Node's own listener, which closes our side and with it the trace of a reset.
    socket.prependListener('end', () => connection.onEnd());
    socket.on('close', () => {
      connection.onClose();
      connection.onGone();
    });
    if (signal?.aborted === true) connection.destroy();
    throwIfCalledOff(signal);
    return connection;
  }

  /** Milliseconds since it was opened. */
  get ageMs(): number {
    return performance.now() - this.openedMs;
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

  protected get isOpen(): boolean {
    return this.socket !== null && !this.socket.destroyed;
  }

  /**
   * libuv takes a hang-up after a short read for the end of the stream, so a reset can look like one; but
   * then the socket has no peer any more, and after a FIN it has.
   */
  protected get wasReset(): boolean {
    return !this.isOverTls && this.socket?.remoteAddress === undefined;
  }

  protected send(bytes: Uint8Array): void {
    this.socket?.write(bytes);
  }

  protected resume(): void {
    this.socket?.resume();
  }

  protected end(): void {
    this.socket?.destroy();
  }
}

/** A name of a certificate may be as long as it likes; X.520 means 64 characters at most. */
const MAX_NAME = 200;

function nameOf(name: Certificate | undefined): string {
  const common = name?.CN as string | string[] | undefined;
  const organisation = name?.O as string | string[] | undefined;
  return String(common ?? organisation ?? '').slice(0, MAX_NAME);
}
