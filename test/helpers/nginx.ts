/**
 * A real nginx over http and https (HTTP/1.1) with the locations that tests need:
 *
 * | target | behaves |
 * |---|---|
 * | `/NAME` | the file of the document root |
 * | `/limited/NAME` | at `limitRate` bytes per second and connection |
 * | `/one/NAME` | at most `limitConn` connections at once, then 503 |
 * | `/gzip/NAME` | encoded when the client accepts it |
 * | `/auth/NAME` | needs the user `user` with the password `password` |
 * | `/slow/NAME` | 20 kB/s |
 * | `/noranges/NAME` | ignores Range |
 * | `/redirect/NAME` | 302 to `/NAME` |
 * | `/attachment/NAME` | with a Content-Disposition |
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { certificates } from './certificates.js';
import { writeContentFile } from './files.js';
import { findProgram, freePorts, RealServer } from './real-server.js';

export { requireServer } from './real-server.js';

export interface NginxOptions {
  /** Serve this directory instead of one of its own. */
  root?: string;
  /** Bytes per second of each connection under `/limited/`; default 1 MB/s. */
  limitRate?: number;
  /** Connections at once under `/one/`; default 1. */
  limitConn?: number;
  /** Worker processes; default 1. */
  workers?: number;
  /** Lines put into the `server` block. */
  extra?: string | ((root: string, directory: string) => string);
}

interface Layout extends Required<Omit<NginxOptions, 'root' | 'extra'>> {
  extra: string;
  directory: string;
  root: string;
  http: number;
  https: number;
}

/** `user:password`, in the plain form that nginx knows. */
const PASSWORDS = 'user:{PLAIN}password\n';

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

function locations({ root, limitRate, limitConn }: Layout): string {
  const location = (name: string, body: string): string =>
    `    location /${name}/ { alias "${root}/"; ${body} }`;
  return [
    `    location / { root "${root}"; }`,
    location('limited', `limit_rate ${limitRate};`),
    location('one', `limit_conn each ${limitConn};`),
    location('gzip', 'gzip on; gzip_types *; gzip_min_length 1;'),
    location('auth', 'auth_basic "sluice"; auth_basic_user_file passwords;'),
    location('slow', 'limit_rate 20000;'),
    location('noranges', 'max_ranges 0;'),
    location('attachment', `add_header Content-Disposition 'attachment; filename="named.bin"';`),
    '    location ~ ^/redirect/(.*)$ { return 302 /$1; }',
  ].join('\n');
}

function configuration(layout: Layout): string {
  const { directory, http, https, workers, extra } = layout;
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes ${workers};
pid "${directory}/nginx.pid";
error_log "${directory}/error.log" warn;
events { worker_connections 512; }
http {
  log_format asked '$status $body_bytes_sent $connection "$request" "$http_range"';
  access_log "${directory}/access.log" asked;
${TEMPORARY.map((name) => `  ${name}_temp_path "${directory}/${name}";`).join('\n')}
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 60s;
  limit_conn_zone $server_name zone=each:1m;
  ssl_certificate "${directory}/server.crt";
  ssl_certificate_key "${directory}/server.key";
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:tls:1m;
  server {
    listen 127.0.0.1:${http};
    listen 127.0.0.1:${https} ssl;
    server_name localhost;
${locations(layout)}
    ${extra}
  }
}
`;
}

/** A running nginx. */
export class Nginx extends RealServer {
  private constructor(
    directory: string,
    /** Its document root. */
    readonly root: string,
    private readonly ports: { http: number; https: number },
    /** PEM of the root certificate to trust. */
    readonly ca: string,
  ) {
    super(directory);
  }

  /** Whether nginx is installed. */
  static available(): boolean {
    return findProgram('nginx') !== null;
  }

  /** Starts nginx; it serves once the promise resolves. */
  static async start(options: NginxOptions = {}): Promise<Nginx> {
    const directory = RealServer.makeDirectory('nginx');
    const root = options.root ?? path.join(directory, 'root');
    const { ca, server } = await certificates();
    const [http = 0, https = 0] = await freePorts(2);
    const { limitRate = 1_000_000, limitConn = 1, workers = 1, extra = '' } = options;
    chmodSync(directory, 0o755);
    mkdirSync(root, { recursive: true });
    writeFileSync(path.join(directory, 'server.crt'), server.cert);
    writeFileSync(path.join(directory, 'server.key'), server.key, { mode: 0o600 });
    writeFileSync(path.join(directory, 'ca.crt'), ca);
    writeFileSync(path.join(directory, 'passwords'), PASSWORDS);
    const lines = typeof extra === 'string' ? extra : extra(root, directory);
    const ports = { http, https };
    const layout = { directory, root, ...ports, limitRate, limitConn, workers, extra: lines };
    writeFileSync(path.join(directory, 'nginx.conf'), configuration(layout));
    const nginx = new Nginx(directory, root, ports, ca);
    await nginx.launch({
      program: 'nginx',
      args: ['-e', path.join(directory, 'error.log'), '-p', directory, '-c', 'nginx.conf'],
      ports: [http, https],
      errorLog: path.join(directory, 'error.log'),
    });
    return nginx;
  }

  /** `http://127.0.0.1:PORT/path`. */
  url(target: string, scheme: 'http' | 'https' = 'http'): string {
    return `${scheme}://127.0.0.1:${this.ports[scheme]}${target}`;
  }

  /** Path of the root certificate, for `--cacert`. */
  get caFile(): string {
    return path.join(this.directory, 'ca.crt');
  }

  /** Puts a generated file into the document root; see `content.ts`. */
  addContent(name: string, seed: number, size: number): string {
    const file = path.join(this.root, name);
    writeContentFile(file, seed, size);
    return file;
  }

  /** Answers so far. nginx writes a line when an answer has ended. */
  get log(): Array<{ status: number; bytes: number; connection: number; range: string }> {
    const lines = readFileSync(path.join(this.directory, 'access.log'), 'utf8').split('\n');
    return lines.slice(0, -1).map((line) => {
      const [status = '', bytes = '', connection = ''] = line.split(' ');
      const range = /"([^"]*)"$/.exec(line)?.[1] ?? '-';
      return {
        status: Number(status),
        bytes: Number(bytes),
        connection: Number(connection),
        range: range === '-' ? '' : range,
      };
    });
  }
}
