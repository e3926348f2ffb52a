/** What all files of a process share: connections, threads, and what is known of each origin. */
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import { MAX_CONNECTIONS } from '../limits.js';
import { originKey } from '../net/endpoint.js';
import type { Endpoint } from '../net/endpoint.js';
import { Connections } from '../lease/slots.js';
import { Host } from './host.js';
import { Pool } from './executors.js';

/** Connections to one origin at most, and whether none is opened beside them, not even for a moment. */
export interface HostBound {
  perHost: number;
  isStrict: boolean;
}

export interface EngineOptions {
  /** Connections to one origin. */
  perHost: number;
  /** What is set for one host, which beats that; null for nothing. */
  hostBound?: ((place: { host: string; port: number }) => HostBound | null) | undefined;
  /** No other connection is opened beside them, not even for a moment. */
  isStrict: boolean;
  /** Files at once. */
  jobs: number;
  log?: Log;
}

export class Engine {
  /** Of this thread. */
  readonly connections: Connections;
  private readonly hosts = new Map<string, Host>();
  private pool: Pool | null = null;
  private nextConnection = 0;

  constructor(private readonly options: EngineOptions) {
    this.connections = new Connections((endpoint, signal) =>
      this.host(endpoint).admitLocal(signal),
    );
  }

  /** What leads to the origin of an endpoint. */
  host(endpoint: Pick<Endpoint, 'scheme' | 'host' | 'port'>): Host {
    const origin = originKey(endpoint);
    let host = this.hosts.get(origin);
    if (host === undefined) {
      const { perHost, isStrict } = this.options.hostBound?.(endpoint) ?? this.options;
      host = new Host(perHost, isStrict, {
        dropLocal: () => this.dropLocal(origin),
        dropPooled: () => this.pool?.dropIdle(origin) ?? Promise.resolve(),
      });
      this.hosts.set(origin, host);
    }
    return host;
  }

  /** Lets a connection be opened for a moment; null when there may be none. Returns what says that it is closed. */
  mayMeasure(endpoint: Endpoint): (() => void) | null {
    const host = this.host(endpoint);
    return host.isStrict ? host.tryLocal() : () => undefined;
  }

  private dropLocal(origin: string): boolean {
    const keeps = this.connections.keepsIdle(origin);
    this.connections.dropIdle(origin, 1);
    return keeps;
  }

  /** Numbers for the connections of a file: the first of so many. */
  numbers(count: number): number {
    const first = this.nextConnection;
    this.nextConnection += count;
    return first;
  }

  /** The threads; the first file that needs some says how many there are. */
  threads(count: number): Pool {
    if (this.pool === null) {
      // A connection has a lease that it receives, and one that is asked for behind it.
      const leases = 2 * MAX_CONNECTIONS * this.options.jobs;
      this.pool = new Pool(count, leases, this.options.log ?? silentLog);
      this.pool.onClose(() => {
        for (const host of this.hosts.values()) host.lostPooled();
      });
    }
    return this.pool;
  }

  /** Closes all connections, and ends all threads. */
  async close(): Promise<void> {
    this.connections.close();
    await this.pool?.close();
  }
}
