/** Opening a connection to a server, by the way that leads there: directly or through a proxy. */
import type { Socket } from 'node:net';
import { SluiceError } from '../errors.js';
import { throwIfCalledOff } from './calling-off.js';
import { dial } from './dial.js';
import type { Dialled, Reader } from './dial.js';
import { endpointKey, isForwarded } from './endpoint.js';
import type { Endpoint, ProxyHop } from './endpoint.js';
import { ofProxy } from './proxy-errors.js';
import { SocksTalk } from './socks.js';
import { handshake, overTls, tlsOptions } from './tls.js';
import { ConnectTalk, Gate } from './tunnel.js';
import { Transport, dialWatched, forward, watchTls } from './watched.js';

/** How a connection is opened. */
export interface Way {
  /** The deadline of each of: TCP, TLS, what is said to a proxy. */
  timeoutMs: number;
  /** Whether the end of TLS is to be told from its truncation, see {@link dialWatched}. */
  watched: boolean;
  signal: AbortSignal | null;
}

/**
 * Opens a connection to a server.
 * @throws SluiceError as {@link dial}; PROXY_FAILED, PROXY_CERTIFICATE, PROXY_AUTH, PROXY_REFUSED
 */
export async function reach(endpoint: Endpoint, reader: Reader, way: Way): Promise<Dialled> {
  const { proxy } = endpoint;
  if (!proxy) return open(endpoint, reader, way);
  throwIfCalledOff(way.signal);
  const hop = hopOf(endpoint, proxy);
  if (isForwarded(endpoint)) return asProxy(proxy, way, () => open(hop, reader, way));
  const offered = endpoint.session;
  try {
    return await throughTunnel(endpoint, proxy, hop, reader, way);
  } catch (error) {
    if (!offered || !(error instanceof SluiceError) || error.code !== 'TLS_HANDSHAKE') throw error;
    // Some servers take offence at a session of theirs.
    endpoint.session = null;
    return throughTunnel(endpoint, proxy, hop, reader, way);
  }
}

function open(endpoint: Endpoint, reader: Reader, { timeoutMs, watched, signal }: Way) {
  const isWatched = watched && endpoint.tls !== null;
  return (isWatched ? dialWatched : dial)(endpoint, reader, timeoutMs, signal);
}

/** The proxy as a server of its own. */
function hopOf({ addresses }: Endpoint, { kind, host, port, tls }: ProxyHop): Endpoint {
  return { scheme: kind === 'https' ? 'https' : 'http', host, port, addresses, tls };
}

/** What fails on the way to the proxy is told as such. */
async function asProxy<T>(proxy: ProxyHop, { signal }: Way, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw signal?.aborted === true ? error : ofProxy(proxy, error);
  }
}

async function throughTunnel(
  endpoint: Endpoint,
  proxy: ProxyHop,
  hop: Endpoint,
  reader: Reader,
  way: Way,
): Promise<Dialled> {
  if (endpoint.tls === null) {
    const { gate, ...dialled } = await tunnel(endpoint, proxy, hop, way);
    gate.open(reader);
    return dialled;
  }
  const { gate, socket: outer, address } = await tunnel(endpoint, proxy, hop, way);
  const socket = await (way.watched || hop.tls !== null
    ? tlsOverStream(endpoint, gate, outer, reader, way)
    : tlsOverSocket(endpoint, outer, reader, way));
  return { socket, address };
}

/** TLS in a tunnel over TCP. Node ignores `onread` over a socket that stands, so bytes are copied once. */
async function tlsOverSocket(
  endpoint: Endpoint,
  outer: Socket,
  reader: Reader,
  { timeoutMs, signal }: Way,
): Promise<Socket> {
  const socket = overTls({ ...tlsOptions(endpoint), socket: outer });
  outer.on('error', (error) => socket.destroy(error));
  keepSession(endpoint, socket);
  forward(socket, reader);
  await handshake(socket, endpoint, timeoutMs, signal);
  return socket;
}

/** TLS in a tunnel whose end has to be seen, or that is inside TLS itself. */
async function tlsOverStream(
  endpoint: Endpoint,
  gate: Gate,
  outer: Socket,
  reader: Reader,
  { timeoutMs, signal }: Way,
): Promise<Socket> {
  const transport = new Transport();
  gate.open(transport.reader);
  const socket = watchTls(endpoint, transport, outer, reader);
  keepSession(endpoint, socket);
  await handshake(socket, endpoint, timeoutMs, signal);
  return socket;
}

function keepSession(endpoint: Endpoint, socket: Socket): void {
  const key = endpointKey(endpoint);
  socket.on('session', (bytes: Buffer) => (endpoint.session = { key, bytes }));
}

interface Tunnel extends Dialled {
  gate: Gate;
}

/**
 * A tunnel to the server. A proxy that looks up no names is asked for the server's addresses in turn,
 * all within the time of one.
 */
async function tunnel(
  endpoint: Endpoint,
  proxy: ProxyHop,
  hop: Endpoint,
  way: Way,
): Promise<Tunnel> {
  const targets = proxy.targets?.map(({ address }) => address) ?? [endpoint.host];
  const endMs = performance.now() + way.timeoutMs;
  for (let at = 0; ; at++) {
    try {
      return await tunnelTo(targets[at] ?? endpoint.host, endpoint, proxy, hop, way);
    } catch (error) {
      const mayPass = error instanceof SluiceError && error.code === 'PROXY_FAILED';
      const isLast = at >= targets.length - 1 || performance.now() > endMs;
      if (isLast || !mayPass || way.signal?.aborted === true) throw error;
    }
  }
}

async function tunnelTo(
  target: string,
  endpoint: Endpoint,
  proxy: ProxyHop,
  hop: Endpoint,
  way: Way,
): Promise<Tunnel> {
  const { timeoutMs, signal } = way;
  const isHttp = proxy.kind === 'http' || proxy.kind === 'https';
  for (let tries = 0; ; tries++) {
    const gate = new Gate();
    const dialled = await asProxy(proxy, way, () => dial(hop, gate, timeoutMs, signal));
    const talk = isHttp
      ? new ConnectTalk(endpoint, proxy, tries)
      : new SocksTalk(endpoint, proxy, target);
    try {
      await gate.converse(dialled.socket, talk, proxy, timeoutMs, signal);
      return { ...dialled, gate };
    } catch (error) {
      // A connection that was refused is not kept by every proxy: the answer goes on a new one.
      if (!(talk instanceof ConnectTalk) || !talk.isWorthAgain) throw error;
    }
  }
}
