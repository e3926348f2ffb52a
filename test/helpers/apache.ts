/**
 * A real Apache httpd over http with the locations that tests need:
 *
 * | target | behaves |
 * |---|---|
 * | `/NAME` | the file of the document root |
 * | `/limited/NAME` | at `limitRate` bytes per second and connection |
 * | `/gzip/NAME` | encoded when the client accepts it; the ETag then ends with `-gzip` |
 * | `/forced/NAME` | encoded whatever the client accepts |
 * | `/noranges/NAME` | ignores Range (MaxRanges none) |
 * | `/mime/NAME` | mod_mime says the coding of `.gz`, `.tgz` and `.bz2` (AddEncoding) |
 * | `/digest/NAME` | asks for Digest authentication: alice, secret |
 * | `/mime-limited/NAME` | the same at `limitRate` |
 */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeContentFile } from './files.js';
import { freePorts, RealServer } from './real-server.js';

export interface ApacheOptions {
  /** Requests that are served at once; further connections are accepted and wait. */
  workers?: number;
  /** Bytes per second of each connection under `/limited/`; default 1 MB/s. */
  limitRate?: number;
}

const MODULES = '/usr/lib/apache2/modules';
const LOADED = [
  ...['mpm_event', 'authz_core', 'alias', 'filter', 'deflate', 'env', 'headers', 'mime'],
  ...['authn_core', 'authn_file', 'authz_user', 'auth_digest'],
];

/** What htdigest(1) writes. */
const PASSWORDS = `alice:files:${createHash('md5').update('alice:files:secret').digest('hex')}\n`;

const ENCODINGS = 'AddEncoding x-gzip .gz .tgz\nAddEncoding x-bzip2 .bz2';

function configuration(
  { directory, root, port }: { directory: string; root: string; port: number },
  { workers = 64, limitRate = 1_000_000 }: ApacheOptions,
): string {
  const threads = Math.min(workers, 64);
  const location = (name: string, body: string): string =>
    `Alias "/${name}/" "${root}/"\n<Location "/${name}/">\n${body}\n</Location>`;
  return `
ServerRoot "${directory}"
${[...LOADED, 'ratelimit'].map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
${process.getuid?.() === 0 ? 'User nobody\nGroup nogroup' : ''}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile "${directory}/apache.pid"
ErrorLog "${directory}/error.log"
DefaultRuntimeDir "${directory}"
ServerLimit 1
StartServers 1
ThreadLimit ${threads}
ThreadsPerChild ${threads}
MaxRequestWorkers ${threads}
MinSpareThreads 1
MaxSpareThreads ${threads}
AsyncRequestWorkerFactor 1
KeepAliveTimeout 60
TypesConfig /dev/null
DocumentRoot "${root}"
<Directory "${root}">
Require all granted
</Directory>
${location('limited', `SetOutputFilter RATE_LIMIT\nSetEnv rate-limit ${Math.round(limitRate / 1024)}`)}
${location('gzip', 'SetOutputFilter DEFLATE')}
${location('forced', 'SetOutputFilter DEFLATE\nSetEnv force-gzip 1\nRequestHeader set Accept-Encoding gzip early')}
${location('noranges', 'MaxRanges none')}
${location('digest', `AuthType Digest\nAuthName files\nAuthDigestProvider file\nAuthUserFile "${directory}/passwords"\nRequire valid-user`)}
${location('mime', ENCODINGS)}
${location('mime-limited', `${ENCODINGS}\nSetOutputFilter RATE_LIMIT\nSetEnv rate-limit ${Math.round(limitRate / 1024)}`)}
`;
}

/** A running Apache httpd. */
export class Apache extends RealServer {
  private constructor(
    directory: string,
    /** Its document root. */
    readonly root: string,
    private readonly port: number,
  ) {
    super(directory);
  }

  /** Starts Apache; it serves once the promise resolves. */
  static async start(options: ApacheOptions = {}): Promise<Apache> {
    const directory = RealServer.makeDirectory('apache2');
    const root = path.join(directory, 'root');
    const [port = 0] = await freePorts(1);
    chmodSync(directory, 0o755);
    mkdirSync(root);
    const file = path.join(directory, 'apache.conf');
    writeFileSync(path.join(directory, 'passwords'), PASSWORDS);
    writeFileSync(file, configuration({ directory, root, port }, options));
    const apache = new Apache(directory, root, port);
    await apache.launch({
      program: 'apache2',
      args: ['-d', directory, '-f', file, '-DFOREGROUND'],
      ports: [port],
      errorLog: path.join(directory, 'error.log'),
    });
    return apache;
  }

  /** `http://127.0.0.1:PORT/path`. */
  url(target: string): string {
    return `http://127.0.0.1:${this.port}${target}`;
  }

  /** Puts a generated file into the document root; see `content.ts`. */
  addContent(name: string, seed: number, size: number): void {
    writeContentFile(path.join(this.root, name), seed, size);
  }
}
