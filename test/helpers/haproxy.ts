/**
 * A real HAProxy in front of another http server. Each port treats clients in its own way:
 *
 * | way | behaves |
 * |---|---|
 * | `plain` | passes on, over connections to the server that all clients share |
 * | `queue` | one request at a time goes to the server, the others wait in a queue |
 * | `impatient` | the same, and those that have waited 0.5 s get 503 |
 * | `deny` | 429 with Retry-After to whoever has more than two connections |
 * | `reject` | closes what a client opens beyond two connections |
 * | `tarpit` | lets such a request wait, and then answers 500 |
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts, RealServer } from './real-server.js';

export const WAYS = ['plain', 'queue', 'impatient', 'deny', 'reject', 'tarpit'] as const;
export type Way = (typeof WAYS)[number];

const TRACKED = `
  stick-table type ip size 1k expire 10m store conn_cur
  tcp-request connection track-sc0 src`;
const MANY = 'if { sc_conn_cur(0) gt 2 }';

/** What each way adds to its frontend, and the backend that it uses. */
const RULES: Record<Way, [frontend: string, backend: 'files' | 'queue' | 'impatient']> = {
  plain: ['', 'files'],
  queue: ['', 'queue'],
  impatient: ['', 'impatient'],
  deny: [`${TRACKED}\n  http-request return status 429 hdr Retry-After 1 ${MANY}`, 'files'],
  reject: [`${TRACKED}\n  tcp-request connection reject ${MANY}`, 'files'],
  tarpit: [`${TRACKED}\n  http-request tarpit deny_status 500 ${MANY}`, 'files'],
};

function configuration(ports: ReadonlyMap<Way, number>, server: number): string {
  const frontends = [...ports].map(
    ([way, port]) =>
      `frontend ${way}\n  bind 127.0.0.1:${port}${RULES[way][0]}\n  default_backend ${RULES[way][1]}\n`,
  );
  return `
global
  maxconn 512
defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout queue 30s
  timeout tarpit 500ms
  http-reuse always
${frontends.join('')}
backend files
  server one 127.0.0.1:${server}
backend queue
  server one 127.0.0.1:${server} maxconn 1
backend impatient
  timeout queue 500ms
  server one 127.0.0.1:${server} maxconn 1
`;
}

/** A running HAProxy. */
export class Haproxy extends RealServer {
  private constructor(
    directory: string,
    private readonly ports: ReadonlyMap<Way, number>,
  ) {
    super(directory);
  }

  /** Starts HAProxy in front of a server on 127.0.0.1. */
  static async start(serverUrl: string): Promise<Haproxy> {
    const directory = RealServer.makeDirectory('haproxy');
    const free = await freePorts(WAYS.length);
    const ports = new Map(WAYS.map((way, i) => [way, free[i] ?? 0]));
    const file = path.join(directory, 'haproxy.cfg');
    writeFileSync(file, configuration(ports, Number(new URL(serverUrl).port)));
    const haproxy = new Haproxy(directory, ports);
    await haproxy.launch({ program: 'haproxy', args: ['-db', '-q', '-f', file], ports: free });
    return haproxy;
  }

  /** `http://127.0.0.1:PORT/path`. */
  url(way: Way, target: string): string {
    return `http://127.0.0.1:${this.ports.get(way)}${target}`;
  }
}
