/** A server: whom it serves, and how fast. */
import type { Dice } from '../helpers/dice.js';
import type { Flow } from './link.js';
import type { Refusal, ServerSpec, SourceSpec } from './world.js';

/** A request on its way, or the answer to it. */
export interface Request {
  lease: number;
  /** First byte that has not arrived. */
  position: number;
  /** First byte that is not asked for. */
  askEnd: number;
  askedMs: number;
  /** When its first byte arrives; null while it waits behind another one. */
  firstMs: number | null;
  /** How it is turned away at {@link firstMs}; null when it is answered. */
  refused: { how: Refusal; retryAfterMs: number | null } | null;
  /** Bytes of it that arrived. */
  received: number;
  /** Bytes that a server with a limit has sent, and when it sends more. */
  granted: number;
  nextMs: number;
}

export interface Connection {
  number: number;
  address: number;
  flow: Flow;
  /** When requests can be sent; Infinity while the handshake hangs. */
  readyMs: number;
  dialMs: number;
  /** How it is turned away at {@link readyMs}; null when it is not, or later. */
  refused: { how: Refusal; retryAfterMs: number | null } | null;
  /** Bytes per millisecond that it gets at most as long as it lives. */
  most: number;
  /** In the order in which they are answered. */
  requests: Request[];
  /** Nothing arrived on it yet. */
  isNew: boolean;
  /** Bytes that the server's kernel takes at once. */
  chunk: number;
  /** When its last byte arrived. */
  heardMs: number;
  /** Nothing arrives before, after something was lost in an outage. */
  resumesMs: number;
}

/** What the kernel of a server takes at once on a new connection, how that grows, and nginx's bound on it; as measured. */
export const FIRST_CHUNK = 76_744;
const CHUNK_GROWTH = 1.7;
const MOST_CHUNK = 2 * 1024 * 1024;

export class Server {
  readonly spec: ServerSpec;
  readonly open = new Set<Connection>();
  /** Connections that were closed, and of which the server does not know yet: when it will. */
  private closing: number[] = [];
  private refusals: Array<{ atMs: number; left: number; retryAfterMs: number | null }>;
  private sent = 0;
  private punishedUntilMs: number | null = null;
  private dials = 0;

  constructor(
    { server, incidents }: SourceSpec,
    private readonly dice: Dice,
  ) {
    this.spec = server;
    this.refusals = incidents.flatMap((each) =>
      each.kind === 'refusals' ? [{ ...each, left: each.count }] : [],
    );
  }

  /** What becomes of a handshake that begins now. */
  greet(nowMs: number): Connection['refused'] {
    const { most } = this.spec;
    if (most?.how !== 'refuse' && most?.how !== 'reset' && most?.how !== 'hang') return null;
    this.closing = this.closing.filter((ms) => ms > nowMs);
    if (this.open.size + this.closing.length < most.connections) return null;
    return { how: most.how, retryAfterMs: null };
  }

  /** What becomes of a request that is sent now. */
  answer(connection: Connection, nowMs: number): Request['refused'] {
    if (connection.refused !== null) return connection.refused;
    const others = this.atWork(connection);
    const refusal = this.refusals.find(({ atMs, left }) => nowMs >= atMs && left > 0);
    if (refusal !== undefined && others > 0) {
      refusal.left--;
      return { how: '503', retryAfterMs: refusal.retryAfterMs };
    }
    const { most } = this.spec;
    if (most === null || others < most.connections) return null;
    if (most.how === 'refuse' || most.how === 'reset' || most.how === 'hang') return null;
    return { how: most.how, retryAfterMs: most.retryAfterMs };
  }

  private atWork(except: Connection): number {
    let count = 0;
    for (const each of this.open)
      if (each !== except && each.requests.some(({ refused }) => refused === null)) count++;
    return count;
  }

  /** A handshake begins that will succeed. */
  accept(connection: Connection): void {
    this.open.add(connection);
  }

  /** The receiver closes a connection; the server learns it later. */
  close(connection: Connection, learnsMs: number): void {
    if (this.open.delete(connection)) this.closing.push(learnsMs);
  }

  /** The most that one more connection will get in its life. */
  speedOf(link: number): number {
    const { stragglers } = this.spec;
    this.dials++;
    if (stragglers === null || this.dials === 1) return Infinity;
    return this.dice.chance(1 / stragglers.oneIn) ? link / stragglers.factor : Infinity;
  }

  /** Takes note of what was sent; whether it changed its mind about the connections. */
  count(bytes: number, nowMs: number): boolean {
    this.sent += bytes;
    const { punishment } = this.spec;
    if (punishment === null) return false;
    if (this.punishedUntilMs === null) {
      if (this.sent < punishment.afterBytes || this.open.size <= punishment.connections)
        return false;
      this.punishedUntilMs = nowMs + punishment.forMs;
      return true;
    }
    if (nowMs < this.punishedUntilMs) return false;
    this.punishedUntilMs = null;
    this.sent = 0;
    return true;
  }

  /**
   * Bytes per millisecond that a connection gets during the next step.
   * @param active how many of the connections to the same address are served now
   */
  rateOf(
    connection: Connection,
    request: Request,
    ms: number,
    nowMs: number,
    active: number,
  ): number {
    const { limit } = this.spec;
    const rate = this.shareOf(connection, active);
    if (limit === null) return rate;
    if (limit.everyMs === 0) return Math.min(rate, limit.rate);
    if (nowMs >= request.nextMs - 1e-6) this.grant(connection, request);
    return Math.min(rate, Math.max(0, request.granted - request.received) / ms);
  }

  /** The same without what is given to each request. */
  private shareOf(connection: Connection, active: number): number {
    const { punishment, addresses } = this.spec;
    const atAddress = addresses[connection.address]?.rate ?? Infinity;
    const rate = Math.min(connection.most, atAddress / active);
    if (this.punishedUntilMs === null || punishment === null) return rate;
    return Math.min(rate, punishment.rate / this.open.size);
  }

  /** Bytes per millisecond that a connection gets in the long run. */
  longRunOf(connection: Connection, active: number): number {
    return Math.min(this.shareOf(connection, active), this.spec.limit?.rate ?? Infinity);
  }

  /**
   * nginx hands the kernel what the socket has room for, and then waits as long as that takes at the
   * limit. The room grows with the window, so a connection that served for a while gets a second's
   * worth at once.
   */
  private grant(connection: Connection, request: Request): void {
    const { rate, everyMs } = this.spec.limit as { rate: number; everyMs: number };
    const bytes = Math.min(connection.chunk, rate * everyMs, MOST_CHUNK);
    request.granted += bytes;
    request.nextMs = Math.max(request.nextMs, request.firstMs as number) + bytes / rate;
    connection.chunk = Math.min(MOST_CHUNK, connection.chunk * CHUNK_GROWTH);
  }

  /** When a request is given more again; Infinity when it may always have it. */
  nextTurnMs({ nextMs }: Request): number {
    const { limit } = this.spec;
    return limit === null || limit.everyMs === 0 ? Infinity : nextMs;
  }
}
