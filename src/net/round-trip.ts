/** How long a round trip takes now: as long as TCP takes to open a connection, which is closed at once. */
import { connect } from 'node:net';
import { dialled } from './endpoint.js';
import type { Endpoint } from './endpoint.js';

/**
 * Milliseconds to the endpoint's first address and back, which is the proxy's where there is one; null when
 * it does not answer within `timeoutMs`.
 */
export function measureRoundTrip(endpoint: Endpoint, timeoutMs: number): Promise<number | null> {
  const address = endpoint.addresses[0];
  if (address === undefined) return Promise.resolve(null);
  const began = performance.now();
  return new Promise((resolve) => {
    const socket = connect({
      host: address.address,
      family: address.family,
      port: dialled(endpoint).port,
    });
    const settle = (ms: number | null): void => {
      resolve(ms);
      socket.destroy();
    };
    socket.setTimeout(timeoutMs, () => settle(null));
    socket.once('connect', () => settle(performance.now() - began));
    socket.once('error', () => settle(null));
    // It must not keep a finished download alive.
    socket.unref();
  });
}
