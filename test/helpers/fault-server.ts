/**
 * An HTTP server on raw sockets whose every byte can be scripted.
 *
 * It reads requests (RFC 9112 section 3), records them, and hands each to a handler with a
 * {@link Reply}. The reply sends exactly what it is told to, well-formed or not. A correct origin
 * on top of it, with faults to order, is in `origin.ts`.
 */
import net from 'node:net';
import tls from 'node:tls';
import { performance } from 'node:perf_hooks';

/** A half-open range of bytes `[start, end)`; `end` is Infinity for `bytes=5-`. */
export interface ByteRange {
  start: number;
  end: number;
}

/** One request as it came in. `bodyBytes` grows while the answer is sent. */
export interface RecordedRequest {
  /** From 0, in the order in which heads were complete. */
  number: number;
  /** Number of the connection that it came on, from 0. */
  connection: number;
  /** Number of the request on its connection, from 0. */
  onConnection: number;
  /** It had come before the answer to the one before it was sent (RFC 9112 section 9.3.2). */
  pipelined: boolean;
  /** Milliseconds since the server started. */
  time: number;
  method: string;
  target: string;
  version: string;
  /** Field values by lower-case name; equal names are joined with `, `. */
  fields: Record<string, string>;
  /** Fields as they were sent, in order. */
  rawFields: Array<[name: string, value: string]>;
  /** The request head as it came, without the empty line. */
  head: string;
  /** The one range asked for; null without Range, with several ranges or with a suffix range. */
  range: ByteRange | null;
  /** The length of a suffix range (`bytes=-500`), or null. */
  suffix: number | null;
  /** Bytes of body handed to the kernel so far (chunk framing not counted). */
  bodyBytes: number;
  /** Whether the handler has returned and all that it wrote is handed to the kernel. */
  finished: boolean;
  tls: {
    protocol: string | null;
    servername: string | null;
    resumed: boolean;
    /** Whether the client showed a certificate; it does only when `requestCert` asks for one. */
    clientCertificate: boolean;
  } | null;
}

/**
 * What happens when a connection comes in. `silent` accepts, takes note of nothing but the
 * client's end, and never writes; the `-later` ones wait for the client's first bytes (under TLS its part of the handshake).
 */
export type Admission = 'serve' | 'close' | 'reset' | 'silent' | 'close-later' | 'reset-later';

/** What happens to a request that came before the answer to the one before it was sent. */
export type Pipelining = 'serve' | 'ignore' | 'reset';

export type Handler = (request: RecordedRequest, reply: Reply) => void | Promise<void>;

export interface FaultServerOptions {
  /** Key and certificate; makes the server speak TLS. */
  tls?: tls.TlsOptions;
  /** Address to listen on; default 127.0.0.1. */
  host?: string;
  port?: number;
  handler?: Handler;
  /** Decides on each connection, by its number from 0, before anything is read (or TLS starts). */
  admit?: (connection: number) => Admission;
  pipelining?: Pipelining;
}

/** Fields of a response head, in the order in which they are sent; a list value repeats the field. */
export type Fields =
  Record<string, string | number | string[]> | ReadonlyArray<readonly [string, string]>;

/** What `afterBytes` does when the given number of body bytes is sent. */
export type CutAction =
  'reset' | 'stall' | 'halfClose' | 'end' | 'truncate' | (() => void | Promise<void>);

const REASONS: Record<number, string> = {
  200: 'OK',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  410: 'Gone',
  412: 'Precondition Failed',
  416: 'Range Not Satisfiable',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

/** How many milliseconds of data a throttled reply sends at once. */
const TICK_MS = 20;
const MAX_REQUEST_HEAD = 256 * 1024;

const bytesOf = (data: Uint8Array | string): Uint8Array =>
  typeof data === 'string' ? Buffer.from(data, 'latin1') : data;

function pairsOf(fields: Fields): Array<readonly [string, string]> {
  if (Array.isArray(fields)) return [...(fields as ReadonlyArray<readonly [string, string]>)];
  return Object.entries(fields as Record<string, string | number | string[]>).flatMap(
    ([name, value]) =>
      (Array.isArray(value) ? value : [String(value)]).map((one) => [name, one] as const),
  );
}

/** Writes a response head, empty line included. Values are sent as they are, in latin1. */
export function formatHead(status: number, fields: Fields = {}, reason?: string): Buffer {
  const lines = pairsOf(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const phrase = reason ?? REASONS[status] ?? 'Status';
  return Buffer.from(`HTTP/1.1 ${status} ${phrase}\r\n${lines.join('')}\r\n`, 'latin1');
}

/**
 * The answer to one request. Every call is queued and done in order, so that a handler need not
 * await; each promise resolves when the call is done, and none ever rejects: once the client is
 * gone, calls do nothing.
 */
export class Reply {
  #queue: Promise<void> = Promise.resolve();
  #sent = 0;
  #rate = Infinity;
  #cut: { at: number; action: CutAction } | null = null;
  #paceStart = 0;
  #paceBytes = 0;

  constructor(
    private readonly connection: Connection,
    private readonly request: RecordedRequest,
    private readonly changed: () => void,
  ) {}

  /** Whether nothing can be sent any more. */
  get gone(): boolean {
    return this.connection.gone;
  }

  /** Bytes of body handed to the kernel so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Sends bytes as they are; they do not count as body and are never throttled or cut. */
  raw(bytes: Uint8Array | string): Promise<void> {
    return this.#do(() => this.connection.write(bytesOf(bytes)));
  }

  /** Sends bytes below TLS, where the client expects a record, at once: for {@link afterBytes}. */
  writeBelowTls(bytes: Uint8Array): Promise<void> {
    return this.connection.writeBelowTls(bytes);
  }

  /** Sends a response head. Nothing is added to the fields: name Content-Length yourself. */
  head(status: number, fields: Fields = {}, reason?: string): Promise<void> {
    return this.raw(formatHead(status, fields, reason));
  }

  /**
   * Sends bytes that count as body: at the rate of {@link throttle}, up to the cut of
   * {@link afterBytes}. The promise resolves when the kernel has them, so awaiting it is
   * backpressure; the bytes must not be changed before.
   */
  body(bytes: Uint8Array | string): Promise<void> {
    return this.#do(() => this.#sendBody(bytesOf(bytes)));
  }

  /**
   * Sends bytes as one chunk of a chunked body (RFC 9112 section 7.1).
   * @param padding what follows the digits of its size
   */
  chunk(bytes: Uint8Array | string, padding = ''): Promise<void> {
    return this.#do(async () => {
      const data = bytesOf(bytes);
      if (data.length === 0) return;
      await this.connection.write(Buffer.from(`${data.length.toString(16)}${padding}\r\n`));
      await this.#sendBody(data);
      await this.connection.write(Buffer.from('\r\n'));
    });
  }

  /** Sends the last chunk, with trailer fields if any. */
  lastChunk(trailers: Fields = {}, padding = ''): Promise<void> {
    const lines = pairsOf(trailers).map(([name, value]) => `${name}: ${value}\r\n`);
    return this.raw(`0${padding}\r\n${lines.join('')}\r\n`);
  }

  /** Paces the body from here on; Infinity takes the brake off. */
  throttle(bytesPerSecond: number): void {
    void this.#do(() => {
      this.#rate = bytesPerSecond;
      this.#paceStart = performance.now();
      this.#paceBytes = 0;
    });
  }

  /** When exactly `n` bytes of body are sent, does `action` instead of sending more. */
  afterBytes(n: number, action: CutAction): Promise<void> {
    return this.#do(() => {
      this.#cut = { at: n, action };
      return this.#sent >= n ? this.#doCut() : undefined;
    });
  }

  /**
   * Closes the connection with RST. What the kernel could not deliver yet is lost; what the
   * client has received stays readable for it.
   */
  reset(): Promise<void> {
    return this.#do(() => this.connection.reset());
  }

  /** Sends FIN (after close_notify under TLS) and goes on reading. */
  halfClose(): Promise<void> {
    return this.#do(() => this.connection.halfClose());
  }

  /** Sends FIN without close_notify: under TLS a truncation (RFC 9112 section 9.8). */
  truncate(): Promise<void> {
    return this.#do(() => this.connection.truncate());
  }

  /** Closes the connection in order. */
  end(): Promise<void> {
    return this.#do(() => this.connection.end());
  }

  /** Sends nothing more until the client goes away. */
  stall(): Promise<void> {
    return this.#do(() => this.connection.whenGone);
  }

  /** Waits, or until the client goes away. */
  wait(ms: number): Promise<void> {
    return this.#do(() => this.connection.pause(ms));
  }

  /** Waits for `promise` before anything more is sent, or until the client goes away. */
  waitFor(promise: Promise<unknown>): Promise<void> {
    return this.#do(() => Promise.race([promise.then(() => undefined), this.connection.whenGone]));
  }

  /** Resolves when everything so far is handed to the kernel. */
  drained(): Promise<void> {
    return this.#queue;
  }

  #do(step: () => void | Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(() => (this.gone ? undefined : step()));
    return this.#queue;
  }

  async #sendBody(bytes: Uint8Array): Promise<void> {
    let offset = 0;
    while (offset < bytes.length && !this.gone) {
      const limit = this.#cut === null ? Infinity : this.#cut.at - this.#sent;
      const wanted = Math.min(bytes.length - offset, limit);
      const length = Math.min(wanted, await this.#allowance(wanted));
      if (length > 0) {
        await this.connection.write(bytes.subarray(offset, offset + length));
        offset += length;
        this.#sent += length;
        this.#paceBytes += length;
        this.request.bodyBytes += length;
        this.changed();
      }
      if (this.#cut !== null && this.#sent >= this.#cut.at) await this.#doCut();
    }
  }

  /**
   * How many bytes may be sent now. Waits for a tick's worth (or all of `wanted`, when that is
   * less), for a byte at a time would cost more than it paces.
   */
  async #allowance(wanted: number): Promise<number> {
    if (this.#rate === Infinity) return Infinity;
    const least = Math.max(1, Math.min(wanted, (this.#rate * TICK_MS) / 1000));
    for (;;) {
      const due = ((performance.now() - this.#paceStart) / 1000) * this.#rate;
      const allowed = Math.floor(due - this.#paceBytes);
      if (allowed >= least || this.gone) return Math.max(1, allowed);
      await this.connection.pause(Math.max(1, ((least - allowed) / this.#rate) * 1000));
    }
  }

  async #doCut(): Promise<void> {
    const action = this.#cut?.action;
    this.#cut = null;
    if (typeof action === 'function') {
      return Promise.race([Promise.resolve(action()), this.connection.whenGone]);
    }
    if (action === 'stall') return this.connection.whenGone;
    if (action !== undefined) await this.connection[action]();
  }
}

/** One accepted socket: whole requests in, bytes out. */
class Connection {
  #socket: net.Socket;
  #buffered = Buffer.alloc(0);
  /** In what order the last bytes came in and went out. */
  #steps = 0;
  #lastRead = 0;
  #lastWrite = 0;
  #wake: (() => void) | null = null;
  #timers = new Set<() => void>();
  gone = false;
  readonly whenGone: Promise<void>;
  #setGone!: () => void;

  constructor(
    readonly number: number,
    private readonly rawSocket: net.Socket,
  ) {
    this.#socket = rawSocket;
    this.whenGone = new Promise((resolve) => (this.#setGone = resolve));
    rawSocket.on('error', () => undefined);
    rawSocket.on('close', () => this.#lost());
  }

  get tls(): RecordedRequest['tls'] {
    if (!(this.#socket instanceof tls.TLSSocket)) return null;
    const { servername } = this.#socket as unknown as { servername?: string | false };
    return {
      protocol: this.#socket.getProtocol(),
      servername: typeof servername === 'string' ? servername : null,
      resumed: this.#socket.isSessionReused(),
      clientCertificate: Object.keys(this.#socket.getPeerCertificate()).length > 0,
    };
  }

  /** Starts to read; under TLS `socket` is the one that decrypts. */
  open(socket: net.Socket): void {
    this.#socket = socket;
    socket.on('error', () => this.#lost());
    socket.on('close', () => this.#lost());
    socket.on('data', (data: Buffer) => {
      this.#lastRead = ++this.#steps;
      this.#buffered = Buffer.concat([this.#buffered, data]);
      this.#wake?.();
    });
    // A client that sends FIN is taken as gone, even in the middle of an answer.
    socket.on('end', () => this.destroy());
  }

  /** The next request head without its empty line; null when the client has ended. */
  async nextHead(): Promise<string | null> {
    for (;;) {
      const end = this.#buffered.indexOf('\r\n\r\n');
      if (end >= 0) {
        const head = this.#buffered.toString('latin1', 0, end);
        this.#buffered = this.#buffered.subarray(end + 4);
        return head;
      }
      if (this.gone || this.#buffered.length > MAX_REQUEST_HEAD) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Whether a whole request head waits that was there before the last bytes of the answer went out. */
  get hasEarlyHead(): boolean {
    return this.#lastRead < this.#lastWrite && this.#buffered.includes('\r\n\r\n');
  }

  /** Forgets what came in and was not read yet. */
  forget(): void {
    this.#buffered = Buffer.alloc(0);
  }

  /** From now on as if the machine were gone: no FIN, no RST, nothing read, nothing written. */
  vanish(): net.Socket {
    this.rawSocket.pause();
    this.#lost();
    return this.rawSocket;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.gone || !this.#socket.writable) return Promise.resolve();
    this.#lastWrite = ++this.#steps;
    const written = new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
    return Promise.race([written, this.whenGone]);
  }

  writeBelowTls(bytes: Uint8Array): Promise<void> {
    if (this.gone) return Promise.resolve();
    const written = new Promise<void>((resolve) => this.rawSocket.write(bytes, () => resolve()));
    return Promise.race([written, this.whenGone]);
  }

  /** Waits `ms`, or until the client goes away. */
  pause(ms: number): Promise<void> {
    if (this.gone) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#timers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#timers.add(done);
    });
  }

  reset(): void {
    this.rawSocket.resetAndDestroy();
    this.#socket.destroy();
    this.#lost();
  }

  halfClose(): Promise<void> {
    return new Promise((resolve) => {
      if (this.gone) resolve();
      else this.#socket.end(() => resolve());
    });
  }

  truncate(): void {
    this.rawSocket.destroy();
    this.#lost();
  }

  async end(): Promise<void> {
    await Promise.race([this.halfClose(), this.whenGone]);
    this.#socket.destroySoon();
    this.#lost();
  }

  destroy(): void {
    this.#socket.destroy();
    this.rawSocket.destroy();
    this.#lost();
  }

  #lost(): void {
    if (this.gone) return;
    this.gone = true;
    this.#setGone();
    this.#wake?.();
    for (const done of [...this.#timers]) done();
  }
}

/** Parses a request head; lenient, for the server under its own client's test. */
function parseHead(
  head: string,
): Pick<RecordedRequest, 'method' | 'target' | 'version' | 'fields' | 'rawFields' | 'head'> {
  const [requestLine = '', ...lines] = head.split('\r\n');
  const [method = '', target = '', version = ''] = requestLine.split(' ');
  const rawFields: Array<[string, string]> = [];
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    rawFields.push([name, value]);
    const key = name.toLowerCase();
    fields[key] = key in fields ? `${fields[key]}, ${value}` : value;
  }
  return { method, target, version, fields, rawFields, head };
}

function parseRange(value: string | undefined): Pick<RecordedRequest, 'range' | 'suffix'> {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(value ?? '') ?? [];
  if (first !== '') {
    const end = last === '' ? Infinity : Number(last) + 1;
    return { range: { start: Number(first), end }, suffix: null };
  }
  return { range: null, suffix: last === '' ? null : Number(last) };
}

/** The scriptable server. */
export class FaultServer {
  /** Every request so far, in the order of arrival. */
  readonly requests: RecordedRequest[] = [];
  /** Connections open now, the most open at once, and accepted in all. */
  readonly connections = { open: 0, maximum: 0, total: 0 };
  /** Milliseconds since the start of the server at which each connection was accepted. */
  readonly accepted: number[] = [];
  /** What handlers threw; a test that ends with one here has a broken script. */
  readonly failures: unknown[] = [];

  readonly #started = performance.now();
  readonly #live = new Set<Connection>();
  readonly #vanished = new Set<net.Socket>();
  readonly #waiting = new Set<() => void>();
  readonly #server: net.Server;
  readonly #tlsServer: tls.Server | null;
  readonly #byPeer = new Map<string, Connection>();
  readonly #host: string;
  #handler: Handler;
  #port = 0;
  #deaf: Promise<void> = Promise.resolve();
  #admit: (connection: number) => Admission;
  readonly #pipelining: Pipelining;

  private constructor(options: FaultServerOptions) {
    this.#host = options.host ?? '127.0.0.1';
    this.#admit = options.admit ?? (() => 'serve');
    this.#pipelining = options.pipelining ?? 'serve';
    this.#handler =
      options.handler ?? ((_request, reply) => void reply.head(404, { 'Content-Length': 0 }));
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
    this.#tlsServer = options.tls === undefined ? null : this.#makeTls(options.tls);
  }

  /** Starts a server on a free port (or `options.port`). */
  static async start(options: FaultServerOptions = {}): Promise<FaultServer> {
    const server = new FaultServer(options);
    await server.#listen(options.port ?? 0);
    return server;
  }

  #listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, this.#host, () => resolve());
    });
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get secure(): boolean {
    return this.#tlsServer !== null;
  }

  /** `http://127.0.0.1:PORT/path`, or https. `host` puts another name for the same machine in. */
  url(path = '/', host = this.#host): string {
    const name = host.includes(':') ? `[${host}]` : host;
    return `${this.secure ? 'https' : 'http'}://${name}:${this.port}${path}`;
  }

  /** Replaces the handler for all requests from now on. */
  handle(handler: Handler): void {
    this.#handler = handler;
  }

  /** Shows another certificate to every connection from now on. */
  setCertificate(options: tls.SecureContextOptions): void {
    this.#tlsServer?.setSecureContext(options);
  }

  /** Replaces what decides on new connections. */
  admit(decide: (connection: number) => Admission): void {
    this.#admit = decide;
  }

  /**
   * Resolves as soon as `condition` holds. It is looked at whenever a connection, a request or a
   * piece of body changes the server's records, so no test needs to sleep.
   */
  until(condition: (server: FaultServer) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          if (!condition(this)) return;
          resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Bytes of body sent so far, all requests together. */
  get bodyBytes(): number {
    return this.requests.reduce((sum, request) => sum + request.bodyBytes, 0);
  }

  /** Closes every open connection with RST; new ones are still served. */
  resetAll(): void {
    for (const connection of [...this.#live]) connection.reset();
  }

  /** Every peer vanishes: connections stay open, and nothing is read or written any more. */
  vanishAll(): void {
    for (const connection of [...this.#live]) this.#vanished.add(connection.vanish());
  }

  /** Refuses new connections, as a port does on which nobody listens; open ones go on. */
  deafen(): Promise<void> {
    this.#port = this.port;
    this.#deaf = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // The promise above resolves when the last connection is gone; the port is closed by now.
    return Promise.resolve();
  }

  /** Listens again on the port of before. */
  async listenAgain(): Promise<void> {
    await this.#deaf;
    await this.#listen(this.#port);
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of [...this.#live]) connection.destroy();
    for (const socket of this.#vanished) socket.destroy();
    await closed;
  }

  #changed = (): void => {
    for (const look of [...this.#waiting]) look();
  };

  #makeTls(options: tls.TlsOptions): tls.Server {
    // A client that goes away in its handshake is noticed by time only, for half-open is allowed.
    const settings = { handshakeTimeout: 3000, ...options, allowHalfOpen: true };
    const server = tls.createServer(settings, (socket) => {
      const connection = this.#byPeer.get(`${socket.remoteAddress}/${socket.remotePort}`);
      if (connection === undefined) socket.destroy();
      else this.#serve(connection, socket);
    });
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return server;
  }

  #accept(socket: net.Socket): void {
    const connection = new Connection(this.connections.total, socket);
    this.connections.total++;
    this.connections.open++;
    this.connections.maximum = Math.max(this.connections.maximum, this.connections.open);
    this.accepted.push(performance.now() - this.#started);
    this.#live.add(connection);
    const peer = `${socket.remoteAddress}/${socket.remotePort}`;
    void connection.whenGone.then(() => {
      this.#live.delete(connection);
      this.connections.open--;
      this.#changed();
    });
    socket.on('close', () => {
      if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
    });
    const admission = this.#admit(connection.number);
    this.#changed();
    if (admission === 'close') connection.destroy();
    else if (admission === 'reset') connection.reset();
    else if (admission !== 'serve') this.#ignore(connection, socket, admission);
    else {
      if (this.#tlsServer === null) return this.#serve(connection, socket);
      this.#byPeer.set(peer, connection);
      this.#tlsServer.emit('connection', socket);
    }
  }

  /** A connection that never gets an answer; when the client ends it, it is gone. */
  #ignore(connection: Connection, socket: net.Socket, admission: Admission): void {
    socket.on('data', () => {
      if (admission === 'close-later') connection.destroy();
      else if (admission === 'reset-later') connection.reset();
    });
    socket.once('end', () => connection.destroy());
  }

  #serve(connection: Connection, socket: net.Socket): void {
    connection.open(socket);
    void this.#converse(connection).catch((error: unknown) => {
      this.failures.push(error);
      connection.destroy();
    });
  }

  #refuseEarly(connection: Connection): void {
    if (this.#pipelining === 'ignore') connection.forget();
    else connection.reset();
  }

  async #converse(connection: Connection): Promise<void> {
    for (let onConnection = 0; ; onConnection++) {
      const pipelined = onConnection > 0 && connection.hasEarlyHead;
      if (pipelined && this.#pipelining !== 'serve') this.#refuseEarly(connection);
      const head = await connection.nextHead();
      if (head === null || connection.gone) break;
      const parsed = parseHead(head);
      const request: RecordedRequest = {
        ...parsed,
        ...parseRange(parsed.fields['range']),
        number: this.requests.length,
        connection: connection.number,
        onConnection,
        pipelined,
        time: performance.now() - this.#started,
        bodyBytes: 0,
        finished: false,
        tls: connection.tls,
      };
      this.requests.push(request);
      this.#changed();
      const reply = new Reply(connection, request, this.#changed);
      await this.#handler(request, reply);
      await reply.drained();
      request.finished = true;
      this.#changed();
    }
    if (!connection.gone) await connection.end();
  }
}
