/**
 * TLS that tells an orderly end from a truncation. A body that ends with the connection is whole
 * only if the peer said so by close_notify (RFC 9112 section 9.8); Node reports both ends alike
 * when it reads from the kernel by itself. Here TLS runs over a stream of ours that never passes
 * on the end of TCP: when TLS ends, only a close_notify can have ended it.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { dial } from './dial.js';
import type { Dialled, Reader } from './dial.js';
import type { Endpoint } from './endpoint.js';
import { handshake, overTls, tlsOptions } from './tls.js';

/** After the end of TCP, TLS may take this long to reach the end of what it has, in milliseconds. */
const SETTLE_MS = 200;

const READ_BYTES = 64 * 1024;

/** The encrypted bytes of one TCP connection, without its end. */
export class Transport extends Duplex {
  private socket: Socket | null = null;
  private readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** How the socket's `onread` reaches this stream. */
  readonly reader: Reader = {
    buffer: () => this.buffer,
    callback: (bytes) => this.push(Buffer.from(this.buffer.subarray(0, bytes))),
  };

  attach(socket: Socket): void {
    this.socket = socket;
  }

  override _read(): void {
    this.socket?.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.socket?.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.socket?.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket?.destroy();
    done(error);
  }
}

/**
 * Opens a TLS connection whose `end` event means close_notify, and whose truncation is an error.
 * @throws SluiceError as {@link dial}
 */
export async function dialWatched(
  endpoint: Endpoint,
  reader: Reader,
  timeoutMs: number,
  signal: AbortSignal | null = null,
): Promise<Dialled> {
  const transport = new Transport();
  const { socket: tcp, address } = await dial(
    { ...endpoint, tls: null },
    transport.reader,
    timeoutMs,
    signal,
  );
  const socket = watchTls(endpoint, transport, tcp, reader);
  await handshake(socket, endpoint, timeoutMs, signal);
  return { socket, address };
}

/** Begins TLS over the bytes that a socket brings to a transport; the handshake is still to come. */
export function watchTls(
  endpoint: Endpoint,
  transport: Transport,
  below: Socket,
  reader: Reader,
): Socket {
  transport.attach(below);
  below.on('error', (error) => transport.destroy(error));
  const socket = overTls({ ...tlsOptions(endpoint), socket: transport });
  forward(socket, reader);
  below.on('end', () => expectEnd(socket));
  below.on('close', () => expectEnd(socket));
  below.resume();
  return socket;
}

/** Puts decrypted bytes where `onread` would have put them. */
export function forward(socket: Socket, reader: Reader): void {
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) {
      const target = reader.buffer();
      const count = Math.min(target.length, chunk.length - at);
      target.set(chunk.subarray(at, at + count));
      at += count;
      if (reader.callback(count, target)) continue;
      socket.pause();
      if (at < chunk.length) socket.unshift(chunk.subarray(at));
      return;
    }
  });
  socket.pause();
}

/** TCP is over: TLS has to come to its own end, or the body was cut. */
function expectEnd(socket: Socket): void {
  const timer = setTimeout(() => {
    if (socket.readableEnded || socket.destroyed) return;
    // A reader that is slow, not a peer that is gone.
    if (socket.isPaused() || socket.readableLength > 0) return expectEnd(socket);
    const error = new Error('the peer ended TCP without close_notify');
    socket.destroy(Object.assign(error, { code: 'ECONNRESET' }));
  }, SETTLE_MS);
  timer.unref();
}
