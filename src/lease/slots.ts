/** The connections that a thread keeps for its next lease, and those that it is opening. */
import { SluiceError } from '../errors.js';
import { calledOff, onAbort, throwIfCalledOff } from '../net/calling-off.js';
import { Connection } from '../net/connection.js';
import { endpointKey } from '../net/endpoint.js';
import type { Endpoint } from '../net/endpoint.js';
import { slabBytes } from '../net/slab.js';

/** A kept connection is closed after this time without use: servers count idle ones as well. */
const KEEP_MS = 5000;

interface Kept {
  connection: Connection;
  timer: NodeJS.Timeout;
}

/** A connection, and whether it served before: a kept one may have been closed by its peer meanwhile. */
export interface Taken {
  connection: Connection;
  reused: boolean;
}

/** The connection that a lease is received on, and who waits for its end. */
interface Busy {
  connection: Connection;
  waiting: Array<() => void>;
}

/**
 * Lets a connection to an endpoint be opened, when there may be one more.
 * @returns what is called when it is closed, or was never opened
 * @throws SluiceError the signal's reason
 */
export type Admit = (endpoint: Endpoint, signal: AbortSignal | null) => Promise<() => void>;

const WITHOUT_BOUND: Admit = () => Promise.resolve(() => undefined);

export class Connections {
  private readonly kept = new Map<string, Kept[]>();
  /** What calls off each dial that is under way. */
  private readonly dials = new Set<AbortController>();
  private closed = false;
  /** Connections that are open or being opened. */
  private opened = 0;
  /** By the number that the scheduler gives a connection. */
  private readonly busy = new Map<number, Busy>();

  /** @param admit asked before each connection is opened */
  constructor(private readonly admit: Admit = WITHOUT_BOUND) {}

  /**
   * A kept connection to one of the endpoint's addresses, the first one if possible; else a new one.
   * @param slab bytes of a new one's slab; fewer where many are open
   * @param signal calls it off: what is being opened for it is closed at once
   * @throws SluiceError as Connection.open
   */
  async take(
    endpoint: Endpoint,
    timeoutMs: number,
    slab: number,
    signal: AbortSignal | null = null,
  ): Promise<Taken> {
    throwIfCalledOff(signal);
    const kept = this.takeKept(endpoint);
    if (kept !== null) return { connection: kept, reused: true };
    return { connection: await this.open(endpoint, timeoutMs, slab, signal), reused: false };
  }

  /** A kept connection to one of the endpoint's addresses, the first one if possible; null without. */
  private takeKept(endpoint: Endpoint): Connection | null {
    const list = this.kept.get(endpointKey(endpoint)) ?? [];
    for (const { address } of endpoint.addresses) {
      const connection = takeIdle(list, address);
      if (connection !== null) return connection;
    }
    return null;
  }

  /**
   * Opens a connection, which is closed with all others, opened or not.
   * @param watched see {@link Connection.seesTruncation}
   * @throws SluiceError as {@link take}
   */
  async open(
    endpoint: Endpoint,
    timeoutMs: number,
    slab: number,
    signal: AbortSignal | null,
    watched = false,
  ): Promise<Connection> {
    if (this.closed) throw closing();
    const admitted = await this.admit(endpoint, signal);
    this.opened++;
    const closed = (): void => {
      this.opened--;
      admitted();
    };
    if (this.closed) {
      closed();
      throw closing();
    }
    const dial = new AbortController();
    const forget = onAbort(signal, () => dial.abort(calledOff(signal)));
    this.dials.add(dial);
    try {
      // Many files have a connection each, and none of them knows how many that makes.
      const most = Math.min(slab, slabBytes(this.opened));
      const how = { slab: most, watched, signal: dial.signal, closed };
      return await Connection.open(endpoint, timeoutMs, how);
    } finally {
      forget();
      this.dials.delete(dial);
    }
  }

  /** Keeps a connection for a while, if it can serve again. */
  keep(connection: Connection): void {
    if (!connection.isIdle) return;
    const list = this.kept.get(connection.key) ?? [];
    this.kept.set(connection.key, list);
    const timer = setTimeout(() => {
      const now = this.kept.get(connection.key) ?? [];
      if (now.includes(kept)) now.splice(now.indexOf(kept), 1);
      connection.destroy();
    }, KEEP_MS);
    timer.unref();
    const kept = { connection, timer };
    list.push(kept);
  }

  /** Whether a connection to the origin is kept. */
  keepsIdle(origin: string): boolean {
    return this.idleOf(origin).length > 0;
  }

  /** Closes what is kept of an origin, or so many of it. */
  dropIdle(origin: string, most = Infinity): void {
    for (const { connection, timer } of this.idleOf(origin).slice(0, most)) {
      clearTimeout(timer);
      connection.destroy();
      const list = this.kept.get(connection.key) ?? [];
      this.kept.set(
        connection.key,
        list.filter((each) => each.connection !== connection),
      );
    }
  }

  private idleOf(origin: string): Kept[] {
    const found: Kept[] = [];
    for (const [key, list] of this.kept)
      if (key === origin || key.startsWith(`${origin} `)) found.push(...list);
    return found;
  }

  /** A lease is received on this connection from now on. */
  occupy(number: number, connection: Connection): void {
    const waiting = this.busy.get(number)?.waiting ?? [];
    this.busy.set(number, { connection, waiting });
  }

  /** The lease on this connection is over; a lease that was asked for behind it may have taken over. */
  vacate(number: number, connection: Connection | null): void {
    const busy = this.busy.get(number);
    if (busy === undefined || busy.connection !== connection) return;
    this.busy.delete(number);
    for (const wake of busy.waiting) wake();
  }

  /** The connection that a lease with this number is received on now. */
  occupied(number: number): Connection | null {
    return this.busy.get(number)?.connection ?? null;
  }

  /**
   * Waits until no lease is received under this number.
   * @throws SluiceError the signal's reason
   */
  vacant(number: number, signal: AbortSignal): Promise<void> {
    const busy = this.busy.get(number);
    if (busy === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const forget = onAbort(signal, () => reject(calledOff(signal)));
      busy.waiting.push(() => {
        forget();
        resolve();
      });
    });
  }

  /** Closes all that is kept or being opened; nothing is opened any more. */
  close(): void {
    this.closed = true;
    for (const dial of this.dials) dial.abort(closing());
    for (const list of this.kept.values()) {
      for (const { connection, timer } of list) {
        clearTimeout(timer);
        connection.destroy();
      }
    }
    this.kept.clear();
  }
}

const closing = (): SluiceError =>
  new SluiceError('CONNECTION_LOST', 'the download is over, and its connections are closed');

/** Takes the connection to an address that was kept last out of the list, and those that are dead. */
function takeIdle(list: Kept[], address: string): Connection | null {
  for (let at = list.length - 1; at >= 0; at--) {
    const { connection, timer } = list[at] as Kept;
    if (connection.address !== address) continue;
    list.splice(at, 1);
    clearTimeout(timer);
    if (connection.isIdle) return connection;
  }
  return null;
}
