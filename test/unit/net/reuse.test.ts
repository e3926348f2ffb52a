/** Which connections are asked again after a body (RFC 9112 section 9.3). */
import { expect } from 'chai';
import { once } from 'node:events';
import { Collector } from '../../helpers/collector.js';
import { linkPerTest } from '../../helpers/link.js';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
const BODY = 'ten bytes.';
const HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`;

describe('net/connection, after a body', () => {
  const link = linkPerTest();

  /** Asks, and has the head of the answer. */
  async function asked(): Promise<void> {
    const answer = link.connection.request(REQUEST, 'GET', 10_000);
    link.peer.write(HEAD);
    await answer;
  }

  it('may be asked again when the body ended where it was to end', async () => {
    await asked();
    const sink = new Collector();
    const body = link.connection.readBody(sink, 10_000);
    link.peer.write(BODY);
    expect(await body).equal('complete');
    expect(sink.got).equal(BODY);
    expect(link.connection.isIdle).equal(true);
  });

  it('P9: is closed when bytes lie behind the body, and they are no part of it', async () => {
    await asked();
    const sink = new Collector();
    const body = link.connection.readBody(sink, 10_000);
    // One write of a few bytes: they arrive together.
    link.peer.write(`${BODY}and more`);
    expect(await body).equal('complete');
    expect(sink.got).equal(BODY);
    expect(link.connection.isIdle).equal(false);
    await once(link.peer, 'close');
  });

  it('P9: is closed when bytes come that nobody asked for', async () => {
    await asked();
    const body = link.connection.readBody(new Collector(), 10_000);
    link.peer.write(BODY);
    await body;
    link.peer.write('and more');
    await once(link.peer, 'close');
    expect(link.connection.isIdle).equal(false);
  });

  it('P9: bytes behind a body are no answer to the request that was sent before they came', async () => {
    await asked();
    const body = link.connection.readBody(new Collector(), 10_000);
    link.peer.write(BODY);
    await body;
    const next = link.connection.request(REQUEST, 'GET', 10_000).catch((error: unknown) => error);
    link.peer.write('and more\r\n\r\n');
    expect(await next).instanceOf(Error);
    expect(link.connection.isIdle).equal(false);
  });
});
