/** SOCKS 5 (RFC 1928), with a user name and password (RFC 1929): what is said and heard, without a socket. */
import { isIP } from 'node:net';
import type { Endpoint, ProxyHop } from './endpoint.js';
import { proxyFailed, proxyRefused, proxyWants } from './proxy-errors.js';
import type { Heard, Talk } from './tunnel.js';

const VERSION = 5;
const METHOD = { none: 0, password: 2, refused: 0xff } as const;
const CONNECT = 1;
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** RFC 1928 section 6. */
const REPLIES: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: 'its rules do not allow that',
  3: 'the network is unreachable',
  4: 'the host is unreachable',
  5: 'the connection was refused',
  6: 'it took too long',
  7: 'it does not connect at all',
  8: 'it does not know such addresses',
};
const NOT_ALLOWED = 2;

type Step = 'method' | 'password' | 'reply';

export class SocksTalk implements Talk {
  readonly opening: Buffer;
  private step: Step = 'method';

  /** @param target name or address that the proxy is to connect to */
  constructor(
    private readonly endpoint: Endpoint,
    private readonly proxy: ProxyHop,
    private readonly target: string,
  ) {
    const methods = proxy.user === null ? [METHOD.none] : [METHOD.none, METHOD.password];
    this.opening = Buffer.from([VERSION, methods.length, ...methods]);
  }

  hear(bytes: Buffer): Heard | null {
    if (bytes.length < 2) return null;
    const [version, second = 0] = bytes;
    // The answer to a password has a version of its own.
    if (version !== (this.step === 'password' ? 1 : VERSION))
      throw proxyFailed(this.proxy, 'does not speak SOCKS5');
    switch (this.step) {
      case 'method':
        return this.method(second);
      case 'password':
        if (second !== 0) throw proxyWants(this.proxy, 'did not accept the user and password');
        return this.request(2);
      case 'reply':
        return this.reply(bytes, second);
    }
  }

  private method(chosen: number): Heard {
    const { user } = this.proxy;
    if (chosen === METHOD.none) return this.request(2);
    if (chosen !== METHOD.password || user === null)
      throw proxyWants(this.proxy, 'wants other credentials');
    this.step = 'password';
    const parts = [user.user, user.password].map((each) => Buffer.from(each));
    const said = parts.flatMap((each) => [Buffer.from([each.length]), each]);
    return { taken: 2, send: Buffer.concat([Buffer.from([1]), ...said]), done: false };
  }

  private request(taken: number): Heard {
    this.step = 'reply';
    const port = Buffer.alloc(2);
    port.writeUInt16BE(this.endpoint.port);
    const head = Buffer.from([VERSION, CONNECT, 0]);
    return { taken, send: Buffer.concat([head, addressBytes(this.target), port]), done: false };
  }

  private reply(bytes: Buffer, code: number): Heard | null {
    if (code === NOT_ALLOWED)
      throw proxyRefused(this.endpoint, this.proxy, REPLIES[NOT_ALLOWED] as string);
    if (code !== 0) {
      const why = REPLIES[code] ?? `reply ${code}`;
      throw proxyFailed(this.proxy, `could not connect to ${this.target}: ${why}`);
    }
    if (bytes.length < 5) return null;
    const length = replyLength(bytes);
    if (length === null) throw proxyFailed(this.proxy, 'does not speak SOCKS5');
    return bytes.length < length ? null : { taken: length, send: null, done: true };
  }
}

/** Bytes of a reply, by the kind of the address in it. */
function replyLength(bytes: Buffer): number | null {
  const rest = 4 + 2;
  const kind = bytes[3];
  if (kind === ADDRESS.ipv4) return rest + 4;
  if (kind === ADDRESS.ipv6) return rest + 16;
  return kind === ADDRESS.name ? rest + 1 + (bytes[4] ?? 0) : null;
}

/** A name or an address as a request has it (RFC 1928 section 5). Names of URLs have at most 253 bytes. */
function addressBytes(target: string): Buffer {
  switch (isIP(target)) {
    case 4:
      return Buffer.from([ADDRESS.ipv4, ...target.split('.').map(Number)]);
    case 6:
      return Buffer.concat([Buffer.from([ADDRESS.ipv6]), ipv6Bytes(target)]);
    default: {
      const name = Buffer.from(target, 'latin1').subarray(0, 255);
      return Buffer.concat([Buffer.from([ADDRESS.name, name.length]), name]);
    }
  }
}

/** The 16 bytes of an address of IPv6; a zone does not travel. */
function ipv6Bytes(address: string): Buffer {
  const [plain = ''] = address.split('%', 1);
  // A URL's host is in the form of RFC 5952, without a dotted quad.
  const { hostname } = new URL(`http://[${plain}]/`);
  const [front = '', back] = hostname.slice(1, -1).split('::');
  const left = front.split(':').filter((group) => group !== '');
  const right = (back ?? '').split(':').filter((group) => group !== '');
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  const groups = back === undefined ? left : [...left, ...zeros, ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
