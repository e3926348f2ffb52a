/** What opening a connection tells of the network. */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Connection } from '../../../src/net/connection.js';
import { endpointOf } from '../../helpers/endpoint-of.js';

/** Longer than a connection to this machine takes to open, whatever else the machine does, in milliseconds. */
const WORK_MS = 500;

describe('net/connection, while it is opened', () => {
  it('what its thread does meanwhile is no waiting for the network', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined)).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const opening = Connection.open(endpointOf(server), 10_000);
    const until = performance.now() + WORK_MS;
    while (performance.now() < until);
    const connection = await opening;
    expect(connection.dialMs).to.be.at.least(WORK_MS);
    expect(connection.dialWaitMs).to.be.within(0, connection.dialMs - WORK_MS);
    connection.destroy();
    server.close();
  });
});
