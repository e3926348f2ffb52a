/** Real proxies: Squid with Basic authentication, HAProxy that takes TLS off in front of one, and microsocks. */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { KeyAndCert } from './certificates.js';
import { freePorts, RealServer } from './real-server.js';

/** The one user of {@link ForwardSquid} and {@link Microsocks}. */
export const PROXY_USER = { user: 'alice', password: 'canary-proxy-password' };

/** Squid's program that compares passwords with a file of htpasswd's. */
const NCSA = '/usr/lib/squid/basic_ncsa_auth';

/** Squid as a forward proxy, which alone knows that `origin.test` is this machine. */
export class ForwardSquid extends RealServer {
  private constructor(
    directory: string,
    readonly port: number,
  ) {
    super(directory);
  }

  /** @param scheme of its challenges; a nonce of Digest holds for eight requests */
  static async start(scheme: 'basic' | 'digest' = 'basic'): Promise<ForwardSquid> {
    const directory = RealServer.makeDirectory('squid');
    const [port = 0] = await freePorts(1);
    chmodSync(directory, 0o777);
    const at = (name: string): string => path.join(directory, name);
    const { user, password } = PROXY_USER;
    const coded = spawnSync('openssl', ['passwd', '-apr1', password], { encoding: 'utf8' });
    writeFileSync(at('users'), `${user}:${coded.stdout.trim()}\n`);
    writeFileSync(at('digests'), `${user}:${password}\n`);
    const login =
      scheme === 'basic'
        ? `auth_param basic program ${NCSA} ${at('users')}`
        : `auth_param digest program /usr/lib/squid/digest_file_auth ${at('digests')}
auth_param digest realm test
auth_param digest nonce_max_count 8`;
    writeFileSync(at('hosts'), '127.0.0.1 origin.test\n');
    writeFileSync(
      at('squid.conf'),
      `
http_port 127.0.0.1:${port}
hosts_file ${at('hosts')}
${login}
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
cache deny all
pid_filename none
cache_log ${at('cache.log')}
cache_store_log none
logformat asked %>Hs %rm %ru
access_log stdio:${at('access.log')} asked
buffered_logs off
coredump_dir ${directory}
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
max_filedescriptors 512
dns_nameservers 127.0.0.1
`,
    );
    const squid = new ForwardSquid(directory, port);
    await squid.launch({
      program: 'squid',
      args: ['-N', '-n', `forward${port}`, '-f', at('squid.conf')],
      ports: [port],
      errorLog: at('cache.log'),
      stopSignal: 'SIGKILL',
    });
    return squid;
  }

  /** Each request so far: `200 CONNECT origin.test:443`. */
  get log(): string[] {
    return readFileSync(path.join(this.directory, 'access.log'), 'utf8').split('\n').slice(0, -1);
  }
}

/** HAProxy that speaks TLS and passes the bytes on to a port. */
export class TlsFront extends RealServer {
  private constructor(
    directory: string,
    readonly port: number,
  ) {
    super(directory);
  }

  static async start(behind: number, { key, cert }: KeyAndCert): Promise<TlsFront> {
    const directory = RealServer.makeDirectory('haproxy');
    const [port = 0] = await freePorts(1);
    const pem = path.join(directory, 'front.pem');
    writeFileSync(pem, cert + key);
    const file = path.join(directory, 'haproxy.cfg');
    writeFileSync(
      file,
      `
global
  maxconn 256
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend front
  bind 127.0.0.1:${port} ssl crt ${pem}
  default_backend behind
backend behind
  server one 127.0.0.1:${behind}
`,
    );
    const front = new TlsFront(directory, port);
    await front.launch({ program: 'haproxy', args: ['-db', '-q', '-f', file], ports: [port] });
    return front;
  }
}

/** microsocks: SOCKS5 with a user name and a password. */
export class Microsocks extends RealServer {
  private constructor(
    directory: string,
    readonly port: number,
  ) {
    super(directory);
  }

  static async start(): Promise<Microsocks> {
    const [port = 0] = await freePorts(1);
    const server = new Microsocks(RealServer.makeDirectory('microsocks'), port);
    const { user, password } = PROXY_USER;
    const args = ['-i', '127.0.0.1', '-p', String(port), '-u', user, '-P', password];
    await server.launch({ program: 'microsocks', args, ports: [port] });
    return server;
  }
}
