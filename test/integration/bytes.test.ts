/** Exit 0 means the right bytes, from servers that do it right and from odd ones. */
import { expect } from 'chai';
import { SEAM_BYTES } from '../../src/lease/task.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import type { OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const LEASE = 4 * MIB;
const SIZES = [0, 1, SEAM_BYTES - 1, SEAM_BYTES, SEAM_BYTES + 1, MIB, MIB + 1];
const LEASE_SIZES = [LEASE - 1, LEASE, LEASE + 1, 2 * LEASE - 1, 2 * LEASE, 2 * LEASE + 1];
const SEAM_SIZES = [2 * LEASE - SEAM_BYTES - 1, 2 * LEASE + SEAM_BYTES + 1];

describe('the bytes', () => {
  const bench = benchPerTest();

  for (const connections of [1, 2, 4, 16, 'auto'] as const) {
    it(`P1: every size, ${connections} connections`, async function () {
      for (const size of [...SIZES, ...LEASE_SIZES, ...SEAM_SIZES]) {
        const origin = await bench.origin({ size, seed: size + 7 });
        const run = await bench.engine({ connections }).get(origin.url);
        expectDone(run, { seed: size + 7, size });
        expect(run.last).include({ bytes: size });
      }
    });
  }

  it('P1: worker threads bring the same bytes', async () => {
    const origin = await bench.origin({ size: 24 * MIB + 5, seed: 3, rate: 8 * MIB });
    const run = await bench.engine({ connections: 8, threads: 2 }).get(origin.url);
    expectDone(run, { seed: 3, size: 24 * MIB + 5 });
    expect(origin.server.connections.total).above(2);
  });

  const odd: Record<string, OriginOptions> = {
    'chunked answers': { framing: 'chunked' },
    'chunks of one byte and a bit': { framing: 'chunked', chunkSize: 1021 },
    'bodies that end with the connection': { framing: 'close' },
    'a connection for each request': { keepAlive: false },
    'no byte ranges': { ranges: false },
    'no byte ranges, chunked': { ranges: false, framing: 'chunked' },
    'no byte ranges, no length': { ranges: false, framing: 'close' },
    'a claim to serve ranges that is not true': { ranges: false, acceptRanges: true },
    'ranges that are not announced': { acceptRanges: false },
    'ranges of at most 1 MiB': { maxRange: MIB },
    'ranges of at most 200,000 bytes': { maxRange: 200_000 },
    'no answer to HEAD': { allowHead: false },
    'slow answers': { latencyMs: 60 },
  };
  for (const [what, options] of Object.entries(odd)) {
    it(`P1: ${what}`, async () => {
      const size = 9 * MIB + 321;
      const origin = await bench.origin({ size, seed: 5, ...options });
      expectDone(await bench.engine({ connections: 4 }).get(origin.url), { seed: 5, size });
    });
  }

  it('P1: HTTP/1.0 without a length', async () => {
    const origin = await bench.origin({ size: 0 });
    const body = origin.server;
    const { contentAt } = await import('../helpers/content.js');
    body.handle(async (_request, reply) => {
      await reply.raw('HTTP/1.0 200 OK\r\nContent-Type: x/y\r\n\r\n');
      await reply.body(contentAt(9, 0, 2 * MIB));
      await reply.end();
    });
    expectDone(await bench.engine().get(origin.url), { seed: 9, size: 2 * MIB });
  });

  for (const at of [0, 1, 21_271, 128_000, 300_000, 2 * MIB]) {
    it(`P1: a body without a length that is reset after ${at} bytes is not whole`, async () => {
      const origin = await bench.origin({ size: 3 * MIB, ranges: false, framing: 'close' });
      origin.fault({ times: Infinity, fault: { kind: 'reset', at } });
      expectFailed(await bench.engine({ retries: 0 }).get(origin.url), 'CONNECTION_LOST');
    });
  }

  it('says that the next run starts over where the server serves no ranges', async () => {
    const origin = await bench.origin({ size: 9 * MIB, seed: 1, ranges: false });
    origin.fault({ times: Infinity, fault: { kind: 'reset', at: 5 * MIB } });
    const last = expectFailed(await bench.engine({ retries: 0 }).get(origin.url));
    expect(last.next).include('it starts over, for the server does not serve byte ranges');
  });

  it('P1: 200 to the first request and 206 to the later ones', async () => {
    const size = 12 * MIB;
    const origin = await bench.origin({ size, seed: 4, rate: 2 * MIB });
    origin.fault({ request: 0, fault: { kind: 'full-200' } });
    const run = await bench.engine({ connections: 4 }).get(origin.url);
    expectDone(run, { seed: 4, size });
    expect(origin.requests.some(({ range }) => (range?.start ?? 0) > 0)).equal(true);
  });

  it('P1, P22: 200 to the first request; later ranges fail and the first answer goes on', async () => {
    const size = 12 * MIB;
    const origin = await bench.origin({ size, seed: 4, rate: 8 * MIB });
    origin.fault({ request: 0, fault: { kind: 'full-200' } });
    origin.fault({
      when: ({ number }) => number > 0,
      times: Infinity,
      fault: { kind: 'status', status: 503 },
    });
    expectDone(await bench.engine({ connections: 4 }).get(origin.url), { seed: 4, size });
  });

  it('P1: a lease that ends early, is reset or stalls costs its own remainder only', async () => {
    const size = 32 * MIB;
    const origin = await bench.origin({ size, seed: 6, rate: 40 * MIB });
    const at = 300_000;
    origin.fault({ request: 0, fault: { kind: 'reset', at } });
    origin.fault({ request: 1, fault: { kind: 'early-end', at } });
    origin.fault({ request: 2, fault: { kind: 'stall', at } });
    origin.fault({ request: 3, fault: { kind: 'reset-head', at: 60 } });
    const run = await bench.engine({ connections: 4 }).get(origin.url);
    expectDone(run, { seed: 6, size });
    if (run.last.type === 'done') expect(run.last.fetched).below(size + 4 * MIB);
    expect(run.events.some(({ type }) => type === 'retry')).equal(true);
  });

  it('P1: a kept connection that is closed between two requests', async () => {
    const size = 20 * MIB;
    const origin = await bench.origin({ size, seed: 8 });
    // Every answer says that the connection stays, and then it does not.
    origin.server.handle(async ({ range }, reply) => {
      const start = range?.start ?? 0;
      const end = Math.min(range?.end ?? size, size);
      await reply.head(206, {
        'Content-Range': `bytes ${start}-${end - 1}/${size}`,
        'Content-Length': end - start,
        ETag: '"e"',
      });
      for (let at = start; at < end && !reply.gone; at += MIB) {
        await reply.body(origin.content(at, Math.min(end, at + MIB)));
      }
      await reply.wait(1);
      await reply.end();
    });
    expectDone(await bench.engine({ connections: 2 }).get(origin.url), { seed: 8, size });
  });

  it('P1: one connection of eight at one byte a second is worked around', async function () {
    const size = 48 * MIB;
    const origin = await bench.origin({ size, seed: 2, rate: 30 * MIB });
    origin.fault({ request: 3, fault: { kind: 'rate', bytesPerSecond: 1 } });
    const run = await bench
      .engine({ connections: 8, deadlines: { stallMs: 20_000 } })
      .get(origin.url);
    expectDone(run, { seed: 2, size });
    expect(run.ms - run.lateMs).below(8000);
  });

  it('P1: a server that dies for good ends the download, with what is there kept', async () => {
    const size = 16 * MIB;
    const origin = await bench.origin({ size, seed: 1 });
    origin.allow(10 * MIB);
    const engine = bench.engine({ connections: 4, retries: 1 });
    const running = engine.start(origin.url);
    await running.has(6 * MIB, origin);
    origin.server.admit(() => 'reset');
    origin.server.resetAll();
    const run = await running.ended;
    expect(run.status).equal(4);
    expect(engine.hasPart).equal(true);
    origin.server.admit(() => 'serve');
    origin.allow(Infinity);
    const again = await engine.resume();
    expectDone(again, { seed: 1, size });
    if (again.last.type === 'done') expect(again.last.fetched).below(size - 2 * MIB);
  });

  it('P8: a hash does not keep connections from a slow server', async () => {
    const size = 16 * MIB;
    const origin = await bench.origin({ size, seed: 1, rate: 6 * MIB });
    const checksums = [{ algorithm: 'sha256' as const, hex: origin.digest() }];
    const run = await bench.engine({ connections: 4, checksums }).get(origin.url);
    expectDone(run, { seed: 1, size });
    expect(run.last).include({ connections: 4 });
  });
});
