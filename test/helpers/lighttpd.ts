/**
 * A real lighttpd over http with the locations that tests need:
 *
 * | target | behaves |
 * |---|---|
 * | `/NAME.bin` | the file of the document root, with ETag and Last-Modified |
 * | `/NAME.raw` | of unknown type, and therefore without any validator |
 * | `/limited/NAME` | at `limitRate` bytes per second and connection |
 * | `/noranges/NAME` | ignores Range |
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeContentFile } from './files.js';
import { freePorts, RealServer } from './real-server.js';

export interface LighttpdOptions {
  /** Connections that are taken at once; further ones wait in the kernel's queue. */
  maxConnections?: number;
  /** Bytes per second of each connection under `/limited/`; default 1 MB/s. */
  limitRate?: number;
}

function configuration(
  { directory, root, port }: { directory: string; root: string; port: number },
  { maxConnections = 256, limitRate = 1_000_000 }: LighttpdOptions,
): string {
  return `
server.modules = ("mod_alias")
server.document-root = "${root}"
server.bind = "127.0.0.1"
server.port = ${port}
server.errorlog = "${directory}/error.log"
mimetype.assign = (".bin" => "application/octet-stream")
server.max-fds = 1024
server.max-connections = ${maxConnections}
server.max-keep-alive-requests = 1000
alias.url = ("/limited/" => "${root}/", "/noranges/" => "${root}/")
$HTTP["url"] =~ "^/limited/" { connection.kbytes-per-second = ${Math.round(limitRate / 1024)} }
$HTTP["url"] =~ "^/noranges/" { server.range-requests = "disable" }
`;
}

/** A running lighttpd. */
export class Lighttpd extends RealServer {
  private constructor(
    directory: string,
    /** Its document root. */
    readonly root: string,
    private readonly port: number,
  ) {
    super(directory);
  }

  /** Starts lighttpd; it serves once the promise resolves. */
  static async start(options: LighttpdOptions = {}): Promise<Lighttpd> {
    const directory = RealServer.makeDirectory('lighttpd');
    const root = path.join(directory, 'root');
    const [port = 0] = await freePorts(1);
    chmodSync(directory, 0o755);
    mkdirSync(root);
    const file = path.join(directory, 'lighttpd.conf');
    writeFileSync(file, configuration({ directory, root, port }, options));
    const lighttpd = new Lighttpd(directory, root, port);
    await lighttpd.launch({
      program: 'lighttpd',
      args: ['-D', '-f', file],
      ports: [port],
      errorLog: path.join(directory, 'error.log'),
    });
    return lighttpd;
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
