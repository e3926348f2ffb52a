/** A server of a test as one connection sees it. */
import type { AddressInfo, Server } from 'node:net';
import type { Endpoint, TlsSettings } from '../../src/net/endpoint.js';

/** The endpoint of a server that listens; over TLS when there are settings for it. */
export function endpointOf(
  server: Server,
  {
    host = '127.0.0.1',
    addresses = ['127.0.0.1'],
    tls = null,
  }: { host?: string; addresses?: string[]; tls?: TlsSettings | null } = {},
): Endpoint {
  return {
    scheme: tls === null ? 'http' : 'https',
    host,
    port: (server.address() as AddressInfo).port,
    addresses: addresses.map((address) => ({ address, family: 4 })),
    tls,
  };
}
