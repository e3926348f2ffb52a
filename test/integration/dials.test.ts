/** Dials that lead to nothing: they can be called off, and nobody waits for one. */
import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import path from 'node:path';
import { SluiceError } from '../../src/errors.js';
import { Connection } from '../../src/net/connection.js';
import type { Endpoint } from '../../src/net/endpoint.js';
import { resolveHost } from '../../src/net/resolve.js';
import { Connections } from '../../src/lease/slots.js';
import { SLAB_BYTES } from '../../src/net/slab.js';
import { Slots } from '../../src/lease/task.js';
import type { LeaseTask } from '../../src/lease/task.js';
import { runLease } from '../../src/lease/run.js';
import { certificateFor, certificates } from '../helpers/certificates.js';
import type { Certificates } from '../helpers/certificates.js';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import { contentAt } from '../helpers/content.js';
import { FaultServer } from '../helpers/fault-server.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Lateness } from '../helpers/lateness.js';
import { HOST, Nodes } from '../helpers/nodes.js';

const MIB = 1024 * 1024;

/** No test waits for it, in milliseconds. */
const LONG_MS = 60_000;

/** At once, on a busy machine, in milliseconds. */
const AT_ONCE_MS = 400;

const [A, B] = ['127.0.0.1', '127.0.0.2'] as const;
const ENOUGH = new SluiceError('INTERRUPTED', 'enough');

describe('dials', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();
  const open: Array<{ close(): Promise<void> }> = [];
  let all: Certificates;

  before(async () => (all = await certificates()));
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
  });

  /** Connections come in and nothing comes out. */
  async function silentServer(): Promise<FaultServer> {
    const server = await FaultServer.start({ admit: () => 'silent' });
    open.push(server);
    return server;
  }

  const endpointAt = (port: number, secure: boolean): Endpoint => ({
    scheme: secure ? 'https' : 'http',
    host: A,
    port,
    addresses: [{ address: A, family: 4 }],
    tls: secure ? { ca: all.ca, cert: null, key: null, verify: true } : null,
  });

  /** What does not answer: a queue that is full, and a port where nobody speaks TLS. */
  async function holes(): Promise<
    Array<{ name: string; endpoint: Endpoint; server: FaultServer | null }>
  > {
    const nodes = await Nodes.start({ [A]: 'swallows' });
    open.push(nodes);
    const server = await silentServer();
    return [
      { name: 'a full queue', endpoint: endpointAt(nodes.port, false), server: null },
      { name: 'a full queue, for TLS', endpoint: endpointAt(nodes.port, true), server: null },
      { name: 'silence in TLS', endpoint: endpointAt(server.port, true), server },
    ];
  }

  /** Milliseconds that something took, without those in which this thread could not run. */
  async function timed(work: () => Promise<unknown>): Promise<number> {
    const began = performance.now();
    const lateness = new Lateness();
    await work();
    return performance.now() - began - lateness.stop();
  }

  /** A dial that is under way. */
  async function underWay(server: FaultServer | null): Promise<void> {
    if (server === null) await new Promise((resolve) => setImmediate(resolve));
    else await server.until(({ connections }) => connections.open > 0);
  }

  const isClosed = async (server: FaultServer | null): Promise<void> => {
    await server?.until(({ connections }) => connections.open === 0);
  };

  for (const watched of [false, true])
    it(`P16: is called off at once, whatever it waits for${watched ? ' (watched)' : ''}`, async () => {
      for (const { name, endpoint, server } of await holes()) {
        const control = new AbortController();
        const options = { watched, signal: control.signal };
        const failed = Connection.open(endpoint, LONG_MS, options).catch((error: unknown) => error);
        await underWay(server);
        const ms = await timed(async () => {
          control.abort(ENOUGH);
          expect(await failed, name).equal(ENOUGH);
          await isClosed(server);
        });
        expect(ms, name).below(AT_ONCE_MS);
        const late = Connection.open(endpoint, LONG_MS, options).catch((error: unknown) => error);
        expect(await late, 'nothing is begun then').equal(ENOUGH);
      }
    });

  it('P16: so is the look-up of a name', async () => {
    const control = new AbortController();
    const failed = resolveHost('localhost', LONG_MS, null, control.signal).catch(
      (error: unknown) => error,
    );
    control.abort(ENOUGH);
    expect(await failed).equal(ENOUGH);
  });

  it('P16: a resolver that is silent has a deadline', async () => {
    const fifo = path.join(dir(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    // Node asks the resolver in a thread of its pool; none is free while all wait for somebody to write.
    const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
    const busy = Array.from({ length: threads }, () => openFile(fifo, 'r'));
    const failed = await resolveHost('localhost', 50, null, null).catch((error: unknown) => error);
    const writer = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    for (const file of await Promise.all(busy)) await file.close();
    closeSync(writer);
    expect(failed).include({ code: 'NAME_LOOKUP_FAILED' });
  });

  it('P16: all are closed with their connections', async () => {
    for (const { name, endpoint, server } of await holes()) {
      const connections = new Connections();
      const waiting = [1, 2].map(() =>
        connections.take(endpoint, LONG_MS, SLAB_BYTES).catch((error: unknown) => error),
      );
      await underWay(server);
      const ms = await timed(async () => {
        connections.close();
        for (const error of await Promise.all(waiting))
          expect(error).include({ code: 'CONNECTION_LOST' });
        await isClosed(server);
      });
      expect(ms, name).below(AT_ONCE_MS);
    }
  });

  /** A lease on this endpoint: the first of a connection, or one behind it. */
  function leaseOn(endpoint: Endpoint, slots: Slots, fd: number, isBehind = false): LeaseTask {
    const slot = isBehind ? 1 : 0;
    slots.begin(slot, slot + 1, 0, MIB);
    return {
      lease: slot + 1,
      slot,
      connection: 0,
      memory: slots.memory,
      fd,
      path: path.join(dir(), 'part'),
      start: 0,
      headSeam: 0,
      askEnd: MIB,
      isOpenEnded: false,
      silences: [],
      pipelinedMs: isBehind ? LONG_MS : null,
      slab: SLAB_BYTES,
      source: {
        endpoint,
        target: '/',
        host: 'x',
        fields: [],
        validators: { etag: null, lastModified: null, lastModifiedMs: null, dateMs: null },
        expected: { names: [], digest: false },
        ifRange: null,
        total: MIB,
      },
      credit: null,
      window: null,
      deadlines: { connectMs: LONG_MS, firstByteMs: LONG_MS, stallMs: LONG_MS },
    };
  }

  it('P16: a lease that is given up ends at once, and its dial with it', async () => {
    const fd = openSync(path.join(dir(), 'part'), 'w');
    const unanswered = await FaultServer.start({ handler: (_request, reply) => reply.stall() });
    open.push(unanswered);
    const asked = { name: 'an answer', endpoint: endpointAt(unanswered.port, false) };
    try {
      for (const { name, endpoint, server } of [
        ...(await holes()),
        { ...asked, server: unanswered },
      ]) {
        const slots = Slots.allocate(1);
        const connections = new Connections();
        const running = runLease(leaseOn(endpoint, slots, fd), slots, connections);
        if (server === unanswered) await server.until(({ requests }) => requests.length > 0);
        else await underWay(server);
        const ms = await timed(async () => {
          slots.cancel(0, 1);
          expect((await running).result, name).deep.equal({ kind: 'cancelled' });
          await isClosed(server);
        });
        expect(ms, name).below(AT_ONCE_MS);
      }
    } finally {
      closeSync(fd);
    }
  });

  for (const framing of ['length', 'chunked'] as const)
    it(`P16: one behind another ends at once too, and that one goes on (${framing})`, async () => {
      const fd = openSync(path.join(dir(), 'part'), 'w+');
      let goOn!: () => void;
      const half = new Promise<void>((resolve) => (goOn = resolve));
      const fields = { 'Content-Range': `bytes 0-${MIB - 1}/${MIB}` };
      const length =
        framing === 'length' ? { 'Content-Length': MIB } : { 'Transfer-Encoding': 'chunked' };
      const server = await FaultServer.start({
        handler: async (_request, reply) => {
          const send = (from: number, to: number): Promise<void> =>
            reply[framing === 'length' ? 'body' : 'chunk'](contentAt(1, from, to - from));
          await reply.head(206, { ...fields, ...length });
          await send(0, MIB / 2);
          await reply.waitFor(half);
          await send(MIB / 2, MIB);
          if (framing === 'chunked') await reply.lastChunk();
        },
      });
      open.push(server);
      const slots = Slots.allocate(1);
      const connections = new Connections();
      const endpoint = endpointAt(server.port, false);
      const first = runLease(leaseOn(endpoint, slots, fd), slots, connections);
      while (slots.received(0) === 0) await new Promise((resolve) => setImmediate(resolve));
      const behind = runLease(leaseOn(endpoint, slots, fd, true), slots, connections);
      await new Promise((resolve) => setImmediate(resolve));
      const ms = await timed(async () => {
        slots.cancel(1, 2);
        expect((await behind).result).deep.equal({ kind: 'cancelled' });
      });
      expect(ms).below(AT_ONCE_MS);
      goOn();
      expect(await first).deep.include({ written: MIB, result: { kind: 'done' } });
      closeSync(fd);
      expectSameContent(path.join(dir(), 'part'), 1, MIB);
      expect(server.connections.total).equal(1);
      connections.close();
    });

  for (const threads of [0, 2])
    it(`P16: stopping ends at once, whatever leases wait for (${threads} threads)`, async () => {
      for (const secure of [true, false]) {
        const origin = await bench.origin({
          size: 24 * MIB,
          seed: 1,
          rate: 4 * MIB,
          ...(secure ? { tls: all.server } : {}),
          admit: (connection) => (connection === 0 ? 'serve' : 'silent'),
        });
        const tls = { ca: all.ca, cert: null, key: null, verify: true };
        const deadlines = { connectMs: LONG_MS, firstByteMs: LONG_MS, stallMs: LONG_MS };
        const engine = bench.engine({ connections: 4, threads, deadlines, tls, sync: 'none' });
        const running = engine.start(origin.url);
        await origin.server.until(({ connections }) => connections.total > 2);
        const ms = await timed(async () => {
          running.stop(ENOUGH);
          expect((await running.ended).status).equal(130);
        });
        // What is durable is synced, and threads are ended.
        expect(ms).below(AT_ONCE_MS + 200);
        await origin.server.until(({ connections }) => connections.open === 0);
      }
    });

  it('P16: an address that is silent in TLS holds up no more than one that swallows', async () => {
    const { ca, ...server } = await certificateFor([HOST]);
    const tls = { ca, cert: null, key: null, verify: true };
    const good = { size: 8 * MIB, seed: 1, tls: server };
    for (const connections of [1, 4]) {
      const at = await Nodes.start({ [A]: { ...good, admit: () => 'silent' }, [B]: good });
      open.push(at);
      const deadlines = { connectMs: LONG_MS, firstByteMs: LONG_MS, stallMs: LONG_MS };
      const engine = bench.engine({ connections, resolve: at.resolve, tls, deadlines });
      const run = await engine.get(at.url);
      expectDone(run, { seed: 1, size: good.size });
      expect(run.ms - run.lateMs).below(6000);
      expect(run.events.filter(({ type }) => type === 'retry')).deep.equal([]);
    }
  });

  it('P16: one that breaks off in TLS, or speaks something else, is followed by the next', async () => {
    const { ca, ...server } = await certificateFor([HOST]);
    const tls = { ca, cert: null, key: null, verify: true };
    const good = { size: MIB, seed: 1, tls: server };
    for (const bad of [
      { ...good, admit: () => 'reset-later' as const },
      { size: MIB, seed: 1 },
    ]) {
      const at = await Nodes.start({ [A]: bad, [B]: good });
      open.push(at);
      const run = await bench.engine({ connections: 1, resolve: at.resolve, tls }).get(at.url);
      expectDone(run, { seed: 1, size: MIB });
      expect(run.events.filter(({ type }) => type === 'retry')).deep.equal([]);
    }
  });

  it('an address whose TLS ends within its time is the only one that is dialled', async () => {
    const { ca, ...server } = await certificateFor([HOST]);
    const tls = { ca, cert: null, key: null, verify: true };
    const good = { size: MIB, seed: 1, tls: server };
    const at = await Nodes.start({ [A]: good, [B]: good });
    open.push(at);
    expectDone(await bench.engine({ connections: 1, resolve: at.resolve, tls }).get(at.url), {
      seed: 1,
      size: MIB,
    });
    expect(at.origin(B).server.connections.total).equal(0);
  });
});
