/** The memory of a thread's connections (P15). */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { Connections } from '../../../src/lease/slots.js';
import type { Connection } from '../../../src/net/connection.js';
import { SLAB_BYTES, slabBytes } from '../../../src/net/slab.js';
import { Collector } from '../../helpers/collector.js';
import { endpointOf } from '../../helpers/endpoint-of.js';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n');

/** Looks where it is given bytes from. */
class Measure extends Collector {
  slab = 0;

  override take(slab: Uint8Array, from: number, to: number): boolean {
    this.slab = slab.length;
    return super.take(slab, from, to);
  }
}

describe('the connections of a thread', () => {
  let server: Server;

  beforeEach(async () => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => server.close());

  async function slabOf(connection: Connection): Promise<number> {
    await connection.request(REQUEST, 'GET', 10_000);
    const sink = new Measure();
    await connection.readBody(sink, 10_000);
    return sink.slab;
  }

  it('P15: share memory where they are many, whatever each is told, and those that are gone take none', async () => {
    const connections = new Connections();
    const endpoint = endpointOf(server);
    const open = (): Promise<Connection> => connections.open(endpoint, 10_000, SLAB_BYTES, null);
    const all = [await open()];
    expect(await slabOf(all[0] as Connection)).equal(SLAB_BYTES);
    while (all.length < 32) all.push(await open());
    expect(await slabOf(all.at(-1) as Connection)).equal(SLAB_BYTES / 4);
    for (const connection of all) connection.destroy();
    // A socket tells a moment later that it is closed.
    for (let slab = 0; slab < SLAB_BYTES;) {
      const one = await open();
      slab = await slabOf(one);
      one.destroy();
    }
    connections.close();
  });

  it('P15: so many have 8 MiB together, as far as a read is not cut short', () => {
    for (const count of [1, 7, 8, 9, 16, 33, 64]) {
      expect(slabBytes(count)).most(SLAB_BYTES);
      expect(count * slabBytes(count)).most(8 * SLAB_BYTES);
    }
    expect(slabBytes(16)).equal(SLAB_BYTES / 2);
    expect(slabBytes(1000)).equal(128 * 1024);
  });
});
