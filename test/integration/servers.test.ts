/** Servers that are endless or silent, and what they may cost. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { benchPerTest, expectDone, expectFailed, expectOnTime } from '../helpers/engine.js';
import { Lateness } from '../helpers/lateness.js';
import { runSluice, spawnSluice } from '../helpers/run-sluice.js';

/** Listens with the shortest queue and stops itself, so that the kernel's queue is never emptied. */
const STOPPED_LISTENER = `
  const server = require('net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('fs').writeSync(1, String(server.address().port));
    process.kill(process.pid, 'SIGSTOP');
  });
`;

const MIB = 1024 * 1024;
const SIZE = 8 * MIB;
const REFERENCE = { seed: 1, size: SIZE };

describe('bounds', () => {
  const bench = benchPerTest();

  const endless: Record<string, (i: number) => string> = {
    'a field': () => 'X'.repeat(1024),
    fields: (i) => `X-${i}: y\r\n`.repeat(100),
    'a reason phrase': () => 'why '.repeat(100),
    'interim answers': () => 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n',
  };
  for (const [what, piece] of Object.entries(endless)) {
    it(`P15: ${what} without end`, async () => {
      const origin = await bench.origin(REFERENCE);
      let sent = 0;
      origin.server.handle(async (_request, reply) => {
        if (what === 'a field') await reply.raw('HTTP/1.1 200 OK\r\nX: ');
        else if (what === 'fields') await reply.raw('HTTP/1.1 200 OK\r\n');
        else if (what === 'a reason phrase') await reply.raw('HTTP/1.1 200 ');
        for (let i = 0; !reply.gone && sent < 64 * MIB; i++) {
          await reply.raw(piece(i));
          sent += piece(i).length;
        }
      });
      const deadlines = { firstByteMs: 20_000 };
      const run = await bench.engine({ retries: 0, deadlines }).get(origin.url);
      expectFailed(run, 'HTTP_TOO_LARGE', 'HTTP_MALFORMED');
      expect(sent).below(64 * MIB);
    });
  }

  it('P15: interim answers are read over as long as they have 64 KiB in all', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.fault({ request: 0, fault: { kind: 'interim', status: 103, count: 1000 } });
    expectDone(await bench.engine().get(origin.url), REFERENCE);
    origin.fault({ times: Infinity, fault: { kind: 'interim', status: 103, count: 4000 } });
    expectFailed(await bench.engine({ retries: 0 }).get(origin.url), 'HTTP_MALFORMED');
  });

  it('P15: a chunk extension and a trailer without end', async () => {
    for (const opening of ['5;', '0\r\nX: ']) {
      const origin = await bench.origin(REFERENCE);
      origin.server.handle(async (_request, reply) => {
        await reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        await reply.raw(opening);
        for (let i = 0; !reply.gone && i < 20_000; i++) await reply.raw('x'.repeat(1024));
      });
      const run = await bench.engine({ retries: 0 }).get(origin.url);
      expectFailed(run, 'HTTP_TOO_LARGE', 'HTTP_MALFORMED');
    }
  });
});

describe('deadlines', () => {
  const bench = benchPerTest();

  it('P16: a port that takes connections and never speaks TLS', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.server.admit(() => 'silent');
    const url = origin.url.replace('http:', 'https:');
    const run = await bench.engine({ retries: 0, deadlines: { connectMs: 600 } }).get(url);
    expectFailed(run, 'CONNECT_TIMEOUT');
    expectOnTime(run, 600);
  });

  it('P16: a full backlog, where no connection is ever accepted', async () => {
    const listener = spawn(process.execPath, ['-e', STOPPED_LISTENER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(listener.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    const fillers = Array.from({ length: 8 }, () => net.connect(port, '127.0.0.1'));
    for (const filler of fillers) filler.on('error', () => undefined);
    await Promise.race(fillers.map((filler) => once(filler, 'connect')));
    const run = await bench
      .engine({ retries: 0, deadlines: { connectMs: 600 } })
      .get(`http://127.0.0.1:${port}/`);
    for (const filler of fillers) filler.destroy();
    listener.kill('SIGKILL');
    expectFailed(run, 'CONNECT_TIMEOUT');
    expectOnTime(run, 600);
  });

  it('P16: no first byte, half a head', async () => {
    for (const at of [0, 40]) {
      const origin = await bench.origin(REFERENCE);
      origin.fault({ times: Infinity, fault: { kind: 'stall-head', at } });
      const run = await bench
        .engine({ retries: 0, deadlines: { firstByteMs: 600 } })
        .get(origin.url);
      expectFailed(run, 'FIRST_BYTE_TIMEOUT');
      expectOnTime(run, 600);
    }
  });

  it('P16: a head that comes byte by byte has a deadline as a whole', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.server.handle(async (_request, reply) => {
      await reply.raw('HTTP/1.1 200 OK\r\nX: ');
      while (!reply.gone) {
        await reply.raw('x');
        await reply.wait(50);
      }
    });
    const run = await bench.engine({ retries: 0, deadlines: { firstByteMs: 600 } }).get(origin.url);
    expectFailed(run, 'FIRST_BYTE_TIMEOUT');
    expectOnTime(run, 600);
  });

  it('P16: a body that stalls on every connection', async () => {
    for (const connections of [1, 4]) {
      const origin = await bench.origin({ ...REFERENCE, rate: 40 * MIB });
      // A server that went on sending a little to each request would be asked for all of it.
      origin.fault({ fault: { kind: 'stall', at: 100_000 } });
      origin.fault({ times: Infinity, fault: { kind: 'stall', at: 0 } });
      const run = await bench
        .engine({ connections, retries: 0, deadlines: { stallMs: 600 } })
        .get(origin.url);
      expectFailed(run, 'STALLED');
      expect(run.ms - run.lateMs).below(8000);
    }
  });

  for (const state of ['connecting', 'waiting', 'receiving', 'backing off'] as const) {
    it(`P16: the total deadline while ${state}`, async () => {
      const origin = await bench.origin({ ...REFERENCE, rate: MIB });
      if (state === 'connecting') origin.server.admit(() => 'silent');
      if (state === 'waiting') {
        origin.fault({ times: Infinity, fault: { kind: 'stall-head', at: 0 } });
      }
      if (state === 'backing off') {
        origin.fault({
          times: Infinity,
          fault: { kind: 'status', status: 503, retryAfter: 60 },
        });
      }
      const url = state === 'connecting' ? origin.url.replace('http:', 'https:') : origin.url;
      const run = await bench
        .engine({
          maxTimeMs: 700,
          deadlines: { connectMs: 20_000, firstByteMs: 20_000, stallMs: 20_000 },
        })
        .get(url);
      expectFailed(run, 'MAX_TIME');
      expectOnTime(run, 700);
    });
  }

  it('P16: stopping while leases connect ends within a second', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 4 * MIB });
    origin.server.admit((connection) => (connection === 0 ? 'serve' : 'silent'));
    const engine = bench.engine({
      connections: 4,
      deadlines: { connectMs: 20_000, firstByteMs: 20_000, stallMs: 20_000 },
    });
    const running = engine.start(origin.url);
    await origin.server.until(({ connections }) => connections.total > 2);
    const began = performance.now();
    running.stop(new SluiceError('INTERRUPTED', 'stopped'));
    const run = await running.ended;
    expect(run.status).equal(130);
    expect(performance.now() - began - run.lateMs).below(1500);
  });
});

describe('the command', () => {
  const bench = benchPerTest();

  it('P16: --max-time and a server that never answers', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.fault({ times: Infinity, fault: { kind: 'stall-head', at: 0 } });
    const running = spawnSluice(['get', origin.url, '--max-time', '1', '--json', '-o', 'x']);
    // However long the command takes to start, its time runs when it asks.
    const asked = origin.server.until(({ requests }) => requests.length > 0);
    await Promise.race([asked, running.ended]);
    const began = performance.now();
    const lateness = new Lateness();
    expect((await running.ended).status).equal(4);
    expect(performance.now() - began - lateness.stop()).below(2000);
  });

  it('P16: --max-time holds for info too', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.fault({ times: Infinity, fault: { kind: 'stall-head', at: 0 } });
    const run = await runSluice(['info', origin.url, '--max-time', '1']);
    expect(run.status).equal(4);
    expect(run.stderr).include('--max-time');
    expect(run.ms).below(15_000);
  });

  it('P5, P21: exit statuses reach the shell', async () => {
    const cases = [
      { status: 404, exit: 6 },
      { status: 503, exit: 6 },
    ];
    for (const { status, exit } of cases) {
      const origin = await bench.origin(REFERENCE);
      origin.fault({ times: Infinity, fault: { kind: 'status', status } });
      const run = await runSluice(['get', origin.url, '--retries', '1', '-o', 'x']);
      expect(run.status).equal(exit);
    }
    const origin = await bench.origin({ ...REFERENCE, rate: 6 * MIB });
    origin.fault({ request: 1, fault: { kind: 'wrong-bytes' } });
    const run = await runSluice(['get', origin.url, '-n', '4', '-o', 'x', '--json']);
    expect(run.status).equal(8);
    expect(run.events.at(-1)).include({ type: 'error', code: 'CHANGED' });
  });
});
