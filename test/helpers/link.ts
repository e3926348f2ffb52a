/** A connection of ours to a bare server, and the server's end of it. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { Connection } from '../../src/net/connection.js';
import { endpointOf } from './endpoint-of.js';

export interface Link {
  connection: Connection;
  peer: Socket;
}

export async function openLink(server: Server): Promise<Link> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const connection = await Connection.open(endpointOf(server), 10_000);
  const [peer] = await accepted;
  return { connection, peer };
}

/** For each test a server that reads, and says nothing by itself, and a connection to it. */
export function linkPerTest(): Link & { server: Server } {
  const link = {} as Link & { server: Server };
  beforeEach(async () => {
    link.server = createServer().listen(0, '127.0.0.1');
    await once(link.server, 'listening');
    Object.assign(link, await openLink(link.server));
    link.peer.on('error', () => undefined).resume();
  });
  afterEach(() => {
    link.connection.destroy();
    link.peer.destroy();
    link.server.close();
  });
  return link;
}
