/** Opening a connection: TCP to the first address that answers, then TLS. */
import { connect as connectTcp, isIP } from 'node:net';
import type { OnReadOpts, Socket } from 'node:net';
import type { ConnectionOptions, PeerCertificate, TLSSocket } from 'node:tls';
import { SluiceError } from '../errors.js';
import { deadline } from './deadline.js';
import { endpointKey } from './endpoint.js';
import type { Address, Endpoint, TlsSettings } from './endpoint.js';
import { socketError } from './errors.js';

/** How long one address is waited for before the next is tried beside it (RFC 8305 section 5). */
const ATTEMPT_DELAY_MS = 250;

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
 * last has not answered within 250 ms or has failed, and the slower ones go on meanwhile.
 * @param timeoutMs the deadline of the TCP connection, and again of the TLS handshake
 * @throws SluiceError CONNECT_FAILED, CONNECT_TIMEOUT, TLS_CERTIFICATE, TLS_HANDSHAKE, CONNECTION_LOST
 */
export async function dial(
  endpoint: Endpoint,
  reader: Reader,
  timeoutMs: number,
): Promise<Dialled> {
  const offered = endpoint.session;
  try {
    return await dialOnce(endpoint, reader, timeoutMs);
  } catch (error) {
    const isTls = error instanceof SluiceError && error.code === 'TLS_HANDSHAKE';
    if (!isTls || !offered) throw error;
    // Some servers take offence at a session of theirs.
    endpoint.session = null;
    return dialOnce({ ...endpoint, session: null }, reader, timeoutMs);
  }
}

async function dialOnce(endpoint: Endpoint, reader: Reader, timeoutMs: number): Promise<Dialled> {
  const dialled = await new Race(endpoint, reader, timeoutMs).run();
  if (endpoint.tls === null) return dialled;
  // The server sends it when the handshake is over, or much later.
  const key = endpointKey(endpoint);
  dialled.socket.on('session', (bytes: Buffer) => (endpoint.session = { key, bytes }));
  await handshake(dialled.socket, endpoint, timeoutMs);
  return dialled;
}

/** Begins a TLS connection. Node's TLS takes 2 ms to load, and http does without it. */
export function overTls(options: ConnectionOptions): TLSSocket {
  return process.getBuiltinModule('node:tls').connect(options);
}

/** The built-in authorities, verified. */
const NO_TLS_SETTINGS: TlsSettings = { ca: null, cert: null, key: null, verify: true };

const peerName = (endpoint: Endpoint): string =>
  `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;

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
  return overTls(options);
}

/**
 * What TLS is told about the peer of an endpoint. Left to itself Node compares the certificate with
 * the name that is sent, and where none is sent, with the address that is dialled.
 */
export function tlsOptions(endpoint: Endpoint): ConnectionOptions {
  const { ca, cert, key, verify } = endpoint.tls ?? NO_TLS_SETTINGS;
  const options: ConnectionOptions = {
    servername: serverName(endpoint.host),
    checkServerIdentity: (_host, certificate) => wrongHost(endpoint, certificate),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: verify,
  };
  if (ca !== null) options.ca = ca;
  if (cert !== null) options.cert = cert;
  if (key !== null) options.key = key;
  const { session } = endpoint;
  if (session?.key === endpointKey(endpoint)) options.session = Buffer.from(session.bytes);
  return options;
}

/** The name that the server is told (RFC 6066 section 3): without a final dot, and none for an address. */
function serverName(host: string): string {
  return isIP(host) === 0 ? host.replace(/\.$/, '') : '';
}

/** What is wrong when a certificate is not for the host of the URL. */
function wrongHost({ host }: Endpoint, certificate: PeerCertificate): Error | undefined {
  return process.getBuiltinModule('node:tls').checkServerIdentity(host, certificate);
}

/** Attempts on the addresses of one endpoint, of which one wins. */
class Race {
  private readonly attempts = new Set<Socket>();
  private next = 0;
  private lastError: SluiceError | null = null;
  private callOffAll: (() => void) | null = null;
  /** Of the head start that the last attempt has. */
  private callOffNext: (() => void) | null = null;
  private resolve!: (dialled: Dialled) => void;
  private reject!: (error: SluiceError) => void;
  private over = false;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly reader: Reader,
    private readonly timeoutMs: number,
  ) {}

  run(): Promise<Dialled> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.callOffAll = deadline(this.timeoutMs, () => this.timedOut());
      this.startNext();
    });
  }

  private startNext(): void {
    if (this.over) return;
    this.callOffNext?.();
    const address = this.endpoint.addresses[this.next++];
    if (address === undefined) {
      if (this.attempts.size === 0) this.fail(this.lastError ?? this.noAddress());
      return;
    }
    const socket = open(this.endpoint, address, this.reader);
    this.attempts.add(socket);
    socket.once('connect', () => this.won(socket, address));
    socket.once('error', (error) => this.lost(socket, error));
    if (this.next < this.endpoint.addresses.length) {
      this.callOffNext = deadline(ATTEMPT_DELAY_MS, () => this.startNext());
    }
  }

  private won(socket: Socket, address: Address): void {
    if (this.over) {
      socket.destroy();
      return;
    }
    this.attempts.delete(socket);
    this.finish();
    socket.removeAllListeners('error');
    this.resolve({ socket, address });
  }

  private lost(socket: Socket, error: NodeJS.ErrnoException): void {
    this.attempts.delete(socket);
    socket.destroy();
    this.lastError = socketError(error, 'connecting', peerName(this.endpoint));
    this.startNext();
  }

  private timedOut(): void {
    const message = `connecting to ${peerName(this.endpoint)} took over ${this.timeoutMs} ms`;
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
    this.callOffAll?.();
    this.callOffNext?.();
    for (const socket of this.attempts) {
      socket.removeAllListeners('error');
      socket.on('error', () => undefined);
      socket.destroy();
    }
  }
}

/**
 * Waits for the end of the TLS handshake.
 * @throws SluiceError CONNECT_TIMEOUT, TLS_CERTIFICATE, TLS_HANDSHAKE, CONNECTION_LOST
 */
export function handshake(socket: Socket, endpoint: Endpoint, timeoutMs: number): Promise<void> {
  const peer = peerName(endpoint);
  return new Promise((resolve, reject) => {
    const settle = (error: SluiceError | null): void => {
      callOff();
      socket.removeAllListeners('secureConnect');
      socket.removeAllListeners('error');
      socket.removeAllListeners('close');
      if (error === null) {
        resolve();
        return;
      }
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const callOff = deadline(timeoutMs, () => {
      const message = `the TLS handshake with ${peer} took over ${timeoutMs} ms`;
      const next = 'Check that the port speaks TLS, or give more time with --connect-timeout.';
      settle(new SluiceError('CONNECT_TIMEOUT', message, { next }));
    });
    socket.once('secureConnect', () => settle(null));
    socket.once('error', (error) => settle(socketError(error, 'handshake', peer)));
    socket.once('close', () => {
      const error = Object.assign(new Error('closed'), { code: 'ECONNRESET' });
      settle(socketError(error, 'handshake', peer));
    });
  });
}
