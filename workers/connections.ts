/** The connections that a thread keeps for its next lease. */
import { Connection } from '../src/net/connection.js';
import { endpointKey } from '../src/net/endpoint.js';
import type { Endpoint } from '../src/net/endpoint.js';

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

export class Connections {
  private readonly kept = new Map<string, Kept[]>();

  /**
   * A kept connection to the endpoint, or a new one.
   * @throws SluiceError as Connection.open
   */
  async take(endpoint: Endpoint, timeoutMs: number): Promise<Taken> {
    const list = this.kept.get(endpointKey(endpoint)) ?? [];
    for (let kept = list.pop(); kept !== undefined; kept = list.pop()) {
      clearTimeout(kept.timer);
      if (kept.connection.isIdle) return { connection: kept.connection, reused: true };
    }
    return { connection: await Connection.open(endpoint, timeoutMs), reused: false };
  }

  /** Keeps a connection for a while, if it can serve again. */
  keep(connection: Connection): void {
    if (!connection.isIdle) return;
    const list = this.kept.get(connection.key) ?? [];
    this.kept.set(connection.key, list);
    const timer = setTimeout(() => {
      list.splice(list.indexOf(kept), 1);
      connection.destroy();
    }, KEEP_MS);
    timer.unref();
    const kept = { connection, timer };
    list.push(kept);
  }

  /** Closes all that is kept. */
  close(): void {
    for (const list of this.kept.values()) {
      for (const { connection, timer } of list) {
        clearTimeout(timer);
        connection.destroy();
      }
    }
    this.kept.clear();
  }
}
