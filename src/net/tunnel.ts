/** A tunnel through a proxy: what is said before bytes are passed on, over a socket that stands. */
import type { Socket } from 'node:net';
import { SluiceError } from '../errors.js';
import { proxyWantsCredentials } from '../http/answer.js';
import { MAX_HEAD_BYTES, isInterim, parseResponseHead } from '../http/head.js';
import type { ResponseHead } from '../http/head.js';
import { writeRequest } from '../http/request.js';
import { excerpt } from '../http/syntax.js';
import { calledOff, onAbort } from './calling-off.js';
import { deadline } from './deadline.js';
import type { Reader } from './dial.js';
import { peerName } from './endpoint.js';
import type { Endpoint, ProxyHop } from './endpoint.js';
import { MIN_READ_BYTES } from './slab.js';
import { proxyFailed, proxyRefused } from './proxy-errors.js';
import { proxyAuthorization, takesChallenge } from './proxy-login.js';

/** What came of the bytes so far: how many were of use, what to say next, whether the tunnel stands. */
export interface Heard {
  taken: number;
  send: Uint8Array | null;
  done: boolean;
}

/** One side of a handshake. */
export interface Talk {
  /** What is said first. */
  readonly opening: Uint8Array;
  /**
   * Hears what has come and was not taken yet; null while that is not enough.
   * @throws SluiceError PROXY_FAILED, PROXY_AUTH, PROXY_REFUSED
   */
  hear(bytes: Buffer): Heard | null;
}

/** Bytes of what a proxy may say; the next read always has room in what reads the tunnel. */
const MAX_SAID = MAX_HEAD_BYTES;

/** CONNECT (RFC 9110 section 9.3.6). */
export class ConnectTalk implements Talk {
  readonly opening: Uint8Array;
  private scanned = 0;
  /** The proxy has asked for Digest: another CONNECT may be let through. */
  isWorthAgain = false;

  /** @param tries challenges that were taken up for this tunnel already */
  constructor(
    private readonly endpoint: Endpoint,
    private readonly proxy: ProxyHop,
    private readonly tries: number,
  ) {
    const target = peerName(endpoint);
    const authorization = proxyAuthorization(proxy, 'CONNECT', target);
    const fields: Array<[string, string]> = [];
    if (proxy.userAgent !== '') fields.push(['User-Agent', proxy.userAgent]);
    if (authorization !== null) fields.push(['Proxy-Authorization', authorization]);
    this.opening = writeRequest({ method: 'CONNECT', target, host: target, fields });
  }

  hear(bytes: Buffer): Heard | null {
    const parsed = this.parse(bytes);
    if (parsed === null) {
      this.scanned = Math.max(0, bytes.length - 3);
      return null;
    }
    this.scanned = 0;
    const { head, end } = parsed;
    if (!isInterim(head)) this.judge(head);
    return { taken: end, send: null, done: !isInterim(head) };
  }

  private parse(bytes: Buffer): ReturnType<typeof parseResponseHead> {
    try {
      return parseResponseHead(bytes, 0, bytes.length, this.scanned);
    } catch (thrown) {
      const why = SluiceError.from(thrown).message;
      throw proxyFailed(this.proxy, `answered CONNECT with what is no HTTP: ${why}`);
    }
  }

  private judge(head: ResponseHead): void {
    const { status, reason } = head;
    if (status >= 200 && status < 300) return;
    this.isWorthAgain = takesChallenge(this.proxy, head, this.tries);
    if (status === 407) throw proxyWantsCredentials(head);
    const said = `${status} ${excerpt(reason)}`.trim();
    if (status >= 400 && status < 500 && ![408, 425, 429].includes(status))
      throw proxyRefused(this.endpoint, this.proxy, said);
    throw proxyFailed(this.proxy, `could not connect to ${peerName(this.endpoint)}: ${said}`);
  }
}

/**
 * Reads what the proxy says first, and then lets bytes through to another reader. It stands between
 * the two for the life of the socket, and copies nothing but the first read behind the handshake.
 */
export class Gate implements Reader {
  private said = Buffer.allocUnsafeSlow(MAX_SAID);
  private held = 0;
  private inner: Reader | null = null;
  private talk: { hear(bytes: number): void } | null = null;

  buffer(): Uint8Array {
    if (this.inner !== null) return this.inner.buffer();
    // The last of these reads may bring what is for the other reader, who has room for no more.
    return this.said.subarray(this.held, this.held + MIN_READ_BYTES);
  }

  callback(bytes: number, buffer: Uint8Array): boolean {
    if (this.inner === null) {
      this.talk?.hear(bytes);
      // What is full is an error by now; libuv takes no empty buffer.
      return this.held < MAX_SAID;
    }
    // The buffer of this read was asked for while the proxy was still heard.
    if (buffer.buffer === this.said.buffer) return this.copy(bytes, buffer);
    return this.inner.callback(bytes, buffer);
  }

  private copy(bytes: number, buffer: Uint8Array): boolean {
    const inner = this.inner as Reader;
    const target = inner.buffer();
    target.set(buffer.subarray(0, bytes));
    return inner.callback(bytes, target);
  }

  /** Lets through what comes from now on. */
  open(inner: Reader): void {
    this.inner = inner;
  }

  /**
   * Talks to the proxy until the tunnel stands; whatever ends it otherwise destroys the socket.
   * @throws SluiceError PROXY_FAILED, PROXY_AUTH, PROXY_REFUSED; the signal's reason
   */
  converse(
    socket: Socket,
    talk: Talk,
    proxy: ProxyHop,
    timeoutMs: number,
    signal: AbortSignal | null,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: unknown): void => {
        this.talk = null;
        endDeadline();
        forget();
        for (const event of ['error', 'close', 'end']) socket.removeListener(event, gone);
        if (error === null) return resolve();
        socket.on('error', () => undefined);
        socket.destroy();
        reject(SluiceError.from(error));
      };
      const gone = (): void => settle(proxyFailed(proxy, 'closed the connection'));
      const endDeadline = deadline(timeoutMs, () =>
        settle(proxyFailed(proxy, `did not open a tunnel within ${timeoutMs / 1000} s`)),
      );
      const forget = onAbort(signal, () => settle(calledOff(signal)));
      for (const event of ['error', 'close', 'end']) socket.on(event, gone);
      this.talk = {
        hear: (bytes) => {
          try {
            if (this.listen(socket, talk, proxy, bytes)) settle(null);
          } catch (error) {
            settle(error);
          }
        },
      };
      socket.write(talk.opening);
    });
  }

  /** Whether the tunnel stands after so many further bytes. */
  private listen(socket: Socket, talk: Talk, proxy: ProxyHop, bytes: number): boolean {
    this.held += bytes;
    for (;;) {
      const heard = talk.hear(this.said.subarray(0, this.held));
      if (heard === null) {
        if (this.held === MAX_SAID) throw proxyFailed(proxy, 'says too much');
        return false;
      }
      this.said.copyWithin(0, heard.taken, this.held);
      this.held -= heard.taken;
      if (heard.send !== null) socket.write(heard.send);
      if (!heard.done) continue;
      // We speak first, whatever is spoken in the tunnel.
      if (this.held > 0) throw proxyFailed(proxy, 'sent bytes that nobody asked for');
      return true;
    }
  }
}
