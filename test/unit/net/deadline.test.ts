/** Deadlines of a thread that was held up: what the kernel has by then is read before it is judged. */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Connection } from '../../../src/net/connection.js';
import { dial } from '../../../src/net/dial.js';
import { Collector } from '../../helpers/collector.js';
import { endpointOf } from '../../helpers/endpoint-of.js';
import { openLink } from '../../helpers/link.js';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
const SHORT_MS = 50;

/** Takes the processor away from this thread for longer than the deadline. */
function holdUp(deadlineMs = SHORT_MS): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, deadlineMs + 100);
}

describe('net/deadline', () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  async function listen(host = '127.0.0.1', port = 0): Promise<Server> {
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
    });
    servers.push(server);
    server.listen(port, host);
    await once(server, 'listening');
    return server;
  }

  /** A connection that has sent its request, and the server's end of it. */
  async function asked(
    headMs: number,
  ): Promise<{ connection: Connection; peer: Socket; answer: ReturnType<Connection['request']> }> {
    const server = await listen();
    const { connection, peer } = await openLink(server);
    const arrived = once(peer, 'data');
    const answer = connection.request(REQUEST, 'GET', headMs);
    await arrived;
    return { connection, peer, answer };
  }

  it('P16: an answer that is there in time is not late because nobody looked', async () => {
    // The request has to arrive in time too.
    const { connection, peer, answer } = await asked(2000);
    peer.write(`${HEAD}ab`);
    holdUp(2000);
    expect((await answer).head.status).equal(200);
    connection.destroy();
  });

  it('P16: a body that is there is no stall because nobody looked', async () => {
    const { connection, peer, answer } = await asked(10_000);
    peer.write(HEAD);
    await answer;
    const sink = new Collector();
    const whole = connection.readBody(sink, SHORT_MS);
    peer.write('ab');
    holdUp();
    await whole;
    expect(sink.got).equal('ab');
  });

  it('P16: silence is a stall all the same', async () => {
    const { connection, peer, answer } = await asked(10_000);
    peer.write(HEAD);
    await answer;
    const failed = connection.readBody(new Collector(), SHORT_MS).catch((error: unknown) => error);
    holdUp();
    expect(await failed).include({ code: 'STALLED' });
  });

  it('P16: a stall says how long was waited, also where silence was borne', async () => {
    const { connection, peer, answer } = await asked(10_000);
    peer.write(HEAD);
    await answer;
    const sink = new Collector();
    let borne = 0;
    const patient = Object.assign(sink, { bearsSilence: () => ++borne < 3 });
    const error: unknown = await connection
      .readBody(patient, 20)
      .catch((failed: unknown) => failed);
    expect(error).include({ code: 'STALLED' });
    expect(String(error)).contain(' for 0.06 s');
  });

  it('P16: each address has its head start, whenever the one before it failed', async () => {
    const second = await listen('127.0.0.2');
    const { port } = second.address() as AddressInfo;
    const third = await listen('127.0.0.3', port);
    const told: string[] = [];
    for (const [name, server] of Object.entries({ second, third }))
      server.on('connection', () => told.push(name));
    const reader = { buffer: () => Buffer.alloc(1024), callback: () => true };
    // Nobody listens at the first: its refusal is read when the second's head start is over too.
    const opening = dial(
      endpointOf(second, { addresses: ['127.0.0.1', '127.0.0.2', '127.0.0.3'] }),
      reader,
      9000,
    );
    process.nextTick(() => holdUp(250));
    const { socket, address } = await opening;
    expect(address.address).equal('127.0.0.2');
    await once(third.close(), 'close');
    expect(told).deep.equal(['second']);
    socket.destroy();
  });

  it('P16: a connection that stands is not late because nobody looked', async () => {
    const server = await listen();
    const reader = { buffer: () => Buffer.alloc(1024), callback: () => true };
    const opening = dial(endpointOf(server), reader, SHORT_MS);
    process.nextTick(() => holdUp());
    const { socket } = await opening;
    socket.destroy();
  });
});
