/** What goes wrong with a proxy. Nothing here has its credentials. */
import { SluiceError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { peerName, proxyName } from './endpoint.js';
import type { Endpoint, ProxyHop } from './endpoint.js';

/** The proxy broke off, or did not do what it was asked for; it may do so a moment later. */
export function proxyFailed(proxy: ProxyHop, what: string): SluiceError {
  return new SluiceError('PROXY_FAILED', `the proxy ${proxyName(proxy)} ${what}`, {
    next: checkIt(proxy),
  });
}

/** The proxy does not want to lead to the server. */
export function proxyRefused(endpoint: Endpoint, proxy: ProxyHop, said: string): SluiceError {
  const peer = peerName(endpoint);
  const message = `the proxy ${proxyName(proxy)} refused to connect to ${peer}: ${said}`;
  return new SluiceError('PROXY_REFUSED', message, {
    next: `Its rules may not allow that host or port; --no-proxy '${endpoint.host}' goes around it.`,
  });
}

/** The proxy wants credentials that it did not get. */
export function proxyWants(proxy: ProxyHop, said: string): SluiceError {
  const { kind } = proxy;
  return new SluiceError('PROXY_AUTH', `the proxy ${proxyName(proxy)} ${said}`, {
    next: `Give its credentials with --proxy '${kind}://USER:PASSWORD@HOST:PORT', or check those in ${proxy.from}.`,
  });
}

/** What an error of a connection is when the connection was to lead to a proxy. */
const OF_PROXY: Partial<Record<ErrorCode, ErrorCode>> = {
  NAME_NOT_FOUND: 'PROXY_NOT_FOUND',
  NAME_LOOKUP_FAILED: 'PROXY_FAILED',
  CONNECT_FAILED: 'PROXY_FAILED',
  CONNECT_TIMEOUT: 'PROXY_FAILED',
  CONNECTION_LOST: 'PROXY_FAILED',
  TLS_HANDSHAKE: 'PROXY_FAILED',
  TLS_CERTIFICATE: 'PROXY_CERTIFICATE',
};

/** An error of looking up or connecting to a proxy, as such; others stay as they are. */
export function ofProxy(proxy: Pick<ProxyHop, 'from'>, thrown: unknown): unknown {
  if (!(thrown instanceof SluiceError)) return thrown;
  const code = OF_PROXY[thrown.code];
  if (code === undefined) return thrown;
  const { errno } = thrown.details;
  const details = { next: checkIt(proxy), ...(errno !== undefined && { errno }) };
  return new SluiceError(code, `the proxy cannot be used: ${thrown.message}`, details, thrown);
}

function checkIt({ from }: Pick<ProxyHop, 'from'>): string {
  return `Check the proxy in ${from}; --no-proxy '*' does without it.`;
}
