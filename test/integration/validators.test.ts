/** Validators: which bytes may be combined, within a run and across runs. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { inspectUrl } from '../../src/app/inspect.js';
import { reportLines } from '../../src/cli/report.js';
import type { ErrorCode } from '../../src/errors.js';
import { benchPerTest, expectDone, expectFailed, interrupt } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { contentDigest } from '../helpers/content.js';
import { digestOfFile } from '../helpers/files.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 16 * MIB;
/** An origin that tells no length and serves no ranges. */
const UNSIZED = { size: SIZE, seed: 1, rate: 12 * MIB, ranges: false, framing: 'close' } as const;
const OLD = new Date('2024-01-02T03:04:05Z');

/** Stops a download in its middle. */
async function half(engine: Engine, origin: Origin): Promise<void> {
  origin.allow(8 * MIB);
  await interrupt(engine.start(origin.url), 5 * MIB, origin);
  expect(engine.hasPart).equal(true);
  origin.allow(Infinity);
}

type After = 'continues' | 'starts over' | ErrorCode;

interface Shape {
  name: string;
  options: OriginOptions;
  /** What a second `get` and a `resume` do while nothing changed. */
  get: After;
  resume: After;
}

/** The date is taken when it is used: a minute after this file is loaded it would be strong. */
const JUST_NOW: OriginOptions = {
  etag: 'none',
  get lastModified() {
    return new Date();
  },
};

const shapes: Shape[] = [
  {
    name: 'strong ETag',
    options: { etag: 'strong', lastModified: null },
    get: 'continues',
    resume: 'continues',
  },
  {
    name: 'weak ETag',
    options: { etag: 'weak', lastModified: null },
    get: 'starts over',
    resume: 'RESUME_UNPROVEN',
  },
  {
    name: 'weak ETag and an old Last-Modified',
    options: { etag: 'weak', lastModified: OLD },
    get: 'continues',
    resume: 'continues',
  },
  {
    name: 'an old Last-Modified',
    options: { etag: 'none', lastModified: OLD },
    get: 'continues',
    resume: 'continues',
  },
  {
    name: 'a Last-Modified of just now',
    options: JUST_NOW,
    get: 'starts over',
    resume: 'RESUME_UNPROVEN',
  },
  {
    name: 'no validator',
    options: { etag: 'none', lastModified: null },
    get: 'starts over',
    resume: 'RESUME_UNPROVEN',
  },
  ...[
    ['an ETag without quotes', { etag: () => '5f3-61a', lastModified: null }],
    ...[
      'Tue, 2 Jan 2024 3:04:05 +0000',
      '2024-01-02T03:04:05Z',
      'Tue, 02 Jan 2024 03:04:05 UTC',
    ].map(
      (text) =>
        [
          `Last-Modified: ${text}`,
          { etag: 'none', lastModified: null, fields: { 'Last-Modified': text } },
        ] as const,
    ),
  ].map(([name, options]) => ({
    name: name as string,
    options: options as OriginOptions,
    get: 'continues' as const,
    resume: 'continues' as const,
  })),
  {
    name: 'strong ETag, 200 to every If-Range',
    options: { etag: 'strong', ifRange: 'refuse' },
    get: 'continues',
    resume: 'continues',
  },
];

describe('validators', () => {
  const bench = benchPerTest();

  it('P6: info says why what a server gives proves nothing', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, etag: 'weak', lastModified: null });
    const said = async (options: OriginOptions): Promise<string> => {
      origin.set(options);
      const report = await inspectUrl(bench.engine().options(origin.url));
      return reportLines(report).join('\n');
    };
    expect(await said({})).match(/resumable .*ETag is weak .*, and it gives no Last-Modified/);
    expect(await said({ etag: 'none' })).match(/resumable .*it gives no ETag/);
    expect(await said({ etag: () => 'null' })).match(/resumable .*its ETag is none/);
    const young = { lastModified: new Date() };
    expect(await said(young)).match(/resumable .*less than 60 s older than Date/);
    const dateless = { lastModified: null, fields: { 'Last-Modified': '2024-01-02 03:04:05' } };
    expect(await said(dateless)).match(/resumable .*its Last-Modified is no date with a zone/);
    expect(await said({ etag: () => '5f3-61a' })).match(/resumable +yes, proven by the ETag/);
  });

  for (const { name, options, get, resume } of shapes) {
    for (const [command, after] of [
      ['get', get],
      ['resume', resume],
    ] as const) {
      it(`P6, P7: ${name}; ${command} ${after}`, async () => {
        const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB, ...options });
        const engine = bench.engine({ connections: 2 });
        await half(engine, origin);
        const run = command === 'get' ? await engine.get(origin.url) : await engine.resume();
        if (after === 'continues' || after === 'starts over') {
          expectDone(run, { seed: 1, size: SIZE });
          const { fetched } = run.last as { fetched: number };
          if (after === 'continues') expect(fetched).below(SIZE - 2 * MIB);
          else expect(fetched).least(SIZE);
        } else {
          expectFailed(run, after);
          expect(engine.hasPart, 'what is kept stays').equal(true);
        }
      });
    }

    it(`P6: ${name}; the file changes between two runs`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB, ...options });
      const engine = bench.engine({ connections: 2 });
      await half(engine, origin);
      const { lastModified } = options;
      origin.set({ seed: 2, size: SIZE + 5, lastModified: lastModified ? new Date(0) : null });
      const resumed = await engine.resume();
      expectFailed(resumed, 'CHANGED', 'RESUME_UNPROVEN');
      expect(engine.hasPart, 'what is kept stays').equal(true);
      expectDone(await engine.get(origin.url), { seed: 2, size: SIZE + 5 });
    });
  }

  it('P7: resume goes on without a validator when the user insists, or gives a digest', async () => {
    for (const insists of [true, false]) {
      const origin = await bench.origin({
        size: SIZE,
        seed: 1,
        rate: 12 * MIB,
        etag: 'none',
        lastModified: null,
      });
      const engine = bench.engine({ connections: 2 });
      await half(engine, origin);
      const checksums = [{ algorithm: 'sha256' as const, hex: origin.digest() }];
      const run = await engine.resume(insists ? { insist: true } : { checksums });
      expectDone(run, { seed: 1, size: SIZE });
      expect((run.last as { fetched: number }).fetched).below(SIZE - 2 * MIB);
    }
  });

  for (const etag of ['per-request', 'per-connection'] as const) {
    it(`P6: an ETag that is another one ${etag} leads to one answer as a whole`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB, etag });
      const run = await bench.engine({ connections: 4 }).get(origin.url);
      expectDone(run, { seed: 1, size: SIZE });
    });
  }

  it('P6: an ETag per request where ranges are claimed and not served: the first answer goes on', async () => {
    const options: OriginOptions = { etag: 'per-request', ranges: false, acceptRanges: true };
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 6 * MIB, ...options });
    const run = await bench.engine({ connections: 4 }).get(origin.url);
    expectDone(run, { seed: 1, size: SIZE });
    expect((run.last as { fetched: number }).fetched).below(SIZE * 1.2);
    expect(origin.requests.length).below(4);
    const engine = bench.engine({ connections: 4 });
    const again = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB, ...options });
    await half(engine, again);
    expectDone(await engine.get(again.url), { seed: 1, size: SIZE });
  });

  it('P6: two ETags in turn, as two nodes with clocks of their own give them', async () => {
    const etag = ({ number }: { number: number }): string => `"node-${number % 2}"`;
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB, etag });
    const run = await bench.engine({ connections: 4 }).get(origin.url);
    expectDone(run, { seed: 1, size: SIZE });
  });

  it('P6: an ETag that flips once is asked again', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB });
    origin.fault({ request: 1, fault: { kind: 'etag', value: '"other"' } });
    expectDone(await bench.engine({ connections: 4 }).get(origin.url), { seed: 1, size: SIZE });
  });

  for (const request of [1, 2, 3]) {
    it(`P6: the entity changes at request ${request}`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB });
      const engine = bench.engine({ connections: 4 });
      const running = engine.start(origin.url);
      await origin.server.until(({ requests }) => requests.length >= request);
      origin.set({ seed: 2, size: SIZE });
      const run = await running.ended;
      // One representation or the other, never a mixture: the first answer may go on to its end.
      const digest = run.status === 0 ? digestOfFile(run.file) : null;
      expect([contentDigest(1, SIZE), contentDigest(2, SIZE), null]).include(digest);
      expect([0, 8]).include(run.status);
    });
  }

  it('P6: a file that is appended to with each request: one answer as a whole', async () => {
    let size = SIZE;
    const seen: number[] = [];
    const growing = (): null => {
      origin.set({ size: (size += 5000), lastModified: new Date() });
      seen.push(size);
      return null;
    };
    const origin = await bench.origin({ size, seed: 1, rate: 16 * MIB, etag: growing });
    const run = await bench.engine({ connections: 4, retries: 3 }).get(origin.url);
    const { bytes } = run.last as { bytes: number };
    expectDone(run, { seed: 1, size: bytes });
    expect([SIZE, ...seen]).include(bytes);
  });

  it('P6: a page in front of the server does not destroy what is kept', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB, etag: 'none' });
    const engine = bench.engine({ connections: 2 });
    await half(engine, origin);
    const page = '<html>log in</html>';
    const answers = [
      `HTTP/1.1 200 OK\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
      `HTTP/1.1 200 OK\r\nETag: "page"\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
      `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${page}`,
    ];
    for (const bytes of answers) {
      origin.heal();
      origin.fault({ times: Infinity, fault: { kind: 'raw', bytes, then: 'end' } });
      expectFailed(await engine.get(origin.url), 'CHANGED');
      expectFailed(await engine.resume(), 'CHANGED');
      expect(engine.hasPart).equal(true);
    }
    origin.heal();
    const run = await engine.resume();
    expectDone(run, { seed: 1, size: SIZE });
    expect((run.last as { fetched: number }).fetched).below(SIZE - 2 * MIB);
  });

  it('P6: a whole that is shorter than what is kept of it does not destroy that', async () => {
    const origin = await bench.origin(UNSIZED);
    const engine = bench.engine({ connections: 2 });
    await half(engine, origin);
    origin.fault({ times: Infinity, fault: { kind: 'content-length', value: '7' } });
    expectFailed(await engine.get(origin.url), 'CHANGED');
    expect(engine.hasPart).equal(true);
    origin.heal();
    expectDone(await engine.get(origin.url), { seed: 1, size: SIZE });
  });

  for (const etag of ['strong', 'none'] as const)
    it(`P1: a part of unknown length under status 200 is not the whole (ETag: ${etag})`, async () => {
      const origin = await bench.origin({ ...UNSIZED, etag });
      const engine = bench.engine({ connections: 2 });
      await half(engine, origin);
      origin.set({ ranges: true });
      origin.fault({ times: Infinity, fault: { kind: 'part-200', says: false } });
      expectDone(await engine.get(origin.url), { seed: 1, size: SIZE });
    });

  it('P6: a page that answers single leases is not taken for the file', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB });
    const page = 'HTTP/1.1 200 OK\r\nETag: "page"\r\nContent-Length: 4\r\n\r\npage';
    origin.fault({ request: 1, times: 1, fault: { kind: 'raw', bytes: page, then: 'keep' } });
    origin.fault({ request: 3, times: 1, fault: { kind: 'raw', bytes: page, then: 'end' } });
    expectDone(await bench.engine({ connections: 4 }).get(origin.url), { seed: 1, size: SIZE });
  });

  it('P6: another node with another ETag and the same date: with a digest what is there is used', async () => {
    const origin = await bench.origin({
      ...{ size: SIZE, seed: 1, rate: 24 * MIB, etag: '"1"', lastModified: OLD },
    });
    const checksums = [{ algorithm: 'sha256' as const, hex: contentDigest(1, SIZE) }];
    const engine = bench.engine({ connections: 2 });
    await half(engine, origin);
    origin.set({ etag: '"2"', lastModified: OLD });
    expectFailed(await engine.resume(), 'CHANGED');
    const running = engine.startResume({ checksums });
    await origin.server.until(({ bodyBytes }) => bodyBytes > 10 * MIB);
    origin.set({ etag: '"3"', lastModified: OLD });
    origin.server.resetAll();
    const run = await running.ended;
    expectDone(run, { seed: 1, size: SIZE });
    expect((run.last as { fetched: number }).fetched).below(SIZE - 4 * MIB);
  });

  it('P6: the file is shorter when it is gone on with', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB });
    const engine = bench.engine({ connections: 2 });
    await half(engine, origin);
    origin.set({ seed: 2, size: 1000 });
    expectFailed(await engine.resume(), 'CHANGED');
    expectDone(await engine.get(origin.url), { seed: 2, size: 1000 });
  });
});

describe('answers that contradict each other where no seam shows it', () => {
  const bench = benchPerTest();
  /** Alike but for a few bytes far from every end. */
  const versions = [1, 2, 3].map((k) => {
    const bytes = Buffer.alloc(8 * MIB);
    for (let at = k * 100_000; at < bytes.length; at += 400_000) bytes.fill(k, at, at + 100);
    return bytes;
  });
  const [first = Buffer.alloc(0)] = versions;
  const total = first.length;

  for (const [what, fields] of [
    ['other ETags', (k: number) => ({ ETag: `"${k}"`, place: String(total) })],
    ['other weak ETags', (k: number) => ({ ETag: `W/"${k}"`, place: String(total) })],
    [
      'other dates',
      (k: number) => ({ 'Last-Modified': new Date(1e12 * k).toUTCString(), place: String(total) }),
    ],
    ['neither length nor validator', () => ({ place: '*' })],
  ] as const)
    it(`P6: the later ones have ${what}, and the first has none: never a mixture`, async () => {
      const origin = await bench.origin();
      origin.server.handle(({ range }, reply) => {
        const k = (origin.requests.length - 1) % 2;
        const isFirst = origin.requests.length === 1;
        const bytes = isFirst ? first : (versions[1 + k] ?? first);
        const [start, end] = [range?.start ?? 0, Math.min(range?.end ?? total, total)];
        const { place, ...more } = isFirst ? { place: String(total) } : fields(1 + k);
        const label = { 'Content-Range': `bytes ${start}-${end - 1}/${place}` };
        const length = { 'Content-Length': end - start };
        if (isFirst) reply.throttle(16 * MIB);
        if (range === null) void reply.head(200, { ...length, ...more });
        else void reply.head(206, { ...length, ...label, ...more });
        return reply.body(bytes.subarray(start, end));
      });
      const run = await bench.engine({ connections: 4 }).get(origin.url);
      if (run.status !== 0) return void expectFailed(run, 'CHANGED');
      const file = readFileSync(run.file);
      expect(versions.some((bytes) => bytes.equals(file))).equal(true);
    });
});

describe('digests', () => {
  const bench = benchPerTest();
  const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

  it('P8: a right Repr-Digest is verified and told', async () => {
    const origin = await bench.origin({ size: 9 * MIB, seed: 1 });
    const value = `sha-256=:${base64(origin.digest())}:`;
    origin.set({ fields: { 'Repr-Digest': value } });
    const run = await bench.engine().get(origin.url);
    expectDone(run, { seed: 1, size: 9 * MIB });
    expect(run.last).deep.include({ digests: { sha256: origin.digest() } });
  });

  it('P8: a wrong Repr-Digest, a wrong checksum: exit 9, the part kept', async () => {
    const origin = await bench.origin({ size: 9 * MIB, seed: 1 });
    const wrong = [{ algorithm: 'sha256' as const, hex: '00'.repeat(32) }];
    const first = bench.engine({ checksums: wrong });
    expect(expectFailed(await first.get(origin.url), 'CHECKSUM_MISMATCH').exitStatus).equal(9);
    expect(first.hasPart).equal(true);
    origin.set({ fields: { 'Repr-Digest': `sha-256=:${base64('11'.repeat(32))}:` } });
    const second = bench.engine();
    expectFailed(await second.get(origin.url), 'CHECKSUM_MISMATCH');
    expect(second.hasPart).equal(true);
  });

  it('P8: what the server said is not forgotten: nothing that it refuses gets the name later', async () => {
    const origin = await bench.origin({ size: 9 * MIB, seed: 1 });
    origin.set({ fields: { 'Repr-Digest': `sha-256=:${base64('11'.repeat(32))}:` } });
    const engine = bench.engine();
    expectFailed(await engine.get(origin.url), 'CHECKSUM_MISMATCH');
    expectFailed(await engine.get(origin.url), 'CHECKSUM_MISMATCH');
    expectFailed(await engine.resume(), 'CHECKSUM_MISMATCH');
    origin.set({ fields: { 'Repr-Digest': `sha-256=:${base64(origin.digest())}:` } });
    expectDone(await engine.get(origin.url, { onExists: 'overwrite' }), { seed: 1, size: 9 * MIB });
  });

  it('P8: wrong bytes in the middle of a lease, which no seam sees, fail the digest', async () => {
    const origin = await bench.origin({ size: 9 * MIB, seed: 1 });
    const bytes = Buffer.from(origin.content());
    const hex = origin.digest();
    bytes[3 * MIB] = (bytes[3 * MIB] ?? 0) ^ 1;
    origin.set({ bytes, etag: '"e"' });
    const run = await bench.engine({ checksums: [{ algorithm: 'sha256', hex }] }).get(origin.url);
    expectFailed(run, 'CHECKSUM_MISMATCH');
  });
});
