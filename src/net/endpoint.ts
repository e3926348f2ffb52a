/** Where a connection goes. Plain data: it crosses threads. */

/** One address of a host. */
export interface Address {
  address: string;
  family: 4 | 6;
}

/** TLS material as plain strings (PEM), so that it crosses threads. */
export interface TlsSettings {
  /** Trust anchors that replace the built-in ones; null for the built-in. */
  ca: string | null;
  cert: string | null;
  key: string | null;
  /** False only when the user said `--insecure`. Always given: undefined has meant false in Node (CVE-2021-22939). */
  verify: boolean;
  /** The oldest version of TLS that is spoken; Node's own least is 1.2. */
  minVersion?: '1.2' | '1.3' | null;
  /** SHA-256 of public keys, in base64, of which the server must have one. */
  pins?: readonly string[] | null;
  /** The system's authorities count as well as Node's, where `ca` does not replace both. */
  system?: boolean;
}

/** How a proxy is spoken to. `socks5` is told addresses that we look up, `socks5h` names. */
export type ProxyKind = 'http' | 'https' | 'socks5' | 'socks5h';

/** The proxy on the way to a server. */
export interface Proxy {
  kind: ProxyKind;
  /** Without brackets. */
  host: string;
  port: number;
  /** Its userinfo, percent-decoded. */
  user: { user: string; password: string } | null;
  /** Who named it: `--proxy`, or a variable of the environment. */
  from: string;
}

/** A proxy as one connection sees it. */
export interface ProxyHop extends Proxy {
  /** For a proxy that is spoken to over TLS. */
  tls: TlsSettings | null;
  userAgent: string;
  /** Addresses of the server, which a `socks5` proxy is asked for in turn; null where it looks up the name. */
  targets: Address[] | null;
}

/** A server as one connection sees it. */
export interface Endpoint {
  scheme: 'http' | 'https';
  /** Host as in the URL, without brackets: what the certificate must be for. */
  host: string;
  port: number;
  /** Addresses to connect to, best first: the server's, or the proxy's when there is one. */
  addresses: Address[];
  tls: TlsSettings | null;
  /** The proxy that every connection goes through. */
  proxy?: ProxyHop | null;
  /** What the server gave to resume TLS with; never written anywhere. */
  session?: TlsSession | null;
}

/**
 * A TLS session that can be resumed (RFC 8446 section 2.2); it spares the exchange of certificates, and
 * with it their verification: Node does not even tell what certificate it was. So it is offered to
 * nothing but what it came from.
 */
export interface TlsSession {
  /** {@link endpointKey} of where it came from. */
  key: string;
  bytes: Uint8Array;
}

/** What is talked to, for messages. */
export function peerName({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The origin (RFC 9110 section 4.3.1) that an endpoint serves. */
export function originKey({
  scheme,
  host,
  port,
}: Pick<Endpoint, 'scheme' | 'host' | 'port'>): string {
  return `${scheme}://${host}:${port}`;
}

/** The origin and the proxy on the way to it: what is learnt of one way does not hold for another. */
export function routeKey(endpoint: Endpoint): string {
  const { proxy } = endpoint;
  return proxy ? `${originKey(endpoint)} by ${proxyName(proxy)}` : originKey(endpoint);
}

/**
 * Connections and TLS sessions of one key may serve each other's requests: they lead to one origin, by
 * the same proxy and its credentials, by the same rules of whom to trust, and with the same client
 * certificate.
 */
export function endpointKey(endpoint: Endpoint): string {
  const { tls, proxy } = endpoint;
  const parts = [routeKey(endpoint)];
  if (tls !== null) parts.push(policyKey(tls));
  if (proxy?.user) parts.push(`as ${digestOf([proxy.user.user, proxy.user.password])}`);
  if (proxy?.tls) parts.push(`by ${policyKey(proxy.tls)}`);
  return parts.join(' ');
}

/** A proxy for messages, without its credentials. */
export function proxyName({ kind, host, port }: Pick<Proxy, 'kind' | 'host' | 'port'>): string {
  return `${kind}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether requests go to the proxy itself, in absolute form (RFC 9112 section 3.2.2), without a tunnel. */
export function isForwarded({ scheme, proxy }: Endpoint): boolean {
  return scheme === 'http' && (proxy?.kind === 'http' || proxy?.kind === 'https');
}

/** Whether bytes of the answer come over TLS, be it the server's or the proxy's. */
export function isOverTls({ tls, proxy }: Endpoint): boolean {
  return tls !== null || proxy?.kind === 'https';
}

/** Host and port that a connection is opened to. */
export function dialled({ host, port, proxy }: Endpoint): { host: string; port: number } {
  return proxy ? { host: proxy.host, port: proxy.port } : { host, port };
}

/** Settings are many times larger than their digest, and are asked for with each lease. */
const policies = new WeakMap<TlsSettings, string>();

function policyKey(settings: TlsSettings): string {
  const known = policies.get(settings);
  if (known !== undefined) return known;
  const { ca, cert, key, verify, minVersion, pins, system } = settings;
  const files = ca === null && cert === null && key === null ? '' : digestOf([ca, cert, key]);
  const rules = [minVersion ?? '', (pins ?? []).join(), system === true ? 'system' : ''].join(' ');
  const policy = `${verify ? 'verified' : 'unverified'} ${files} ${rules}`.trimEnd();
  policies.set(settings, policy);
  return policy;
}

/** Node's crypto takes 4 ms to load, and most downloads have no files for TLS. */
function digestOf(files: Array<string | null>): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(JSON.stringify(files)).digest('hex');
}

/** Scheme, host and port of a URL, with the scheme's default port. */
export function urlParts(url: URL): { scheme: 'http' | 'https'; host: string; port: number } {
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  return { scheme, host, port };
}
