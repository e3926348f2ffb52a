/** What the downloads of one run share: the engine, looked up names of hosts, and the names of files. */
import { availableParallelism } from 'node:os';
import type { Lock } from '../disk/lock.js';
import { SpareLocks } from '../disk/spare-locks.js';
import { realTarget } from '../disk/target.js';
import { Engine } from '../engine/engine.js';
import type { HostBound } from '../engine/engine.js';
import type { Pool } from '../engine/executors.js';
import { receivingThreads } from '../engine/threads.js';
import type { Log } from '../log.js';
import { PER_HOST } from '../limits.js';
import { hostBounds } from '../open/host-sections.js';
import { Hosts } from '../open/hosts.js';
import type { DownloadOptions } from './options.js';

export interface SessionOptions {
  /** Connections to one origin over all files. */
  perHost: number;
  /** What is set for one host, which beats that; null for nothing. */
  hostBound?: ((place: { host: string; port: number }) => HostBound | null) | undefined;
  /** The user said so: no other one is opened beside them, not even for a moment. */
  isStrict: boolean;
  /** Files at once. */
  jobs: number;
  log?: Log;
  /** It outlasts its downloads: a name is free again when a download is over. */
  isLasting?: boolean;
}

/** The options of a session of one download. */
export function ofOne({ connections, sections }: DownloadOptions, log: Log): SessionOptions {
  const own = connections === 'auto' ? 0 : connections;
  const perHost = Math.max(PER_HOST, own);
  return { perHost, hostBound: hostBounds(sections), isStrict: false, jobs: 1, log };
}

export class Session {
  readonly engine: Engine;
  /** Addresses by what the user said of addresses. */
  private readonly resolvers = new Map<string, Hosts>();
  /** Who has each target in this run, or had it. */
  private readonly takers = new Map<string, object>();

  /** Locks that files of this run hand on to each other. */
  readonly locks = new SpareLocks<Lock>();

  /** Names are free again when a download is over. */
  readonly isLasting: boolean;

  constructor(options: SessionOptions) {
    this.isLasting = options.isLasting ?? false;
    this.engine = new Engine(options);
  }

  /** The addresses of hosts, looked up once for all files that use the same ones. */
  hosts(options: DownloadOptions, log: Log): Hosts {
    const key = JSON.stringify([options.resolve, options.family]);
    let hosts = this.resolvers.get(key);
    if (hosts === undefined) this.resolvers.set(key, (hosts = new Hosts(options, log)));
    return hosts;
  }

  /** The threads that receive; the first file that needs some says how many there are. */
  threads({ threads, connections }: DownloadOptions, scheme: 'http' | 'https'): Pool {
    const wanted = threads ?? receivingThreads(scheme, availableParallelism());
    return this.engine.threads(connections === 'auto' ? wanted : Math.min(wanted, connections));
  }

  /**
   * Takes a target for a file of this run, for good: two files of one run never have one name.
   * @returns false when another file of the run has it
   */
  takeTarget(target: string, taker: object): boolean {
    const key = realTarget(target);
    const before = this.takers.get(key);
    if (before !== undefined && before !== taker) return false;
    this.takers.set(key, taker);
    return true;
  }

  /** A file of this run has no use for a target that it took. */
  leaveTarget(target: string, taker: object): void {
    const key = realTarget(target);
    if (this.takers.get(key) === taker) this.takers.delete(key);
  }

  async close(): Promise<void> {
    await Promise.all([this.engine.close(), this.locks.close()]);
  }
}
