/**
 * Real servers of the operating system's packages, started with a configuration of their own in a
 * temporary directory and on free ports. `nginx.ts` shows how one is described.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

/** Names of the servers that tests use, and the Debian packages that bring them. */
export const PACKAGES = {
  nginx: 'nginx',
  apache2: 'apache2-bin',
  lighttpd: 'lighttpd',
  haproxy: 'haproxy',
  squid: 'squid',
  microsocks: 'microsocks',
} as const;
export type ServerName = keyof typeof PACKAGES;

const START_LIMIT_MS = 60_000;

/** Path of a program, looked for where servers live besides PATH; null when it is missing. */
export function findProgram(name: string): string | null {
  const directories = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin:/sbin`.split(':');
  for (const directory of directories.filter((one) => one !== '')) {
    const candidate = path.join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not there, or not ours to run: look further.
    }
  }
  return null;
}

/**
 * To be called first in a suite's `before`. Without the server the suite is left out with a notice;
 * under CI, where it must be there, it fails.
 */
export function requireServer(name: ServerName, context: Mocha.Context): void {
  if (findProgram(name) !== null) return;
  const message = `${name} is not installed (Debian package: ${PACKAGES[name]})`;
  if (process.env['CI']) throw new Error(`${message}, and under CI it must be`);
  process.stderr.write(`left out: ${context.test?.parent?.title ?? 'suite'}: ${message}\n`);
  context.skip();
}

/** `count` different ports that are free on 127.0.0.1 now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<net.Server>((resolve, reject) => {
          const server = net.createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** Whether something accepts connections at the port. */
export function listens(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** How a kind of server is started. */
export interface Launch {
  program: ServerName;
  args: string[];
  /** Ports that accept connections once it is up. */
  ports: number[];
  /** File that says why it did not start. */
  errorLog?: string;
  /** What ends it; default SIGTERM. SIGKILL suits a server that takes its time and has nothing to save. */
  stopSignal?: NodeJS.Signals;
}

/** One running server and its directory; both go with {@link RealServer.close}. */
export abstract class RealServer {
  #child: ChildProcess | null = null;
  #output = '';
  #stopSignal: NodeJS.Signals = 'SIGTERM';

  protected constructor(
    /** Its temporary directory. */
    readonly directory: string,
  ) {}

  /** A fresh directory for a server, readable for workers that run as another user. */
  protected static makeDirectory(name: ServerName): string {
    return mkdtempSync(path.join(tmpdir(), `sluice-${name}-`));
  }

  /** Starts the program in the foreground and waits until all its ports accept connections. */
  protected async launch({ program, args, ports, errorLog, stopSignal }: Launch): Promise<void> {
    this.#stopSignal = stopSignal ?? 'SIGTERM';
    const found = findProgram(program);
    if (found === null) throw new Error(`${program} is not installed`);
    const child = spawn(found, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.directory });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => (this.#output += data.toString()));
    }
    process.once('exit', this.#kill);
    const deadline = performance.now() + START_LIMIT_MS;
    for (const port of ports) {
      while (!(await listens(port))) {
        if (child.exitCode !== null || performance.now() > deadline) {
          const why = this.#output + (errorLog === undefined ? '' : readIfThere(errorLog));
          await this.close();
          throw new Error(`${program} did not start:\n${why}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Process id of the server's main process. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Stops the server and removes its directory. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    process.removeListener('exit', this.#kill);
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(this.#stopSignal);
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
      await ended;
      clearTimeout(timer);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  #kill = (): void => {
    this.#child?.kill(this.#stopSignal);
    rmSync(this.directory, { recursive: true, force: true });
  };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
