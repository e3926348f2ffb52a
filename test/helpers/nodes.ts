/** Several addresses of one host: origins on one port of several loopback addresses. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { parseOverride } from '../../src/net/overrides.js';
import type { Override } from '../../src/net/overrides.js';
import { Origin } from './origin.js';
import type { OriginOptions } from './origin.js';

/** The name of the host; nobody asks a resolver for it. */
export const HOST = 'nodes.test';

/** What is at one address: an origin, nothing (connections are refused), or a hole that swallows them. */
export type NodeAt = OriginOptions | 'refuses' | 'swallows';

/** A listener whose queue is full and that accepts nothing: the kernel drops further SYNs. */
class BlackHole {
  private readonly fill: Socket[] = [];

  private constructor(private readonly worker: Worker) {}

  static async open(host: string, port: number): Promise<BlackHole> {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const server = require('node:net').createServer();
      server.on('error', (error) => parentPort.postMessage(error.code));
      server.listen({ ...workerData, backlog: 1 }, () => {
        parentPort.postMessage('listening');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      });`;
    const hole = new BlackHole(new Worker(code, { eval: true, workerData: { host, port } }));
    const [told] = (await once(hole.worker, 'message')) as [string];
    if (told !== 'listening') {
      await hole.close();
      throw Object.assign(new Error(told), { code: told });
    }
    for (let i = 0; i < 8; i++) {
      const socket = connect({ host, port });
      socket.on('error', () => undefined);
      hole.fill.push(socket);
    }
    // The first ones fill the queue.
    await Promise.all(hole.fill.slice(0, 2).map((socket) => once(socket, 'connect')));
    return hole;
  }

  async close(): Promise<void> {
    for (const socket of this.fill) socket.destroy();
    await this.worker.terminate();
  }
}

export class Nodes {
  private constructor(
    readonly port: number,
    /** What listens at each address; null where nothing or a black hole is. */
    readonly origins: Map<string, Origin | null>,
    private readonly holes: BlackHole[],
  ) {}

  /** Starts what is to be at each address, all on one port. */
  static async start(at: Record<string, NodeAt>): Promise<Nodes> {
    for (let tries = 0; ; tries++) {
      const nodes = new Nodes(await freePort(), new Map(), []);
      try {
        for (const [host, what] of Object.entries(at)) await nodes.add(host, what);
        return nodes;
      } catch (error) {
        await nodes.close();
        if ((error as { code?: string }).code !== 'EADDRINUSE' || tries > 5) throw error;
      }
    }
  }

  private async add(host: string, what: NodeAt): Promise<void> {
    const { port } = this;
    if (what === 'swallows') this.holes.push(await BlackHole.open(host, port));
    const serves = typeof what === 'object';
    this.origins.set(host, serves ? await Origin.start({ ...what, host, port }) : null);
  }

  /** The origin at an address. */
  origin(host: string): Origin {
    const origin = this.origins.get(host);
    if (!origin) throw new Error(`nothing serves at ${host}`);
    return origin;
  }

  get url(): string {
    const secure = [...this.origins.values()].some((origin) => origin?.server.secure);
    return `${secure ? 'https' : 'http'}://${HOST}:${this.port}/file.bin`;
  }

  /** As `--resolve` would say it: the addresses in the order in which they were given. */
  get resolve(): Override[] {
    return [parseOverride(this.rule)];
  }

  /** The value of `--resolve`. */
  get rule(): string {
    return `${HOST}:${this.port}:${[...this.origins.keys()].join(',')}`;
  }

  async close(): Promise<void> {
    await Promise.all(this.holes.map((hole) => hole.close()));
    for (const origin of this.origins.values()) await origin?.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
