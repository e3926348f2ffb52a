/** A body that is waited for in the slab before anybody reads it. */
import { expect } from 'chai';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { SLAB_BYTES } from '../../../src/net/slab.js';
import { Collector } from '../../helpers/collector.js';
import { linkPerTest, openLink } from '../../helpers/link.js';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
const BODY = 'x'.repeat(99_999) + '.';
/** Longer than any test. */
const LONG_MS = 60_000;

describe('net/connection, a body that is gathered', () => {
  const link = linkPerTest();

  async function asked(length = BODY.length): Promise<void> {
    const answer = link.connection.request(REQUEST, 'GET', 10_000);
    link.peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`);
    await answer;
  }

  it('is there as it came, is read after that, and leaves a connection that may be asked again', async () => {
    await asked();
    const whole = link.connection.whole(LONG_MS);
    link.peer.write(BODY.slice(0, 70_000), () => link.peer.write(BODY.slice(70_000)));
    expect(Buffer.from((await whole) ?? []).toString()).equal(BODY);
    const sink = new Collector();
    expect(await link.connection.readBody(sink, 10_000)).equal('complete');
    expect(sink.got).equal(BODY);
    expect(link.connection.isIdle).equal(true);
  });

  it('that does not come in time is read from its first byte on', async () => {
    await asked();
    const whole = link.connection.whole(20);
    link.peer.write(BODY.slice(0, 70_000));
    expect(await whole).equal(null);
    const sink = new Collector();
    const body = link.connection.readBody(sink, 10_000);
    link.peer.write(BODY.slice(70_000));
    expect(await body).equal('complete');
    expect(sink.got).equal(BODY);
  });

  for (const [how, lose] of [
    ['an end', (socket: Socket) => socket.end()],
    ['a reset', (socket: Socket) => socket.resetAndDestroy()],
  ] as const) {
    it(`is handed on as far as it came before ${how}`, async () => {
      await asked();
      const whole = link.connection.whole(LONG_MS);
      // What was sent just before a reset may be lost with it.
      link.peer.write(BODY.slice(0, 70_000));
      while (link.connection.waiting < 70_000)
        await new Promise((resolve) => setImmediate(resolve));
      lose(link.peer);
      expect(await whole).equal(null);
      const sink = new Collector();
      const error = await link.connection.readBody(sink, 10_000).catch((thrown: unknown) => thrown);
      expect(error).property('code', 'CONNECTION_LOST');
      expect(sink.got).equal(BODY.slice(0, 70_000));
    });
  }

  /** Other connections receive other bytes, in whatever memory they get. */
  async function receiveOthers(): Promise<void> {
    const ended: Array<() => void> = [];
    for (let count = 0; count < 3; count++) {
      const { connection: other, peer: socket } = await openLink(link.server);
      const answer = other.request(REQUEST, 'GET', 10_000);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`);
      socket.write('y'.repeat(BODY.length));
      await answer;
      await other.whole(LONG_MS);
      ended.push(() => {
        other.destroy();
        socket.destroy();
      });
    }
    for (const end of ended) end();
  }

  it('P1: stays what it is when its connection is gone', async () => {
    await asked();
    const whole = link.connection.whole(LONG_MS);
    link.peer.write(BODY);
    const bytes = await whole;
    link.connection.destroy();
    await once(link.peer, 'close');
    await receiveOthers();
    expect(Buffer.from(bytes ?? []).toString()).equal(BODY);
  });

  it('P1: what came of it stays for its reader when the connection is gone', async () => {
    await asked();
    const whole = link.connection.whole(LONG_MS);
    link.peer.write(BODY.slice(0, 70_000));
    link.peer.end();
    expect(await whole).equal(null);
    if (!link.peer.destroyed) await once(link.peer, 'close');
    await receiveOthers();
    const sink = new Collector();
    await link.connection.readBody(sink, 10_000).catch(() => undefined);
    expect(sink.got).equal(BODY.slice(0, 70_000));
  });

  it('is not waited for when it does not fit, or when the connection is closed on our side', async () => {
    await asked(SLAB_BYTES);
    expect(await link.connection.whole(LONG_MS)).equal(null);
    const { connection: other, peer: socket } = await openLink(link.server);
    const answer = other.request(REQUEST, 'GET', 10_000);
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    await answer;
    const whole = other.whole(LONG_MS);
    other.destroy();
    expect(await whole).equal(null);
    socket.destroy();
  });
});
