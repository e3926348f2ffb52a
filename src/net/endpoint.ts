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
}

/** A server as one connection sees it. */
export interface Endpoint {
  scheme: 'http' | 'https';
  /** Host as in the URL, without brackets: the name that the certificate must carry. */
  host: string;
  port: number;
  /** Addresses to try, best first. */
  addresses: Address[];
  tls: TlsSettings | null;
  /**
   * What the server gave to resume TLS with (RFC 8446 section 2.2); it spares the exchange of
   * certificates. It belongs to this host, port and these settings, and must not leave them: a resumed
   * session is not verified again. Never written anywhere.
   */
  session?: Uint8Array | null;
}

/** Connections of one key may serve each other's requests. */
export function endpointKey(endpoint: Endpoint): string {
  return `${endpoint.scheme}://${endpoint.host}:${endpoint.port}`;
}

/** Scheme, host and port of a URL, with the scheme's default port. */
export function urlParts(url: URL): { scheme: 'http' | 'https'; host: string; port: number } {
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  return { scheme, host, port };
}
