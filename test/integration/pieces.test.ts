/** Several sources of one file, and pieces with digests of their own (P8). */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { DoneEvent, ErrorEvent } from '../../src/transfer/events.js';
import type { Pieces } from '../../src/verify/pieces.js';
import { SLAB_BYTES } from '../../src/net/slab.js';
import { SEAM_BYTES } from '../../src/lease/task.js';
import { benchPerTest, expectDone, expectFailed, interrupt, told } from '../helpers/engine.js';
import type { Engine, EngineRun } from '../helpers/engine.js';
import type { Origin } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 10 * MIB + 12_345;
const PIECE = 512 * 1024;
const REFERENCE = { seed: 1, size: SIZE };

/** The digests of the pieces of what an origin has. */
function piecesOf(origin: Origin, algorithm: Pieces['algorithm'] = 'sha256'): Pieces {
  const hexes: string[] = [];
  for (let at = 0; at < origin.size; at += PIECE) {
    const bytes = origin.content(at, Math.min(origin.size, at + PIECE));
    hexes.push(createHash(algorithm).update(bytes).digest('hex'));
  }
  return { algorithm, length: PIECE, hexes };
}

/** The content of an origin with one bit wrong at each of the offsets. */
function spoiledBytes(origin: Origin, ...offsets: number[]): Buffer {
  const bytes = Buffer.from(origin.content());
  for (const at of offsets) bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

const sentBy = (origin: Origin, from = 0): number =>
  origin.requests.slice(from).reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);

const warnings = ({ events }: EngineRun): string[] =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

describe('sources and pieces', () => {
  const bench = benchPerTest();
  const good = (): Promise<Origin> => bench.origin({ size: SIZE, seed: 1 });
  const sha256 = (hex: string) => [{ algorithm: 'sha256' as const, hex }];

  for (const withWhole of [true, false]) {
    for (const connections of [1, 4]) {
      const what = withWhole ? 'a digest of the whole' : 'no other digest';
      it(`P8: bad pieces alone are fetched again, with ${what}, ${connections} connections`, async () => {
        const right = await good();
        // Two neighbours, one alone, and the short last one.
        const wrong = [PIECE + 7, 2 * PIECE + 100_000, 9 * PIECE + 5, SIZE - 1];
        const bad = await bench.origin({ bytes: spoiledBytes(right, ...wrong), etag: '"bad"' });
        // It is left out at first, and brings only what the other one sent wrong.
        right.fault({ request: 0, fault: { kind: 'status', status: 503 } });
        const engine = bench.engine({
          connections,
          pieces: piecesOf(right),
          size: SIZE,
          mirrors: [right.url],
          ...(withWhole && { checksums: sha256(right.digest()) }),
        });
        const run = await engine.get(bad.url);
        expectDone(run, REFERENCE);
        expect(warnings(run).join()).match(/4 of 21 pieces are wrong .*fetching them again from/);
        expect(sentBy(right)).least(3 * PIECE + (SIZE % PIECE));
        for (const { range } of right.requests) {
          if (range === null) throw new Error('everything was asked for');
          // That is what a mirror is asked for first.
          if (range.end - range.start === 1) continue;
          const touches = wrong.some(
            (at) =>
              range.start < (Math.floor(at / PIECE) + 1) * PIECE + SEAM_BYTES &&
              range.end > Math.floor(at / PIECE) * PIECE - SEAM_BYTES,
          );
          expect(touches, `${range.start}-${range.end}`).equal(true);
        }
        expect(run.last).deep.include({ pieces: 21 });
      });
    }
  }

  it('P8: one source repairs itself when the second answer is right', async () => {
    const right = await good();
    const origin = await bench.origin({ bytes: spoiledBytes(right, 3 * MIB), etag: '"same"' });
    const engine = bench.engine({ pieces: piecesOf(right, 'sha1') });
    const running = engine.start(origin.url);
    const bytes = right.content();
    // The right bytes come from when the pieces are compared.
    await origin.server.until(({ bodyBytes }) => bodyBytes >= SIZE);
    origin.set({ bytes });
    const run = await running.ended;
    expectDone(run, REFERENCE);
    expect((run.last as DoneEvent).fetched).below(SIZE + PIECE + 20 * SEAM_BYTES + 4 * SLAB_BYTES);
  });

  it('P8: pieces that stay wrong: three rounds, exit 9, and the part is kept', async () => {
    const right = await good();
    const bad = await bench.origin({ bytes: spoiledBytes(right, 3 * MIB), etag: '"bad"' });
    const pieces = piecesOf(right);
    const engine = bench.engine({ pieces, connections: 1 });
    const run = await engine.get(bad.url);
    expect(expectFailed(run, 'CHECKSUM_MISMATCH').exitStatus).equal(9);
    expect(engine.hasPart).equal(true);
    expect(warnings(run)).length(3);
    expect(bad.requests).length(1 + 3);
    for (const { range } of bad.requests.slice(1)) {
      expect(range?.start).equal(3 * MIB - SEAM_BYTES);
      expect(range?.end).equal(3 * MIB + PIECE + SEAM_BYTES);
    }
    // Given again, with a source that is right: only what is bad is asked for.
    const again = await engine.get(bad.url, { pieces, mirrors: [right.url] });
    expectDone(again, REFERENCE);
    expect(sentBy(right)).below(PIECE + 2 * SEAM_BYTES + 1);
  });

  it('P8: no pieces and a digest that refuses what a source has: the next one is asked', async () => {
    const right = await good();
    const bad = await bench.origin({ bytes: spoiledBytes(right, 3 * MIB) });
    const engine = bench.engine({ checksums: sha256(right.digest()), mirrors: [right.url] });
    expectDone(await engine.get(bad.url), REFERENCE);
    expect(sentBy(right)).least(SIZE);
  });

  it('P8: pieces that are right under a wrong digest of the whole: exit 9', async () => {
    const right = await good();
    const checksums = sha256('00'.repeat(32));
    const engine = bench.engine({ checksums, pieces: piecesOf(right) });
    expectFailed(await engine.get(right.url), 'CHECKSUM_MISMATCH');
  });

  it('P8: a source that is refused, has no such name or has another length: the next one', async () => {
    const right = await good();
    const gone = await bench.origin({ size: SIZE });
    gone.fault({ times: Infinity, fault: { kind: 'status', status: 404 } });
    const short = await bench.origin({ size: SIZE - 1 });
    const engine = bench.engine({
      size: SIZE,
      mirrors: ['http://no-such-host.invalid/f', short.url, right.url],
      retries: 0,
    });
    const run = await engine.get(gone.url);
    expectDone(run, REFERENCE);
    expect(warnings(run).join()).match(/HTTP_REFUSED.*NAME_.*SIZE_MISMATCH/);
    expect(sentBy(short)).below(SIZE);
  });

  it('P8: when every source fails, the last one is told', async () => {
    const gone = await bench.origin({ size: SIZE });
    gone.fault({ times: Infinity, fault: { kind: 'status', status: 404 } });
    const run = await bench.engine({ mirrors: [`${gone.url}2`] }).get(gone.url);
    const { message } = expectFailed(run, 'HTTP_REFUSED');
    expect(message).match(/file\.bin2, the last of 2 sources/);
    // Each is asked with a range and without one (P22).
    expect(gone.requests).length(4);
  });

  /** Begins with a source that refuses for ever once over 6 MiB of it are in place. */
  async function getFromDying(engine: Engine): Promise<EngineRun> {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    origin.allow(8 * MIB);
    const running = engine.start(origin.url);
    await running.has(6 * MIB, origin);
    origin.fault({ times: Infinity, fault: { kind: 'status', status: 404 } });
    origin.server.resetAll();
    return running.ended;
  }

  /** What is sent and not received is little: an answer goes on behind the end of its lease. */
  const slowly = (): Promise<Origin> => bench.origin({ size: SIZE, seed: 1, rate: 4 * MIB });

  for (const [name, keeps] of [
    ['whole', true],
    ['pieces', true],
    ['nothing', false],
  ] as const) {
    it(`P8, P24: a source dies in the middle; protected by ${name}`, async () => {
      const right = await slowly();
      const engine = bench.engine({
        connections: 2,
        mirrors: [right.url],
        ...(name === 'whole' && { checksums: sha256(right.digest()) }),
        ...(name === 'pieces' && { pieces: piecesOf(right) }),
      });
      const run = await getFromDying(engine);
      expectDone(run, REFERENCE);
      if (keeps) expect(sentBy(right), told(run)).below(SIZE - 2 * MIB);
      else expect(sentBy(right)).least(SIZE);
    });

    it(`P8, P24: the next source has another file of equal length; protected by ${name}`, async () => {
      const right = await good();
      const other = await bench.origin({ size: SIZE, seed: 2 });
      const engine = bench.engine({
        connections: 2,
        mirrors: [other.url],
        ...(name === 'whole' && { checksums: sha256(right.digest()) }),
        ...(name === 'pieces' && { pieces: piecesOf(right) }),
      });
      const run = await getFromDying(engine);
      // Without a digest the other file is as good as the first, but never a mixture.
      if (name === 'nothing') expectDone(run, { seed: 2, size: SIZE });
      else expectFailed(run, 'CHANGED', 'CHECKSUM_MISMATCH', 'HTTP_REFUSED', 'FIRST_BYTE_TIMEOUT');
    });
  }

  it('P8, P24: a source of another file between two right ones costs its own bytes only', async () => {
    const right = await slowly();
    const other = await bench.origin({ size: SIZE, seed: 2 });
    const engine = bench.engine({
      connections: 2,
      pieces: piecesOf(right),
      mirrors: [other.url, right.url],
    });
    const run = await getFromDying(engine);
    expectDone(run, REFERENCE);
    expect(sentBy(right)).below(SIZE - 2 * MIB);
  });

  it('P8: stopped and given again, kept bytes that were spoiled are fetched again', async () => {
    const right = await good();
    const slow = await bench.origin({ bytes: spoiledBytes(right, 100), etag: '"e"' });
    const pieces = piecesOf(right);
    const engine = bench.engine({ connections: 2, pieces });
    slow.allow(7 * MIB);
    await interrupt(engine.start(slow.url), 5 * MIB, slow);
    slow.allow(Infinity);
    const from = slow.requests.length;
    slow.set({ bytes: right.content() });
    expectDone(await engine.get(slow.url), REFERENCE);
    expect(sentBy(slow, from)).below(SIZE - 3 * MIB);
  });

  it('P8: a file that is there is compared by its pieces', async () => {
    const right = await good();
    const engine = bench.engine({ pieces: piecesOf(right), size: SIZE });
    expectDone(await engine.get(right.url), REFERENCE);
    const asked = right.requests.length;
    expect((await engine.get(right.url)).last).include({ outcome: 'complete' });
    expect(right.requests).length(asked);
    const other = await engine.get(right.url, { pieces: null, size: SIZE + 1, checksums: [] });
    expect((other.last as ErrorEvent).code).not.equal('DEFECT');
  });

  it('P11: what is sent beside the request goes to the origin that it was given for', async () => {
    const right = await good();
    const gone = await bench.origin({ size: SIZE });
    gone.fault({ times: Infinity, fault: { kind: 'status', status: 404 } });
    const secret = { user: { user: 'u', password: 'p' }, headers: ['X-Key: k'] };
    const engine = bench.engine({ mirrors: [right.url], ...secret });
    expectDone(await engine.get(gone.url), REFERENCE);
    const sent = (origin: Origin): string =>
      JSON.stringify(origin.requests.map(({ fields }) => fields));
    expect(sent(gone))
      .match(/x-key/i)
      .match(/authorization/i);
    expect(sent(right)).not.match(/x-key|authorization/i);
    const another = bench.engine({ credentialsFor: gone.url, ...secret });
    expectDone(await another.get(right.url), REFERENCE);
    expect(sent(right)).not.match(/x-key|authorization/i);
  });

  it('P4: what is kept survives a first request that fails once', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const engine = bench.engine({ connections: 2 });
    origin.allow(7 * MIB);
    await interrupt(engine.start(origin.url), 5 * MIB, origin);
    origin.allow(Infinity);
    const from = origin.requests.length;
    origin.fault({ request: from, fault: { kind: 'status', status: 503 } });
    expectDone(await engine.get(origin.url), REFERENCE);
    expect(sentBy(origin, from)).below(SIZE - 3 * MIB);
  });
});
