/** Answers that are not what was asked for: no byte of them is written. */
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { benchPerTest, checkOracle, expectDone, expectFailed } from '../helpers/engine.js';
import type { Fault } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 16 * MIB;
const REFERENCE = { seed: 1, size: SIZE };

const wrong: Record<string, Fault> = {
  'no Content-Range': { kind: 'content-range', value: null },
  'another Content-Range': { kind: 'content-range', value: `bytes 5-99/${SIZE}` },
  'an unsatisfied Content-Range': { kind: 'content-range', value: `bytes */${SIZE}` },
  'a Content-Range without the total': {
    kind: 'content-range',
    value: `bytes 0-${SIZE - 1}/*`,
  },
  'a total above 2^53': {
    kind: 'content-range',
    value: `bytes 0-${SIZE - 1}/9007199254740993`,
  },
  'a Content-Range with an equals sign': {
    kind: 'content-range',
    value: `bytes=0-${SIZE - 1}/${SIZE}`,
  },
  'a Content-Range of nothing': { kind: 'content-range', value: 'bytes */*' },
  'two Content-Ranges': {
    kind: 'content-range',
    value: [`bytes 0-99/${SIZE}`, `bytes 100-199/${SIZE}`],
  },
  'a Content-Range beyond its total': { kind: 'content-range', value: 'bytes 0-99/50' },
  'another unit': { kind: 'content-range', value: `items 0-99/${SIZE}` },
  'several parts': { kind: 'multipart' },
  'a longer Content-Length than Content-Range': { kind: 'content-length', value: '99999999' },
  'a shorter Content-Length than Content-Range': { kind: 'content-length', value: '10' },
  'two lengths': { kind: 'content-length', value: ['5', '6'] },
};

describe('ranges', () => {
  const bench = benchPerTest();

  for (const [what, fault] of Object.entries(wrong)) {
    it(`P9: ${what} once, to a lease`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 16 * MIB });
      origin.fault({ request: 1, fault });
      const run = await bench.engine({ connections: 4 }).get(origin.url);
      expectDone(run, REFERENCE);
    });

    it(`P9: ${what} to every range: the whole is asked for without one`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1 });
      origin.fault({ when: ({ range }) => range !== null, times: Infinity, fault });
      const run = await bench.engine({ connections: 4, retries: 1 }).get(origin.url);
      // A head that contradicts itself is no answer: who knows what else is wrong.
      if (what === 'two lengths') expect(expectFailed(run).exitStatus).equal(7);
      else expectDone(run, REFERENCE);
      expect(origin.requests.length).below(10);
    });
  }

  it('P9: parts without a range asked for: nothing is written', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const fields = { 'Content-Range': `bytes 0-3/*`, 'Content-Length': 4 };
    origin.server.handle((_request, reply) => {
      void reply.head(206, fields);
      return reply.body('part');
    });
    const run = await bench.engine({ retries: 1 }).get(origin.url);
    expect(expectFailed(run, 'HTTP_RANGE_MISMATCH').exitStatus).equal(7);
  });

  it('P9: what comes after a range that has no length of its own', async () => {
    for (const framing of ['chunked', 'close'] as const) {
      const origin = await bench.origin({ size: SIZE, seed: 1, framing });
      origin.fault({ times: Infinity, fault: { kind: 'overlong', extra: 5000 } });
      const run = await bench.engine({ connections: 4, retries: 1 }).get(origin.url);
      checkOracle(run, REFERENCE);
      expect([0, 7]).include(run.status);
    }
  });

  it('P9: of a first answer that is longer than its range nothing is believed, nor its length', async () => {
    for (const framing of ['chunked', 'close'] as const) {
      const options = { size: SIZE, seed: 1, framing, etag: 'none', lastModified: null } as const;
      const origin = await bench.origin(options);
      const fault: Fault = { kind: 'content-range', value: 'bytes 0-9/10' };
      origin.fault({ times: 3, fault });
      const engine = bench.engine({ connections: 1 });
      expectFailed(await engine.get(origin.url), 'HTTP_RANGE_MISMATCH');
      origin.heal();
      expectDone(await engine.get(origin.url), REFERENCE);
    }
  });

  // Whether their connection is asked again depends on when they arrive: unit/net/reuse holds that.
  it('P9: bytes after Content-Length are discarded', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    origin.fault({ times: Infinity, fault: { kind: 'overlong', extra: 5000 } });
    expectDone(await bench.engine({ connections: 4 }).get(origin.url), REFERENCE);
  });

  for (const says of [true, false]) {
    it(`P9: a script that sends parts as 200, ${says ? 'with' : 'without'} Content-Range: never taken for the whole`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 8 * MIB });
      const engine = bench.engine({ connections: 2 });
      const running = engine.start(origin.url);
      await running.has(4 * MIB);
      running.stop(new SluiceError('INTERRUPTED', 'stopped'));
      expect((await running.ended).status).equal(130);
      origin.fault({ times: Infinity, fault: { kind: 'part-200', says } });
      expectDone(await engine.get(origin.url), REFERENCE);
      const again = await engine.get(origin.url);
      expectDone(again, REFERENCE);
      expect(again.last).include({ outcome: 'complete' });
      const fresh = bench.engine({ connections: 4 });
      expectDone(await fresh.get(origin.url), REFERENCE);
    });
  }

  it('P9: 200 with the same validator in the middle of a file', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 16 * MIB });
    for (const request of [1, 2]) origin.fault({ request, fault: { kind: 'full-200' } });
    expectDone(await bench.engine({ connections: 4 }).get(origin.url), REFERENCE);
  });

  it('P9: a server that overlooks the end of each range: its parts serve, up to where they were asked', async () => {
    for (const framing of ['length', 'chunked', 'close'] as const) {
      const origin = await bench.origin({ size: SIZE, seed: 1, framing, rate: 16 * MIB });
      origin.fault({ times: Infinity, fault: { kind: 'to-the-end' } });
      const run = await bench.engine({ connections: 4, retries: 0 }).get(origin.url);
      expectDone(run, REFERENCE);
      expect(origin.requests.length).above(2);
    }
  });

  it('P9: a total that changes to another and to none', async () => {
    for (const total of [SIZE + 1, SIZE - 1, '*'] as const) {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 16 * MIB });
      origin.fault({
        when: ({ number }) => number > 0,
        times: Infinity,
        fault: { kind: 'total', total },
      });
      const run = await bench.engine({ connections: 4, retries: 1 }).get(origin.url);
      // The first answer may bring the whole of what it began with: refused leases do no harm.
      checkOracle(run, REFERENCE);
      if (run.last.type === 'error') expectFailed(run, 'CHANGED', 'HTTP_RANGE_MISMATCH');
    }
  });

  it('P9: ranges so short that nothing is gained end the download, without a storm', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, maxRange: 4096 });
    const run = await bench.engine({ connections: 4, retries: 2 }).get(origin.url);
    expectFailed(run, 'HTTP_RANGE_MISMATCH');
    expect(origin.requests.length).below(60);
  });

  it('P9: 416 to every further lease: the first answer goes on to the end of what it began with', async () => {
    for (const [total, codes] of [
      [SIZE + 1, ['CHANGED', 'HTTP_RANGE_MISMATCH']],
      [SIZE, ['HTTP_REFUSED']],
    ] as const) {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 8 * MIB });
      origin.fault({
        when: ({ number }) => number > 0,
        times: Infinity,
        fault: { kind: 'status', status: 416, fields: { 'Content-Range': `bytes */${total}` } },
      });
      const run = await bench.engine({ connections: 2, retries: 1 }).get(origin.url);
      checkOracle(run, REFERENCE);
      if (run.last.type === 'error') expectFailed(run, ...codes);
    }
  });

  it('P9: 416 to the first request: what it tells is not believed, the whole is asked for', async () => {
    for (const value of [null, `bytes */${SIZE}`, 'bytes */5', 'bytes */*']) {
      const origin = await bench.origin({ size: SIZE, seed: 1 });
      const fault: Fault = { kind: 'status', status: 416 };
      origin.fault({ when: ({ range }) => range !== null, times: Infinity, fault });
      const field: Fault = { kind: 'content-range', value };
      origin.fault({ when: ({ range }) => range !== null, times: Infinity, fault: field });
      const run = await bench.engine({ connections: 4 }).get(origin.url);
      checkOracle(run, REFERENCE);
      if (value !== 'bytes */*') expectDone(run, REFERENCE);
      expect(origin.requests.length).below(8);
    }
  });

  it('P9: 416 at the end of what is kept, when the file has become just as long', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, ranges: false, framing: 'close' });
    const engine = bench.engine({ retries: 0 });
    origin.fault({ fault: { kind: 'reset', at: 5 * MIB } });
    expectFailed(await engine.get(origin.url), 'CONNECTION_LOST');
    const kept = engine.keptBytes;
    origin.set({ ranges: true, framing: 'length', size: kept - 1 });
    expectFailed(await engine.resume(), 'CHANGED', 'HTTP_RANGE_MISMATCH', 'RESUME_UNPROVEN');
    const run = await engine.get(origin.url);
    checkOracle(run, { seed: 1, size: kept - 1 });
  });

  it('P10: an encoded range is never written, once or always', async () => {
    for (const times of [1, Infinity]) {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 16 * MIB });
      const when = ({ number }: { number: number }): boolean => number > 0 || times > 1;
      origin.fault({ when, times, fault: { kind: 'encoding', encoding: 'gzip' } });
      const run = await bench.engine({ connections: 4, retries: 1 }).get(origin.url);
      // One that is coded costs that lease; one stream brings what leases cannot (P22).
      if (times === 1) expectDone(run, REFERENCE);
      else expectFailed(run, 'HTTP_ENCODED');
    }
  });

  for (const [path, coding] of [
    ['/a.tar.gz', 'x-gzip'],
    ['/a.svgz', 'gzip'],
    ['/a.tar.zst', 'zstd'],
  ] as const) {
    it(`P10: ranges of ${path} marked as ${coding}: one answer is taken as it is`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1, path, rate: 24 * MIB });
      origin.set({ fields: { 'Content-Encoding': coding } });
      const engine = bench.engine({ connections: 4 });
      const running = engine.start(origin.url);
      await origin.server.until(({ bodyBytes }) => bodyBytes > 6 * MIB);
      running.stop(new SluiceError('INTERRUPTED', 'stopped'));
      await running.ended;
      expectDone(await engine.get(origin.url), REFERENCE);
      const wholes = origin.requests.filter(({ range }) => range === null);
      expect(wholes.length).equal(2);
    });
  }

  it('P10: identity is asked for, and an encoded whole is not decoded', async () => {
    const origin = await bench.origin({ size: MIB, seed: 1 });
    origin.fault({ times: Infinity, fault: { kind: 'full-200' } });
    origin.fault({ times: Infinity, fault: { kind: 'encoding', encoding: 'gzip' } });
    expectFailed(await bench.engine().get(origin.url), 'HTTP_ENCODED');
    expect(origin.requests[0]?.fields['accept-encoding']).equal('identity');
  });
});
