/**
 * A correct HTTP/1.1 range origin (RFC 9110 sections 8, 13 and 14) over {@link FaultServer}, with
 * faults to order. Content comes from `content.ts`, so a file of any size costs no memory.
 */
import { contentAt, contentDigest } from './content.js';
import {
  FaultServer,
  type Admission,
  type FaultServerOptions,
  type RecordedRequest,
  type Reply,
} from './fault-server.js';
import {
  applyFault,
  DEFAULTS,
  plan,
  send,
  type Answer,
  type Fault,
  type Representation,
} from './origin-answer.js';

export type { EtagRule, Fault, Representation } from './origin-answer.js';

/** A fault and the requests that meet it; without `when` and `request`, all of them. */
export interface FaultRule {
  when?: (request: RecordedRequest) => boolean;
  /** Only the request with this number, from 0. */
  request?: number;
  /** Only requests on this connection, from 0. */
  connection?: number;
  /** Only this target. */
  target?: string;
  /** How many requests at most; default 1. `Infinity` for all. */
  times?: number;
  fault: Fault;
}

/** What an origin that is asked for too much does. */
export interface ConnectionLimit {
  /** Connections open at once (an admission) or answers in progress at once (a status). */
  limit: number;
  refuse: Exclude<Admission, 'serve'> | { status: number; retryAfter?: string | number };
}

export interface OriginOptions extends Partial<Representation> {
  tls?: FaultServerOptions['tls'];
  host?: string;
  port?: number;
  pipelining?: FaultServerOptions['pipelining'];
  faults?: FaultRule[];
  maxConnections?: ConnectionLimit;
  /** Decides on a connection before `maxConnections` does; null leaves it to that. */
  admit?: (connection: number) => Admission | null;
  /** Target of {@link Origin.url}; default `/file.bin`. */
  path?: string;
}

interface ActiveRule {
  rule: FaultRule;
  left: number;
}

function matches({ rule, left }: ActiveRule, request: RecordedRequest): boolean {
  return (
    left > 0 &&
    (rule.request === undefined || rule.request === request.number) &&
    (rule.connection === undefined || rule.connection === request.connection) &&
    (rule.target === undefined || rule.target === request.target) &&
    (rule.when === undefined || rule.when(request))
  );
}

export class Origin {
  #rules: ActiveRule[];
  #routes = new Map<string, Partial<Representation>>();
  #active = 0;
  #release!: () => void;
  #released: Promise<void>;
  readonly #limit: ConnectionLimit | null;
  readonly #admit: (connection: number) => Admission | null;
  readonly #path: string;
  /** Sum of all bodies at which the next piece of one has to wait. */
  #quota = Infinity;
  #more!: () => void;
  #moreCame!: Promise<void>;
  #defaults: Representation;

  private constructor(
    /** The server underneath, with its records. */
    readonly server: FaultServer,
    options: OriginOptions,
  ) {
    const { tls, host, port, pipelining, faults = [], maxConnections, admit, ...others } = options;
    const { path = '/file.bin', ...rest } = others;
    void [tls, host, port, pipelining];
    this.#defaults = { ...DEFAULTS, ...rest };
    this.#limit = maxConnections ?? null;
    this.#admit = admit ?? (() => null);
    this.#path = path;
    this.#rules = faults.map((rule) => ({ rule, left: rule.times ?? 1 }));
    this.#released = new Promise((resolve) => (this.#release = resolve));
    this.allow(Infinity);
    server.admit((connection) => this.#admit(connection) ?? this.#admission());
    server.handle((request, reply) => this.#answer(request, reply));
  }

  /** Starts an origin that serves one representation under every target but those of `route`. */
  static async start(options: OriginOptions = {}): Promise<Origin> {
    const { tls, host, port, pipelining } = options;
    const server = await FaultServer.start({
      ...(tls === undefined ? {} : { tls }),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(pipelining === undefined ? {} : { pipelining }),
    });
    return new Origin(server, options);
  }

  /** URL of the file. */
  get url(): string {
    return this.server.url(this.#path);
  }

  get requests(): RecordedRequest[] {
    return this.server.requests;
  }

  get size(): number {
    return this.#defaults.bytes?.length ?? this.#defaults.size;
  }

  get seed(): number {
    return this.#defaults.seed;
  }

  /** What is served now under every target but those of `route`. */
  get representation(): Readonly<Representation> {
    return this.#defaults;
  }

  /** Changes the representation from the next answer on. */
  set(change: Partial<Representation>): void {
    this.#defaults = { ...this.#defaults, ...change };
  }

  /** Serves something else under `target`; what is not given stays as under other targets. */
  route(target: string, representation: Partial<Representation>): void {
    this.#routes.set(target, representation);
  }

  /** Adds a fault for requests to come. */
  fault(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? 1 });
  }

  /** Forgets all faults. */
  heal(): void {
    this.#rules = [];
  }

  /** Lets all answers go on that a `hold` fault has stopped, now and later. */
  release(): void {
    this.#release();
  }

  /**
   * Sends no more than `bytes` of bodies from now on, all answers together, but for the pieces that
   * are on their way (256 KiB an answer). However slow the client is, it finds no more than that.
   */
  allow(bytes: number): void {
    this.#quota = this.server.bodyBytes + bytes;
    const goOn = this.#more as (() => void) | undefined;
    this.#moreCame = new Promise((resolve) => (this.#more = resolve));
    goOn?.();
  }

  /** The bytes `[start, end)` that a right client has; the whole file by default. */
  content(start = 0, end = this.size): Buffer {
    const { bytes, seed } = this.#defaults;
    if (bytes !== null) return Buffer.from(bytes.subarray(start, end));
    return contentAt(seed, start, end - start);
  }

  /** Digest of the representation as lower-case hex. */
  digest(algorithm = 'sha256'): string {
    return contentDigest(this.seed, this.size, algorithm);
  }

  close(): Promise<void> {
    this.#release();
    this.allow(Infinity);
    return this.server.close();
  }

  #admission(): Admission {
    const limit = this.#limit;
    if (limit === null || typeof limit.refuse === 'object') return 'serve';
    return this.server.connections.open > limit.limit ? limit.refuse : 'serve';
  }

  async #answer(request: RecordedRequest, reply: Reply): Promise<void> {
    const path = request.target.split('?')[0] ?? '';
    const representation = {
      ...this.#defaults,
      ...(this.#routes.get(request.target) ?? this.#routes.get(path)),
    };
    this.#active++;
    try {
      const answer = this.#decide(request, representation);
      await send(request, reply, answer, representation, () => this.#room(reply));
      await reply.drained();
    } finally {
      this.#active--;
    }
  }

  async #room(reply: Reply): Promise<void> {
    while (this.server.bodyBytes >= this.#quota && !reply.gone) await reply.waitFor(this.#moreCame);
  }

  #decide(request: RecordedRequest, representation: Representation): Answer {
    const answer = plan(request, representation);
    const context = {
      released: this.#released,
      size: representation.bytes?.length ?? representation.size,
    };
    const limit = this.#limit;
    if (limit !== null && typeof limit.refuse === 'object' && this.#active > limit.limit) {
      applyFault(answer, { kind: 'status', ...limit.refuse }, context);
      return answer;
    }
    for (const active of this.#rules) {
      if (!matches(active, request)) continue;
      active.left--;
      applyFault(answer, active.rule.fault, context);
    }
    return answer;
  }
}

/** Starts an origin with one representation; short for {@link Origin.start}. */
export const serveRepresentation = (options: OriginOptions = {}): Promise<Origin> =>
  Origin.start(options);
