/**
 * Bytes that are of no use, one at a time, for ever: wherever they come, they hold nothing up for longer
 * than silence would.
 */
import { expect } from 'chai';
import net from 'node:net';
import { inspectUrl } from '../../src/app/inspect.js';
import { fetchSmall } from '../../src/transfer/fetch-small.js';
import { contentAt } from '../helpers/content.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import type { EngineRun, RunOverrides } from '../helpers/engine.js';
import type { RecordedRequest, Reply } from '../helpers/fault-server.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Lateness } from '../helpers/lateness.js';
import type { Origin } from '../helpers/origin.js';
import { certificates } from '../helpers/certificates.js';

const SIZE = 300_000;
const REFERENCE = { seed: 1, size: SIZE };

/** Silence is borne for so long, in milliseconds. */
const STALL_MS = 400;
const DEADLINES = { connectMs: STALL_MS, firstByteMs: STALL_MS, stallMs: STALL_MS };

/** Between two bytes, in milliseconds: far less than silence. */
const DRIP_MS = 25;

/** What is beside the deadlines: the work itself, and retries of it, in milliseconds. */
const WORK_MS = 1500;

/** Sends a text again and again, one byte at a time, until nobody listens. */
async function drip(reply: Reply, text: string, once = false): Promise<void> {
  do
    for (const byte of text) {
      if (reply.gone) return;
      await reply.raw(byte);
      await reply.wait(DRIP_MS);
    }
  while (!once && !reply.gone);
}

const content = (start: number, end: number): Buffer => contentAt(1, start, end - start);
const CHUNKED = { 'Transfer-Encoding': 'chunked' };

interface Place {
  /** What answers a request. */
  answer: (request: RecordedRequest, reply: Reply) => Promise<void>;
  /** Whether the file comes all the same. */
  comes: boolean;
  overrides?: RunOverrides;
  /** Milliseconds that it may take beside {@link WORK_MS}; default one {@link STALL_MS}. */
  withinMs?: number;
}

/** The whole in chunks, without its end. */
async function sendChunks(reply: Reply): Promise<void> {
  await reply.head(200, CHUNKED);
  await reply.chunk(content(0, SIZE));
}

/** A redirect to /file, whose body is as `body` sends it; everything else is the file. */
const redirecting =
  (fields: Record<string, string>, body: (reply: Reply) => Promise<void>): Place['answer'] =>
  async (request, reply) => {
    if (request.target === '/file') return sendWhole(reply);
    await reply.head(302, { Location: '/file', ...fields });
    await body(reply);
  };

async function sendWhole(reply: Reply): Promise<void> {
  await reply.head(200, { 'Content-Length': SIZE });
  await reply.body(content(0, SIZE));
}

const PLACES: Record<string, Place> = {
  'a status line': {
    comes: false,
    answer: (_, reply) => drip(reply, 'HTTP/1.1 200 ' + 'O'.repeat(9999), true),
  },
  'blank lines before a head': { comes: false, answer: (_, reply) => drip(reply, '\r\n') },
  'a field of a head': {
    comes: false,
    answer: async (_, reply) => {
      await reply.raw('HTTP/1.1 200 OK\r\nX: ');
      await drip(reply, 'x');
    },
  },
  'fields of a head': {
    comes: false,
    answer: async (_, reply) => {
      await reply.raw('HTTP/1.1 200 OK\r\n');
      await drip(reply, 'X: y\r\n');
    },
  },
  'interim answers': { comes: false, answer: (_, reply) => drip(reply, 'HTTP/1.1 102 P\r\n\r\n') },
  'the body of a redirect': {
    comes: true,
    answer: redirecting({ 'Content-Length': '60000' }, (reply) => drip(reply, 'x')),
  },
  'the body of a redirect, in chunks': {
    comes: true,
    answer: redirecting(CHUNKED, (reply) => drip(reply, '1\r\nx\r\n')),
  },
  'the body of a redirect, to the end of the connection': {
    comes: true,
    answer: redirecting({}, (reply) => drip(reply, 'x')),
  },
  'the bodies of nine redirects': {
    comes: true,
    answer: async (request, reply) => {
      const hop = Number(request.target.slice(1)) || 0;
      if (hop === 9) return sendWhole(reply);
      await reply.head(302, { Location: `/${hop + 1}`, 'Content-Length': 60_000 });
      await drip(reply, 'x');
    },
  },
  'the heads of nine redirects, each just in time': {
    comes: false,
    withinMs: 3.5 * STALL_MS,
    answer: async (request, reply) => {
      const hop = Number(request.target.slice(1)) || 0;
      await reply.raw('HTTP/1.1 302 ');
      await drip(reply, 'F'.repeat((STALL_MS * 0.7) / DRIP_MS), true);
      await reply.raw(`\r\nLocation: /${hop + 1}\r\nContent-Length: 0\r\n\r\n`);
    },
  },
  'the body of a refusal': {
    comes: false,
    answer: async (_, reply) => {
      await reply.head(404, { 'Content-Length': 60_000 });
      await drip(reply, 'x');
    },
  },
  'the body of a 416': {
    comes: true,
    answer: async (request, reply) => {
      if (request.fields['range'] === undefined) return sendWhole(reply);
      await reply.head(416, { 'Content-Range': `bytes */${SIZE}`, 'Content-Length': 60_000 });
      await drip(reply, 'x');
    },
  },
  'the zeros of a chunk size': {
    comes: false,
    answer: async (_, reply) => {
      await sendChunks(reply);
      await drip(reply, '0');
    },
  },
  'an extension of the first chunk': {
    comes: false,
    answer: async (_, reply) => {
      await reply.head(200, CHUNKED);
      await reply.raw('ff;x=');
      await drip(reply, 'x');
    },
  },
  'an extension of the last chunk': {
    comes: false,
    answer: async (_, reply) => {
      await sendChunks(reply);
      await reply.raw('0;x=');
      await drip(reply, 'x');
    },
  },
  'a trailer, behind all of the data': {
    comes: true,
    answer: async (_, reply) => {
      await sendChunks(reply);
      await reply.raw('0\r\nX: ');
      await drip(reply, 'x');
    },
  },
  trailers: {
    comes: true,
    answer: async (_, reply) => {
      await sendChunks(reply);
      await reply.raw('0\r\n');
      await drip(reply, 'X: y\r\n');
    },
  },
  'what comes behind a part that ends with its connection': {
    comes: true,
    answer: async (request, reply) => {
      const { start, end } = request.range ?? { start: 0, end: SIZE };
      const last = Math.min(end, SIZE);
      await reply.head(206, {
        'Content-Range': `bytes ${start}-${last - 1}/${SIZE}`,
        ETag: '"a"',
        Connection: 'close',
      });
      await reply.body(content(start, last));
      await reply.stall();
    },
  },
};

describe('drips', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();

  function expectSoon(run: EngineRun, withinMs: number): void {
    expect(run.ms - run.lateMs, 'milliseconds').below(withinMs + WORK_MS);
  }

  const start = async (answer: Place['answer']): Promise<Origin> => {
    const origin = await bench.origin(REFERENCE);
    origin.server.handle(answer);
    return origin;
  };

  for (const connections of [1, 4])
    for (const [what, { answer, comes, overrides, withinMs = STALL_MS }] of Object.entries(PLACES))
      it(`P16, P26: ${what}, ${connections} connections: ${comes ? 'the file comes' : 'it ends'}`, async () => {
        const origin = await start(answer);
        const engine = bench.engine({ connections, retries: 0, deadlines: DEADLINES });
        const run = await engine.get(origin.url, overrides);
        if (comes) expectDone(run, REFERENCE);
        else expectFailed(run);
        expectSoon(run, withinMs);
      });

  it('P16, P26: the seam behind each lease: the file comes', async () => {
    const size = 16 * 1024 * 1024;
    const origin = await bench.origin({ seed: 1, size });
    origin.server.handle(async (request, reply) => {
      const { start = 0, end = size } = request.range ?? {};
      const last = Math.min(end, size);
      const fields = { 'Content-Range': `bytes ${start}-${last - 1}/${size}`, ETag: '"a"' };
      await reply.head(206, { ...fields, 'Content-Length': last - start });
      const body = content(start, last);
      const seam = last === size || body.length < 100_000 ? 0 : 4096;
      reply.throttle(10 * 1024 * 1024);
      await reply.body(body.subarray(0, body.length - seam));
      await drip(reply, body.subarray(body.length - seam).toString('latin1'), true);
    });
    const engine = bench.engine({ connections: 4, retries: 0, deadlines: DEADLINES });
    const run = await engine.get(origin.url);
    expectDone(run, { seed: 1, size });
    expectSoon(run, 4000);
  });

  for (const what of ['a document', 'the redirect to a document'] as const)
    it(`P16, P26: ${what}`, async () => {
      const origin = await start(async (request, reply) => {
        const redirects = what !== 'a document' && request.target !== '/doc';
        await reply.head(redirects ? 302 : 200, {
          ...(redirects ? { Location: '/doc' } : {}),
          'Content-Length': redirects ? 60_000 : what === 'a document' ? 500_000 : 2,
        });
        if (redirects || what === 'a document') await drip(reply, 'x');
        else await reply.body('ok');
      });
      const { signal } = new AbortController();
      const options = bench.engine({ deadlines: DEADLINES, retries: 0 }).options(origin.url);
      const began = performance.now();
      const lateness = new Lateness();
      const got = await fetchSmall(options, 1_000_000, { signal }).catch((error: unknown) => error);
      expect(performance.now() - began - lateness.stop()).below(STALL_MS + WORK_MS);
      if (what === 'a document') expect(got).include({ code: 'STALLED' });
      else expect(Buffer.concat(got as Buffer[]).toString()).equal('ok');
    });

  it('P16, P26: a redirect that info follows', async () => {
    const origin = await start(
      redirecting({ 'Content-Length': '60000' }, (reply) => drip(reply, 'x')),
    );
    const began = performance.now();
    const lateness = new Lateness();
    const options = bench.engine({ deadlines: DEADLINES }).options(origin.url);
    expect((await inspectUrl(options)).size).equal(SIZE);
    expect(performance.now() - began - lateness.stop()).below(STALL_MS + WORK_MS);
  });

  it('P16, P26: a TLS handshake', async () => {
    const { server: pair, ca } = await certificates();
    const origin = await bench.origin({ ...REFERENCE, tls: pair });
    const proxy = net.createServer((client) => {
      const server = net.connect(origin.server.port, '127.0.0.1');
      for (const socket of [client, server]) socket.on('error', () => undefined);
      client.pipe(server);
      client.once('close', () => server.destroy());
      server.once('data', (hello: Buffer) => {
        let at = 0;
        const timer = setInterval(() => client.write(hello.subarray(at, ++at)), DRIP_MS);
        client.once('close', () => clearInterval(timer));
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as net.AddressInfo;
    const tls = { ca, cert: null, key: null, verify: true };
    const engine = bench.engine({ retries: 0, deadlines: DEADLINES, tls });
    const run = await engine.get(`https://127.0.0.1:${port}/x`);
    proxy.close();
    expectFailed(run, 'CONNECT_TIMEOUT');
    expectSoon(run, STALL_MS);
  });

  it('P15: the interim answers of one request are bounded in sum', async () => {
    const origin = await start(async (_, reply) => {
      for (let i = 0; i < 4; i++) await reply.head(103, { Link: 'x'.repeat(20_000) });
      await sendWhole(reply);
    });
    expectFailed(await bench.engine({ retries: 0 }).get(origin.url), 'HTTP_MALFORMED');
    const fewer = await start(async (_, reply) => {
      for (let i = 0; i < 3; i++) await reply.head(103, { Link: 'x'.repeat(20_000) });
      await sendWhole(reply);
    });
    expectDone(await bench.engine({ retries: 0 }).get(fewer.url), REFERENCE);
  });

  it('P15: the extensions of a body are bounded in sum, by its data', async () => {
    const answer =
      (bytes: number, extension: number): Place['answer'] =>
      async (_, reply) => {
        await reply.head(200, CHUNKED);
        for (let at = 0; at < SIZE && !reply.gone; at += bytes)
          await reply.raw(
            Buffer.concat([
              Buffer.from(
                `${Math.min(bytes, SIZE - at).toString(16)};x=${'x'.repeat(extension)}\r\n`,
              ),
              content(at, Math.min(at + bytes, SIZE)),
              Buffer.from('\r\n'),
            ]),
          );
        await reply.lastChunk();
      };
    const long = await start(answer(100, 4000));
    expectFailed(await bench.engine({ retries: 0 }).get(long.url), 'HTTP_TOO_LARGE');
    const signed = await start(answer(1000, 80));
    expectDone(await bench.engine({ retries: 0 }).get(signed.url), REFERENCE);
  });

  it('P16, P26: the flags say how long, and slow data is no drip', async () => {
    const origin = await start(
      redirecting({ 'Content-Length': '60000' }, (reply) => drip(reply, 'x')),
    );
    const flags = ['--stall-timeout', '300ms', '--retries', '0', '-o', 'x'];
    const run = await runIn(dir(), ['get', origin.url, ...flags]);
    expectStatus(run, 0);
    expect(run.ms).below(8000);
    const slow = await bench.origin({ seed: 1, size: 40, rate: 20 });
    const list = await runIn(dir(), ['get', slow.url, ...flags.slice(0, -1), 'y']);
    expectStatus(list, 0);
  });
});
