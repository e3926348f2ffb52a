/**
 * The first answer may be the only one that a link gives: what was taken off its end is not lost before another
 * request is answered.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { runLease } from '../../../src/lease/run.js';
import { Connections } from '../../../src/lease/slots.js';
import { SEAM_BYTES, Slots } from '../../../src/lease/task.js';
import type { LeaseOutcome, LeaseTask } from '../../../src/lease/task.js';
import { SLAB_BYTES } from '../../../src/net/slab.js';
import { contentAt } from '../../helpers/content.js';
import { endpointOf } from '../../helpers/endpoint-of.js';
import { tempDirPerTest } from '../../helpers/files.js';

const SIZE = 3 * SEAM_BYTES;
const CONTENT = contentAt(1, 0, SIZE);
const HEAD = `HTTP/1.1 206 OK\r\nContent-Range: bytes 0-${SIZE - 1}/${SIZE}\r\nContent-Length: ${SIZE}\r\n\r\n`;
const CUT = SIZE - 10;
const MS = 10_000;

describe('lease: the first answer, of which the whole rest has come when its end is cut', () => {
  const dir = tempDirPerTest();
  let server: Server;
  let peer: Promise<Socket>;
  let connections: Connections;
  let slots: Slots;
  let fd: number;
  let part: string;

  beforeEach(async () => {
    server = createServer();
    peer = new Promise((resolve) => server.on('connection', resolve));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    connections = new Connections();
    slots = Slots.allocate(1);
    slots.allow(1 << 20);
    part = path.join(dir(), 'part');
    fd = openSync(part, 'w+');
  });

  afterEach(() => {
    connections.close();
    closeSync(fd);
    server.close();
  });

  /** All but the last byte has come; then the end is cut, and then comes that byte. */
  async function cut(): Promise<{ running: Promise<LeaseOutcome> }> {
    slots.begin(0, 1, 0, SIZE);
    const endpoint = endpointOf(server);
    const running = runLease(taskAt(endpoint), slots, connections);
    const socket = await peer;
    socket.write(HEAD);
    socket.write(CONTENT.subarray(0, SIZE - 1));
    while (slots.received(0) < SIZE - 1) await new Promise(setImmediate);
    slots.setEnd(0, CUT);
    await new Promise((resolve) => socket.end(CONTENT.subarray(SIZE - 1), () => resolve(null)));
    while (slots.received(0) < SIZE) await new Promise(setImmediate);
    await new Promise(setImmediate);
    return { running };
  }

  const taskAt = (endpoint: ReturnType<typeof endpointOf>): LeaseTask => ({
    ...{ lease: 1, slot: 0, connection: 0, memory: slots.memory, fd, path: part },
    ...{ start: 0, headSeam: 0, askEnd: SIZE, isOpenEnded: true, silences: [], pipelinedMs: null },
    slab: SLAB_BYTES,
    source: {
      ...{ endpoint, target: '/', host: 'x', fields: [], ifRange: null, total: SIZE },
      validators: { etag: null, lastModified: null, lastModifiedMs: null, dateMs: null },
      expected: { names: [], digest: false },
    },
    credit: null,
    window: null,
    deadlines: { connectMs: MS, firstByteMs: MS, stallMs: MS },
  });

  it('P22: writes it when the end is given back', async () => {
    const { running } = await cut();
    slots.setEnd(0, SIZE);
    const { result, written } = await running;
    expect(result).deep.equal({ kind: 'done' });
    expect(written).equal(SIZE);
    expect(readFileSync(part).equals(CONTENT)).equal(true);
  });

  it('P5: has it for a sample when another request is answered', async () => {
    const { running } = await cut();
    slots.wasAnswered();
    const { result, written, seam } = await running;
    expect(result).deep.equal({ kind: 'done' });
    expect(written).equal(CUT);
    expect(seam?.offset).equal(CUT);
    expect(CONTENT.subarray(CUT).equals(seam!.bytes)).equal(true);
  });

  it('ends when it is given up', async () => {
    const { running } = await cut();
    slots.cancel(0, 1);
    expect((await running).result).deep.equal({ kind: 'cancelled' });
  });
});
