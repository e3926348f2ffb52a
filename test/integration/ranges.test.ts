/** Answers that are not what was asked for: no byte of them is written. */
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import {
  benchPerTest,
  checkOracle,
  expectDone,
  expectFailed,
  interrupt,
  told,
} from '../helpers/engine.js';
import type { RunOverrides } from '../helpers/engine.js';
import type { RecordedRequest } from '../helpers/fault-server.js';
import type { Fault, OriginOptions } from '../helpers/origin.js';

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

  for (const status of [203, 206]) {
    it(`P22: ${status} without a place to every request: the whole, as curl takes it`, async () => {
      const reference = { size: MIB, seed: 1 };
      const origin = await bench.origin(reference);
      origin.server.handle((_request, reply) => {
        void reply.head(status, { 'Content-Length': MIB });
        return reply.body(origin.content());
      });
      const engine = bench.engine({ connections: 4 });
      expectDone(await engine.get(origin.url), reference);
      expect(origin.requests.map(({ range }) => range === null)).deep.equal([false, true]);
    });
  }

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

  it('P10: an encoded range is never written, once or to every lease', async () => {
    for (const times of [1, Infinity]) {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 16 * MIB });
      const when = ({ number, range }: RecordedRequest): boolean => number > 0 && range !== null;
      origin.fault({ when, times, fault: { kind: 'encoding', encoding: 'gzip' } });
      const run = await bench.engine({ connections: 4, retries: 1 }).get(origin.url);
      // It costs that lease; one stream brings what leases cannot (P22).
      expectDone(run, REFERENCE);
    }
  });

  it('P10: what is encoded whatever is asked is saved as it is sent, in one stream, and told', async () => {
    const origin = await bench.origin({ size: MIB, seed: 1 });
    origin.fault({ times: Infinity, fault: { kind: 'encoding', encoding: 'gzip' } });
    const engine = bench.engine({ connections: 4 });
    const run = await engine.get(origin.url);
    expect(run.status, told(run)).equal(0);
    const sent = readFileSync(engine.file);
    expect(sent.equals(gzipSync(origin.content()))).equal(true);
    const warnings = run.events.filter(({ type }) => type === 'warning');
    expect(JSON.stringify(warnings)).contain('not decoded').and.contain('`gzip -dc < ');
    expect(run.events.find(({ type }) => type === 'start')).include({ ranges: false });
    expect(origin.requests.length).equal(2);
    const again = await engine.get(origin.url);
    expect(again.last).include({ type: 'done', outcome: 'complete' });
  });

  it('P10: kept bytes of the file are never replaced by its coded form', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 24 * MIB });
    const engine = bench.engine({ connections: 2, retries: 1 });
    origin.allow(8 * MIB);
    await interrupt(engine.start(origin.url), 5 * MIB, origin);
    origin.allow(Infinity);
    const kept = engine.keptBytes;
    origin.fault({ times: Infinity, fault: { kind: 'encoding', encoding: 'gzip' } });
    expectFailed(await engine.get(origin.url), 'HTTP_ENCODED');
    expectFailed(await engine.resume(), 'HTTP_ENCODED');
    expect(engine.keptBytes).equal(kept);
    origin.heal();
    expectDone(await engine.resume(), REFERENCE);
  });

  it('P10: a coded stream that breaks is begun again', async () => {
    const origin = await bench.origin({ size: 2 * MIB, seed: 1 });
    origin.fault({ times: Infinity, fault: { kind: 'encoding', encoding: 'gzip' } });
    origin.fault({ request: 1, fault: { kind: 'reset', at: MIB } });
    const engine = bench.engine({ retries: 3 });
    const run = await engine.get(origin.url);
    expect(run.status, told(run)).equal(0);
    expect(readFileSync(engine.file).equals(gzipSync(origin.content()))).equal(true);
  });

  for (const coding of ['none', 'aws-chunked', 'binary', 'identity', '', 'UTF-8', 'null']) {
    it(`P10: Content-Encoding: ${coding || 'nothing'} names no coding: ranges, and gone on with`, async () => {
      const fields = { 'Content-Encoding': coding };
      const origin = await bench.origin({ size: SIZE, seed: 1, fields, rate: 24 * MIB });
      const engine = bench.engine({ connections: 4 });
      origin.allow(8 * MIB);
      await interrupt(engine.start(origin.url), 5 * MIB, origin);
      origin.allow(Infinity);
      const run = await engine.resume();
      expectDone(run, REFERENCE);
      expect((run.last as { fetched: number }).fetched).below(SIZE - 2 * MIB);
      expect(origin.requests.every(({ range }) => range !== null)).equal(true);
    });
  }

  const named: Array<[what: string, coding: string, OriginOptions, RunOverrides]> = [
    ['/a.tar.gz', 'x-gzip', { path: '/a.tar.gz' }, {}],
    ['/a.svgz', 'gzip', { path: '/a.svgz' }, {}],
    ['/a.tar.zst', 'zstd', { path: '/a.tar.zst' }, {}],
    ['/a.bz2', 'x-bzip2', { path: '/a.bz2' }, {}],
    ['a Content-Type', 'gzip', { contentType: 'application/gzip' }, {}],
    [
      'a Content-Disposition',
      'xz',
      { fields: { 'Content-Disposition': 'attachment; filename="a.tar.xz"' } },
      {},
    ],
    ['a digest', 'gzip', {}, { checksums: [{ algorithm: 'sha256', hex: '' }] }],
  ];
  for (const [what, coding, options, overrides] of named) {
    it(`P10: ranges marked as ${coding}, which ${what} says that the file is: it is gone on with`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 24 * MIB, ...options });
      origin.set({ fields: { ...options.fields, 'Content-Encoding': coding } });
      const checksums = overrides.checksums?.map((spec) => ({ ...spec, hex: origin.digest() }));
      const engine = bench.engine({ connections: 4, ...(checksums && { checksums }) });
      origin.allow(8 * MIB);
      await interrupt(engine.start(origin.url), 5 * MIB, origin);
      origin.allow(Infinity);
      const run = await engine.resume();
      expectDone(run, REFERENCE);
      expect((run.last as { fetched: number }).fetched).below(SIZE - 2 * MIB);
      expect(origin.requests.every(({ range }) => range !== null)).equal(true);
    });
  }

  it('P10: identity is asked for, and an encoded whole is not decoded', async () => {
    const origin = await bench.origin({ size: MIB, seed: 1 });
    origin.fault({ times: Infinity, fault: { kind: 'full-200' } });
    origin.fault({ times: Infinity, fault: { kind: 'encoding', encoding: 'gzip' } });
    const engine = bench.engine();
    expect((await engine.get(origin.url)).status).equal(0);
    expect(readFileSync(engine.file).equals(gzipSync(origin.content()))).equal(true);
    expect(origin.requests[0]?.fields['accept-encoding']).equal('identity');
  });
});
