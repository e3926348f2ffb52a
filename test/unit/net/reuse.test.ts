/** Which connections are asked again after a body (RFC 9112 section 9.3). */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { Connection } from '../../../src/net/connection.js';
import { Collector } from '../../helpers/collector.js';
import { endpointOf } from '../../helpers/endpoint-of.js';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
const BODY = 'ten bytes.';
const HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`;

describe('net/connection, after a body', () => {
  let server: Server;
  let connection: Connection;
  let peer: Socket;

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    connection = await Connection.open(endpointOf(server), 10_000);
    [peer] = await accepted;
    peer.on('error', () => undefined).resume();
  });

  afterEach(() => {
    connection.destroy();
    peer.destroy();
    server.close();
  });

  /** Asks, and has the head of the answer. */
  async function asked(): Promise<void> {
    const answer = connection.request(REQUEST, 'GET', 10_000);
    peer.write(HEAD);
    await answer;
  }

  it('may be asked again when the body ended where it was to end', async () => {
    await asked();
    const sink = new Collector();
    const body = connection.readBody(sink, 10_000);
    peer.write(BODY);
    expect(await body).equal('complete');
    expect(sink.got).equal(BODY);
    expect(connection.isIdle).equal(true);
  });

  it('P9: is closed when bytes lie behind the body, and they are no part of it', async () => {
    await asked();
    const sink = new Collector();
    const body = connection.readBody(sink, 10_000);
    // One write of a few bytes: they arrive together.
    peer.write(`${BODY}and more`);
    expect(await body).equal('complete');
    expect(sink.got).equal(BODY);
    expect(connection.isIdle).equal(false);
    await once(peer, 'close');
  });

  it('P9: is closed when bytes come that nobody asked for', async () => {
    await asked();
    const body = connection.readBody(new Collector(), 10_000);
    peer.write(BODY);
    await body;
    peer.write('and more');
    await once(peer, 'close');
    expect(connection.isIdle).equal(false);
  });

  it('P9: bytes behind a body are no answer to the request that was sent before they came', async () => {
    await asked();
    const body = connection.readBody(new Collector(), 10_000);
    peer.write(BODY);
    await body;
    const next = connection.request(REQUEST, 'GET', 10_000).catch((error: unknown) => error);
    peer.write('and more\r\n\r\n');
    expect(await next).instanceOf(Error);
    expect(connection.isIdle).equal(false);
  });
});
