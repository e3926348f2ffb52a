/** Several sources at once: flows of one schedule, and never a file that no single one serves (P24). */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { DoneEvent, ErrorEvent } from '../../src/transfer/events.js';
import { StreamDownload } from '../../src/transfer/stream.js';
import type { Pieces } from '../../src/verify/pieces.js';
import { resumeOptions } from '../../src/app/resume.js';
import { benchPerTest, expectDone, expectFailed, interrupt, startRun } from '../helpers/engine.js';
import type { EngineRun, RunOverrides } from '../helpers/engine.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 12 * MIB;
const REFERENCE = { seed: 1, size: SIZE };
const PIECE = 512 * 1024;

/** Slow enough that further sources have the time to join. */
const RATE = 6 * MIB;

const warnings = ({ events }: EngineRun): string =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])).join('\n');

const sentBy = ({ requests }: Origin): number =>
  requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);

function piecesOf(origin: Origin): Pieces {
  const hexes: string[] = [];
  for (let at = 0; at < SIZE; at += PIECE)
    hexes.push(
      createHash('sha256')
        .update(origin.content(at, Math.min(SIZE, at + PIECE)))
        .digest('hex'),
    );
  return { algorithm: 'sha256', length: PIECE, hexes };
}

describe('several sources at once', () => {
  const bench = benchPerTest();
  const origin = (options: OriginOptions = {}): Promise<Origin> =>
    bench.origin({ size: SIZE, seed: 1, rate: RATE, ...options });
  const sha256 = (of: Origin): RunOverrides => ({
    checksums: [{ algorithm: 'sha256', hex: of.digest() }],
  });

  /** The whole with one bit wrong in every MiB, so that whatever is taken from it is wrong. */
  const liar = (right: Origin): Promise<Origin> => {
    const bytes = Buffer.from(right.content());
    for (let at = MIB / 2; at < SIZE; at += MIB) bytes[at] = (bytes[at] ?? 0) ^ 1;
    return origin({ bytes, etag: '"liar"' });
  };

  /** Reads it all in order through a window. */
  async function readAll(
    url: string,
    overrides: RunOverrides,
  ): Promise<{ last: DoneEvent | ErrorEvent; bytes: Buffer }> {
    const chunks: Buffer[] = [];
    const write = (chunk: Uint8Array): Promise<void> => {
      chunks.push(Buffer.from(chunk));
      return Promise.resolve();
    };
    const given = bench.engine({ connections: 2, ...overrides }).options(url);
    const output = { write, close: () => undefined };
    const last = await new StreamDownload(given, output, 8 * MIB).run();
    return { last, bytes: Buffer.concat(chunks) };
  }

  it('P23: share what goes to a reader, in order, also when the first one dies', async () => {
    const [first, second] = [await origin(), await origin()];
    const mirrors = [second.url];
    const read = await readAll(first.url, { mirrors, ...sha256(first) });
    expect(read.last).property('type', 'done');
    expect(read.bytes.equals(first.content())).equal(true);
    for (const each of [first, second]) expect(sentBy(each)).above(SIZE / 10);

    const dying = await origin();
    const dead = { kind: 'status' as const, status: 404 };
    dying.fault({ when: ({ number }) => number > 0, times: Infinity, fault: dead });
    dying.fault({ request: 0, fault: { kind: 'reset', at: 4 * MIB } });
    const rest = await readAll(dying.url, { mirrors, ...sha256(first) });
    expect(rest.last).property('type', 'done');
    expect(rest.bytes.equals(first.content())).equal(true);
  });

  it('P24: what goes to a reader is of one source without a digest, and refused where one lied', async () => {
    const [first, lies] = [await origin(), await liar(await origin())];
    const alone = await readAll(first.url, { mirrors: [lies.url] });
    expect(alone.bytes.equals(first.content())).equal(true);
    expect(sentBy(lies)).equal(0);
    const mixed = await readAll(first.url, { mirrors: [lies.url], ...sha256(first) });
    // A seam tells, or the digest in the end.
    expect(mixed.last)
      .property('code')
      .match(/^(CHANGED|CHECKSUM_MISMATCH)$/);
    expect(mixed.last)
      .property('next')
      .match(/without --mirror/);
  });

  it('share a file that a digest is known of', async () => {
    const sources = [await origin(), await origin(), await origin()];
    const [first, ...mirrors] = sources as [Origin, ...Origin[]];
    const engine = bench.engine({
      connections: 2,
      mirrors: mirrors.map(({ url }) => url),
      ...sha256(first),
    });
    const run = await engine.get(first.url);
    expectDone(run, REFERENCE);
    for (const source of sources) expect(sentBy(source)).within(MIB, 10 * MIB);
    expect(sources.reduce((sum, source) => sum + sentBy(source), 0)).below(SIZE + 2 * MIB);
  });

  it('are found in Link fields of the server (RFC 6249)', async () => {
    const mirror = await origin();
    const first = await origin({ fields: { Link: `<${mirror.url}>; rel=duplicate` } });
    const engine = bench.engine({ connections: 2, ...sha256(first) });
    const run = await engine.get(first.url);
    expectDone(run, REFERENCE);
    expect(sentBy(mirror)).above(2 * MIB);
    const { sources } = run.last as DoneEvent;
    expect(sources?.map(({ url }) => url)).deep.equal([first.url, mirror.url]);
  });

  it('P11: resume knows them again, and whose the credentials are', async () => {
    const [first, mirror] = [await origin(), await origin()];
    first.allow(3 * MIB);
    mirror.allow(3 * MIB);
    const engine = bench.engine({ connections: 2, mirrors: [mirror.url], ...sha256(first) });
    await interrupt(engine.start(first.url), MIB, first);
    const [asked, before] = [first.requests.length, mirror.requests.length];
    first.set({ bytes: Buffer.from('gone'), etag: '"gone"' });
    mirror.allow(SIZE);
    const given = engine.options('', { mirrors: [], user: { user: 'u', password: 'p' } });
    const run = await startRun(resumeOptions(engine.file, given)).ended;
    expectDone(run, REFERENCE);
    const values = (of: Origin, from: number) =>
      of.requests.slice(from).map(({ fields }) => fields['authorization'] ?? null);
    expect(values(first, asked)).not.include(null);
    expect(values(mirror, before)).include(null).not.include('Basic dTpw');
  });

  it('P24: are asked one after the other where no digest is known', async () => {
    const [first, mirror] = [await origin(), await origin()];
    const engine = bench.engine({ connections: 2, mirrors: [mirror.url] });
    expectDone(await engine.get(first.url), REFERENCE);
    expect(mirror.requests).length(0);
  });

  it('P11: get nothing of what was given for another one', async () => {
    const [first, mirror] = [await origin(), await origin()];
    const engine = bench.engine({
      connections: 2,
      mirrors: [mirror.url],
      bearer: 'secret',
      headers: ['X-Key: secret', 'Cookie: secret'],
      ...sha256(first),
    });
    expectDone(await engine.get(first.url), REFERENCE);
    expect(mirror.requests.length).above(1);
    expect(JSON.stringify(mirror.requests)).not.match(/secret/);
    expect(JSON.stringify(first.requests)).match(/secret/);
  });

  for (const isFirst of [true, false])
    it(`P24: a ${isFirst ? 'first source' : 'mirror'} that lies is found by a digest of the whole, and named`, async () => {
      const right = await origin();
      const wrong = await liar(right);
      const [first, mirror] = isFirst ? [wrong, right] : [right, wrong];
      const engine = bench.engine({ connections: 2, mirrors: [mirror.url], ...sha256(right) });
      const run = await engine.get(first.url);
      expectDone(run, REFERENCE);
      expect(warnings(run)).contain(`${wrong.url} sent bytes that are not the file's`);
    });

  it('P24: one of three that lies is found', async () => {
    const right = await origin();
    const wrong = await liar(right);
    const third = await origin();
    const engine = bench.engine({
      connections: 2,
      mirrors: [wrong.url, third.url],
      ...sha256(right),
    });
    const run = await engine.get(right.url);
    expectDone(run, REFERENCE);
  });

  it('P24: wrong pieces are fetched from another source, and the liar is named', async () => {
    const right = await origin();
    const wrong = await liar(right);
    const engine = bench.engine({
      connections: 2,
      mirrors: [wrong.url],
      pieces: piecesOf(right),
      size: SIZE,
    });
    const run = await engine.get(right.url);
    expectDone(run, REFERENCE);
    // A seam between the two may tell before a whole piece does.
    expect(warnings(run)).contain(wrong.url);
  });

  it('P8: a digest that is nobody’s fails when every source was tried alone', async () => {
    const [first, mirror] = [await origin(), await origin()];
    const engine = bench.engine({
      connections: 2,
      mirrors: [mirror.url],
      checksums: [{ algorithm: 'sha256', hex: '0'.repeat(64) }],
    });
    const run = await engine.get(first.url);
    expectFailed(run, 'CHECKSUM_MISMATCH');
    for (const each of [first, mirror]) expect(sentBy(each)).least(SIZE);
  });

  it('one that has a file of another length is left out, and said so', async () => {
    const [first, mirror] = [await origin(), await origin({ size: SIZE + 1 })];
    const engine = bench.engine({ connections: 2, mirrors: [mirror.url], ...sha256(first) });
    const run = await engine.get(first.url);
    expectDone(run, REFERENCE);
    expect(warnings(run)).match(/is left out \(SIZE_MISMATCH\): its file has/);
    expect(sentBy(mirror)).below(MIB);
  });

  const LOST: Record<string, OriginOptions> = {
    'refuses everything': { faults: [{ fault: { kind: 'status', status: 403 }, times: Infinity }] },
    'goes silent in the middle of each body': {
      faults: [{ fault: { kind: 'stall', at: 100_000 }, times: Infinity }],
    },
    'resets in the middle of each body': {
      faults: [{ fault: { kind: 'reset', at: 100_000 }, times: Infinity }],
    },
    'never answers': { faults: [{ fault: { kind: 'stall-head', at: 0 }, times: Infinity }] },
    'lets nobody in': { admit: () => 'reset' },
  };
  for (const [what, options] of Object.entries(LOST))
    it(`a mirror that ${what} costs nothing but a moment`, async () => {
      const [first, mirror] = [await origin(), await origin(options)];
      const engine = bench.engine({ connections: 2, mirrors: [mirror.url], ...sha256(first) });
      const began = performance.now();
      expectDone(await engine.get(first.url), REFERENCE);
      // By itself the first one takes 1 s.
      expect(performance.now() - began).below(6000);
    });

  it('a first source that goes away is left, and a mirror brings the rest', async () => {
    const first = await origin({
      faults: [
        {
          when: ({ number }) => number > 0,
          fault: { kind: 'status', status: 404 },
          times: Infinity,
        },
        { request: 0, fault: { kind: 'reset', at: 2 * MIB } },
      ],
    });
    const mirror = await origin();
    const engine = bench.engine({ connections: 2, mirrors: [mirror.url], ...sha256(mirror) });
    const run = await engine.get(first.url);
    expectDone(run, REFERENCE);
    expect(sentBy(mirror)).above(SIZE / 2);
  });
});
