/** A connection that is asked for its next answer before the present one has ended. */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import { Connection } from '../../../src/net/connection.js';
import type { BodySink } from '../../../src/net/exchange.js';
import { certificates } from '../../helpers/certificates.js';
import { endpointOf } from '../../helpers/endpoint-of.js';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
/** Several TLS records, which arrive in one read. */
const BODY = 48 * 1024;
const HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY}\r\n\r\n`;

/** Takes each piece at once, and holds the connection back for a moment after the first. */
class Holding implements BodySink {
  readonly isSated = false;
  got = 0;
  private looks = 0;

  get isHeld(): boolean {
    return this.looks-- > 0;
  }
  arrived(): boolean {
    return true;
  }
  room(): number {
    return BODY - this.got;
  }
  take(_slab: Uint8Array, from: number, to: number): boolean {
    if (this.got === 0) this.looks = 2;
    this.got += to - from;
    return true;
  }
}

describe('net/connection, pipelined', () => {
  let server: Server;
  let connection: Connection;
  let peer: TLSSocket;

  beforeEach(async () => {
    const all = await certificates();
    server = createServer(all.server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    connection = await Connection.open(
      endpointOf(server, { tls: { ca: all.ca, cert: null, key: null, verify: true } }),
      10_000,
    );
    [peer] = await accepted;
  });

  afterEach(() => {
    connection.destroy();
    peer.destroy();
    server.close();
  });

  /** Asks, and has the head of the answer; the whole body is on its way. */
  async function first(): Promise<void> {
    const answer = connection.request(REQUEST, 'GET', 10_000);
    peer.write(HEAD);
    await answer;
  }

  it('reads on after a body that ended while reading was paused', async () => {
    await first();
    const next = connection.pipeline(REQUEST, 'GET', 10_000);
    const body = connection.readBody(new Holding(), 10_000);
    peer.write(Buffer.alloc(BODY));
    expect(await body).equal('complete');
    peer.write('HTTP/1.1 204 No Content\r\n\r\n');
    expect((await next).head.status).equal(204);
  });

  it('takes an answer that came together with the end of the one before it', async () => {
    await first();
    const next = connection.pipeline(REQUEST, 'GET', 10_000);
    const body = connection.readBody(new Holding(), 10_000);
    peer.write(Buffer.concat([Buffer.alloc(BODY), Buffer.from(HEAD), Buffer.alloc(BODY)]));
    expect(await body).equal('complete');
    expect((await next).framing).deep.equal({ kind: 'length', length: BODY });
    const sink = new Holding();
    expect(await connection.readBody(sink, 10_000)).equal('complete');
    expect(sink.got).equal(BODY);
    expect(connection.isIdle).equal(true);
  });

  it('P16: an answer is due from the end of the one before it on', async () => {
    await first();
    const next = connection.pipeline(REQUEST, 'GET', 50).catch((error: unknown) => error);
    const body = connection.readBody(new Holding(), 10_000);
    setTimeout(() => peer.write(Buffer.alloc(BODY)), 100);
    expect(await body, 'not over while the body was to come').equal('complete');
    expect(await next).include({ code: 'FIRST_BYTE_TIMEOUT' });
  });

  it('P1: when the body breaks off, what was asked behind it fails as well', async () => {
    await first();
    const next = connection.pipeline(REQUEST, 'GET', 10_000).catch((error: unknown) => error);
    const body = connection.readBody(new Holding(), 10_000).catch((error: unknown) => error);
    peer.end(Buffer.alloc(10));
    expect(await body).include({ code: 'CONNECTION_LOST' });
    expect(await next).include({ code: 'CONNECTION_LOST' });
  });
});
