/** Seams: bytes of two requests that do not fit together are never a file. */
import { expect } from 'chai';
import {
  benchPerTest,
  checkOracle,
  expectDone,
  expectFailed,
  interrupt,
} from '../helpers/engine.js';
import { expectSameContent } from '../helpers/files.js';
import { silentLog } from '../../src/log.js';
import type { Log } from '../../src/log.js';
import { SLAB_BYTES } from '../../src/net/slab.js';
import { Download } from '../../src/transfer/download.js';
import type { DoneEvent } from '../../src/transfer/events.js';
import type { DownloadOptions } from '../../src/transfer/options.js';
import { SEAM_BYTES } from '../../src/lease/task.js';
import type { Origin } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 40 * MIB;

/** Runs a download and keeps where its leases began. */
async function watched(
  options: DownloadOptions,
): Promise<{ last: DoneEvent; starts: Set<number> }> {
  const starts = new Set<number>();
  const log: Log = { ...silentLog, debug: ({ start }) => void starts.add(start as number) };
  const last = await new Download(options, { log }).run();
  if (last.type !== 'done') throw new Error(`${last.code}: ${last.message}`);
  return { last, starts };
}

/** Bytes that were asked for beside the leases. */
const seamBytes = (origin: Origin, size: number, starts: Set<number>): number =>
  origin.requests.reduce((sum, { range }) => {
    if (range === null) return sum;
    return sum + (starts.has(range.start) ? 0 : SEAM_BYTES) + (range.end < size ? SEAM_BYTES : 0);
  }, 0);

describe('seams', () => {
  const bench = benchPerTest();

  for (const request of [1, 2, 3, 5, 7]) {
    it(`P5: request ${request} brings other bytes under a right Content-Range`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1, etag: 'none', rate: 60 * MIB });
      origin.fault({ request, fault: { kind: 'wrong-bytes' } });
      const engine = bench.engine({ connections: 4 });
      const run = await engine.get(origin.url);
      if (origin.requests.length > request) {
        expect(expectFailed(run, 'CHANGED').exitStatus).equal(8);
        expect(engine.hasPart, 'nothing of it is believed').equal(false);
      }
      checkOracle(run, { seed: 1, size: SIZE });
      const again = await engine.get(origin.url);
      expectDone(again, { seed: 1, size: SIZE });
    });
  }

  it("P5: a lease that begins where another has ended is tied to it by that one's sample", async () => {
    for (const request of [2, 3, 4]) {
      const origin = await bench.origin({ size: SIZE, seed: 1, etag: 'none' });
      origin.fault({ request, fault: { kind: 'wrong-bytes' } });
      const run = await bench.engine({ connections: 2 }).get(origin.url);
      if (origin.requests.length > request) expectFailed(run, 'CHANGED');
      checkOracle(run, { seed: 1, size: SIZE });
    }
  });

  for (const by of [1, -1, 4096, 65_536]) {
    it(`P5: a range that is shifted by ${by} bytes`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 60 * MIB });
      origin.fault({ request: 1, fault: { kind: 'shifted', by } });
      const engine = bench.engine({ connections: 4 });
      expectFailed(await engine.get(origin.url), 'CHANGED');
      expectDone(await engine.get(origin.url), { seed: 1, size: SIZE });
    });
  }

  it('P5: the file changes under way, with the same length and no validator', async () => {
    const origin = await bench.origin({
      size: SIZE,
      seed: 1,
      etag: 'none',
      lastModified: null,
      rate: 20 * MIB,
    });
    const engine = bench.engine({ connections: 4 });
    const running = engine.start(origin.url);
    await origin.server.until(({ bodyBytes }) => bodyBytes > 4 * MIB);
    origin.set({ seed: 99 });
    origin.server.resetAll();
    expectFailed(await running.ended, 'CHANGED');
    expectDone(await engine.get(origin.url), { seed: 99, size: SIZE });
  });

  it('P5: kept bytes are compared with what a later run fetches beside them', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const engine = bench.engine({ connections: 4 });
    origin.allow(12 * MIB);
    await interrupt(engine.start(origin.url), 8 * MIB, origin);
    origin.allow(Infinity);
    // The same strong ETag over other bytes: only the seams can tell.
    origin.set({ seed: 2, etag: `"s1-${SIZE}"` });
    expectFailed(await engine.resume(), 'CHANGED');
    expectDone(await engine.get(origin.url), { seed: 2, size: SIZE });
  });

  it('P5: an edge whose sample never came is fetched again and compared', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 30 * MIB });
    // The lease is complete, and its connection dies in the sample beyond it.
    origin.fault({
      when: ({ range }) => range !== null && range.start > 0 && range.end < SIZE,
      times: 1,
      fault: { kind: 'content', seed: 1 },
    });
    origin.server.handle(wrap(origin));
    const run = await bench.engine({ connections: 4 }).get(origin.url);
    checkOracle(run, { seed: 1, size: SIZE });
  });

  for (const [title, size, slow] of [
    ['for 64 MiB and more over 16 connections', 96 * MIB, 0],
    ['where every fourth connection is slow', 64 * MIB, 4],
    ['where every second connection is slow', 80 * MIB, 2],
  ] as const) {
    it(`P5: at most 1 % more bytes ${title}`, async () => {
      let asked = 0;
      const rate = (): number => (slow > 0 && asked++ % slow === 1 ? 2 * MIB : 16 * MIB);
      const origin = await bench.origin({ size, seed: 1, ...(slow > 0 && { rate }) });
      const engine = bench.engine({ connections: 16 });
      const { last, starts } = await watched(engine.options(origin.url));
      expectSameContent(engine.file, 1, size);
      expect(seamBytes(origin, size, starts)).most(size * 0.01);
      // What a lease whose end was lowered had already in its slab is not a seam.
      expect(last.fetched - size).most(size * 0.01 + 16 * SLAB_BYTES);
    });
  }
});

/** Resets a lease's connection 10 bytes before the end of what it asked for. */
function wrap(origin: Origin): Parameters<Origin['server']['handle']>[0] {
  let done = false;
  return async (request, reply) => {
    const { range } = request;
    const { start } = range ?? { start: 0 };
    const end = Math.min(range?.end ?? SIZE, SIZE);
    const length = end - start;
    const cut = !done && start > 0 && end < SIZE;
    done ||= cut;
    await reply.head(206, {
      'Content-Range': `bytes ${start}-${end - 1}/${SIZE}`,
      'Content-Length': length,
      ETag: '"e"',
    });
    if (cut) void reply.afterBytes(length - 10, 'reset');
    for (let at = start; at < end && !reply.gone; at += MIB) {
      await reply.body(origin.content(at, Math.min(end, at + MIB)));
    }
  };
}
