/** What a digest refused, and whatever else an earlier run left, becomes a file only with proof (P27). */
import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { linkSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import type { OriginOptions } from '../helpers/origin.js';
import { contentAt } from '../helpers/content.js';
import {
  benchPerTest,
  expectDone,
  expectFailed,
  interrupt,
  interrupted,
  told,
} from '../helpers/engine.js';
import type { Engine, EngineRun, RunOverrides } from '../helpers/engine.js';
import { expectSameContent } from '../helpers/files.js';
import { asVersion1, flip, leaveAs, optionsOf, versionOf } from '../helpers/kept.js';
import type { Origin } from '../helpers/origin.js';
import type { Pieces } from '../../src/verify/pieces.js';

const MIB = 1024 * 1024;
const SIZE = 9 * MIB;
const PIECE = 512 * 1024;
/** What a server without ranges has sent when it is not read any more is in the system's buffers. */
const LITTLE = 6 * MIB;

const sha256 = (hex: string) => [{ algorithm: 'sha256' as const, hex }];
const WRONG = { checksums: sha256('00'.repeat(32)) };
const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

const NONE: OriginOptions = { etag: 'none', lastModified: null };
const WEAK: OriginOptions = { etag: 'weak', lastModified: null };

const warnings = ({ events }: EngineRun): string =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])).join('\n');

/** What is asked for, and sent, from now on. */
function since(origin: Origin): { requests(): number; sent(): number } {
  const from = origin.requests.length;
  const after = (): Origin['requests'] => origin.requests.slice(from);
  return {
    requests: () => after().length,
    sent: () => after().reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
  };
}

function piecesOf(origin: Origin): Pieces {
  const hexes: string[] = [];
  for (let at = 0; at < origin.size; at += PIECE) {
    const bytes = origin.content(at, Math.min(origin.size, at + PIECE));
    hexes.push(createHash('sha256').update(bytes).digest('hex'));
  }
  return { algorithm: 'sha256', length: PIECE, hexes };
}

describe('kept bytes that a digest refused', () => {
  const bench = benchPerTest();
  const serve = (options: OriginOptions = {}): Promise<Origin> =>
    bench.origin({ size: SIZE, seed: 1, ...options });

  /** Each way for a digest to refuse what was fetched; the part is whole then. */
  const WAYS: Record<string, (origin: Origin) => RunOverrides> = {
    '--checksum': () => WRONG,
    'Repr-Digest': (origin) => {
      const value = `sha-256=:${base64('11'.repeat(32))}:`;
      origin.fault({ times: 100, fault: { kind: 'field', name: 'Repr-Digest', value } });
      return {};
    },
    'the pieces of a Metalink': (origin) => {
      const { hexes, ...pieces } = piecesOf(origin);
      return {
        pieces: { ...pieces, hexes: hexes.map((hex, at) => (at === 3 ? '22'.repeat(32) : hex)) },
      };
    },
    'a Metalink with both': (origin) => ({ ...WRONG, pieces: piecesOf(origin) }),
  };

  async function refused(
    engine: Engine,
    origin: Origin,
    way = '--checksum',
  ): Promise<RunOverrides> {
    const given = WAYS[way]?.(origin) ?? {};
    expectFailed(await engine.get(origin.url, given), 'CHECKSUM_MISMATCH');
    expect(engine.hasPart).equal(true);
    expect(optionsOf(engine.file)['refused'], 'marked').equal(true);
    return given;
  }

  for (const way of Object.keys(WAYS)) {
    it(`P27: ${way} refused; the server has another file by now: that one is fetched`, async () => {
      const origin = await serve();
      const engine = bench.engine();
      await refused(engine, origin, way);
      origin.heal();
      origin.set({ seed: 2 });
      const now = since(origin);
      const run = await engine.get(origin.url);
      expectDone(run, { seed: 2, size: SIZE });
      expect(now.sent()).least(SIZE);
      expect(warnings(run)).match(/changed on the server.*starting over/);
    });

    it(`P27: ${way} refused; given again, the server is asked again`, async () => {
      const origin = await serve();
      const engine = bench.engine();
      const given = await refused(engine, origin, way);
      let now = since(origin);
      const again = expectFailed(await engine.get(origin.url, given), 'CHECKSUM_MISMATCH');
      expect(now.requests(), 'asked').least(1);
      expect(again.exitStatus).equal(9);
      expect(again.kept).match(/bytes (?:\(\d+%\) )?are kept in/);
      expect(engine.hasPart).equal(true);
      origin.heal();
      origin.set({ seed: 2 });
      now = since(origin);
      const right = given.checksums || given.pieces ? { checksums: sha256(origin.digest()) } : {};
      expectDone(await engine.get(origin.url, right), { seed: 2, size: SIZE });
      expect(now.sent()).least(SIZE);
    });
  }

  it('P27: the server has the same file still: it is published after one question, and that is told', async () => {
    for (const options of [{}, { etag: 'none' }, { ranges: false }] satisfies OriginOptions[]) {
      const origin = await serve(options);
      const engine = bench.engine();
      await refused(engine, origin);
      const now = since(origin);
      const run = await engine.get(origin.url);
      expectDone(run, { seed: 1, size: SIZE });
      expect(now.requests()).equal(1);
      expect(now.sent()).below(LITTLE);
      expect(warnings(run)).match(/digest refused .*before.*server still has/);
    }
  });

  it('P27: the same digest and the same file: exit 9 says that the server still has it', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await refused(engine, origin);
    for (const run of [await engine.get(origin.url, WRONG), await engine.resume()]) {
      const { message, next } = expectFailed(run, 'CHECKSUM_MISMATCH');
      expect(message).match(/sha256 is .*server still has the same/);
      expect(next).include('--on-exists overwrite');
    }
    expectDone(await engine.get(origin.url, { onExists: 'overwrite' }), { seed: 1, size: SIZE });
  });

  for (const [name, options] of [
    ['no validator', NONE],
    ['a weak ETag', WEAK],
  ] as const) {
    it(`P27: with ${name} nothing proves what the server has: get fetches it, resume keeps what is there`, async () => {
      const origin = await serve(options);
      const engine = bench.engine();
      await refused(engine, origin);
      let now = since(origin);
      expectFailed(await engine.resume(), 'CHECKSUM_MISMATCH');
      expectFailed(await engine.resume({ insist: true }), 'CHECKSUM_MISMATCH');
      expect(now.requests()).equal(2);
      expect(engine.hasPart).equal(true);
      now = since(origin);
      expectFailed(await engine.get(origin.url, WRONG), 'CHECKSUM_MISMATCH');
      expect(now.sent(), 'with the digest').least(SIZE);
      now = since(origin);
      expectDone(await engine.get(origin.url), { seed: 1, size: SIZE });
      expect(now.sent(), 'without').least(SIZE);
    });
  }

  it('P27: resume of what the server has changed since: exit 8, kept', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await refused(engine, origin);
    origin.set({ seed: 2 });
    expectFailed(await engine.resume(), 'CHANGED');
    expect(engine.hasPart).equal(true);
  });

  it('P27: a digest that says so needs no server; one that does not is told when none can be asked', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await refused(engine, origin);
    origin.fault({ times: Infinity, fault: { kind: 'status', status: 503 } });
    const wrong = await engine.get(origin.url, { ...WRONG, retries: 0 });
    expectFailed(wrong, 'HTTP_SERVER_ERROR');
    expect(warnings(wrong)).match(/sha256 is .*asking the server/);
    expectFailed(await engine.get(origin.url, { retries: 0 }), 'HTTP_SERVER_ERROR');
    const now = since(origin);
    expectDone(await engine.get(origin.url, { checksums: sha256(origin.digest()) }), {
      seed: 1,
      size: SIZE,
    });
    expect(now.requests()).equal(0);
  });

  it('P27: a digest that the server has withdrawn still refuses; one that it has corrected counts', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await refused(engine, origin, 'Repr-Digest');
    origin.heal();
    const now = since(origin);
    expectFailed(await engine.get(origin.url), 'CHECKSUM_MISMATCH');
    expectFailed(await engine.resume(), 'CHECKSUM_MISMATCH');
    expect(now.requests()).equal(2);
    origin.set({ fields: { 'Repr-Digest': `sha-256=:${base64(origin.digest())}:` } });
    expectDone(await engine.get(origin.url), { seed: 1, size: SIZE });
  });

  it('P27: bytes that were exchanged since are found, although the mark of a clean stop fits', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await refused(engine, origin);
    flip(`${engine.file}.part`, 5 * MIB);
    await leaveAs(engine.file, { clean: true });
    expectDone(await engine.get(origin.url), { seed: 1, size: SIZE });
  });

  it('P27: the mark outlives a run that asked and did not get to the end', async () => {
    const origin = await serve();
    const engine = bench.engine({ connections: 1 });
    // In two runs, so that there are two claims.
    origin.allow(5 * MIB);
    await interrupt(engine.start(origin.url), 3 * MIB, origin);
    origin.allow(Infinity);
    await refused(engine, origin);
    // What is damaged has to be fetched again, and is not.
    flip(`${engine.file}.part`, SIZE - 5);
    origin.fault({ times: 1, request: origin.requests.length, fault: { kind: 'hold', at: 0 } });
    const running = engine.start(origin.url);
    const asked = origin.requests.length;
    await origin.server.until(({ requests }) => requests.length > asked);
    running.stop(interrupted());
    expect((await running.ended).status).equal(130);
    expect(optionsOf(engine.file)['refused']).equal(true);
    origin.release();
    expectDone(await engine.get(origin.url), { seed: 1, size: SIZE });
  });

  it('P27: a source that died after the digest refused: the next one is no proof', async () => {
    const origin = await serve();
    const other = await serve({ seed: 2 });
    const engine = bench.engine({ mirrors: [other.url] });
    await refused(engine, origin);
    origin.fault({ times: Infinity, fault: { kind: 'status', status: 404 } });
    const checksums = sha256(other.digest());
    expectDone(await engine.get(origin.url, { checksums }), { seed: 2, size: SIZE });
  });

  it('P27: a journal of version 1 with that mark is continued, and is of version 2 then', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await refused(engine, origin);
    asVersion1(engine.file);
    expectFailed(await engine.get(origin.url, WRONG), 'CHECKSUM_MISMATCH');
    expect(versionOf(engine.file)).equal(2);
    asVersion1(engine.file);
    origin.set({ seed: 2 });
    expectDone(await engine.get(origin.url), { seed: 2, size: SIZE });
  });
});

describe('kept bytes that nobody has verified', () => {
  const bench = benchPerTest();
  const serve = (options: OriginOptions = {}): Promise<Origin> =>
    bench.origin({ size: SIZE, seed: 1, ...options });

  /** A part that is whole, as a run leaves it that died after its last checkpoint. */
  async function whole(engine: Engine, origin: Origin, clean = false): Promise<void> {
    expectFailed(await engine.get(origin.url, WRONG), 'CHECKSUM_MISMATCH');
    await leaveAs(engine.file, { clean, options: { refused: undefined, checksums: [] } });
  }

  for (const command of ['get', 'resume'] as const) {
    const again = (engine: Engine, origin: Origin, more: RunOverrides = {}): Promise<EngineRun> =>
      command === 'get' ? engine.get(origin.url, more) : engine.resume(more);

    it(`P27: ${command} asks whether the server still has what is whole already`, async () => {
      const origin = await serve();
      for (const clean of [true, false]) {
        const engine = bench.engine();
        await whole(engine, origin, clean);
        const now = since(origin);
        expectDone(await again(engine, origin), { seed: 1, size: SIZE });
        expect(now.requests()).equal(1);
        expect(now.sent()).below(LITTLE);
      }
    });

    it(`P27: ${command} publishes nothing that the server has no more`, async () => {
      const origin = await serve();
      const engine = bench.engine();
      await whole(engine, origin);
      origin.set({ seed: 2 });
      const run = await again(engine, origin);
      if (command === 'get') expectDone(run, { seed: 2, size: SIZE });
      else expectFailed(run, 'CHANGED');
    });

    for (const [name, options] of [
      ['no validator', NONE],
      ['a weak ETag', WEAK],
    ] as const)
      it(`P7, P27: ${command} of what is whole, with ${name}`, async () => {
        const origin = await serve(options);
        const engine = bench.engine();
        await whole(engine, origin);
        origin.set({ seed: 2 });
        const run = await again(engine, origin);
        if (command === 'get') return expectDone(run, { seed: 2, size: SIZE });
        // Weak ETags that differ tell that much.
        expectFailed(run, options.etag === 'weak' ? 'CHANGED' : 'RESUME_UNPROVEN');
        origin.set({ seed: 1 });
        expectFailed(await engine.resume(), 'RESUME_UNPROVEN');
        expectDone(await engine.resume({ insist: true }), { seed: 1, size: SIZE });
      });

    it(`P27: ${command} needs no server for what was verified when the run died`, async () => {
      const origin = await serve(NONE);
      const engine = bench.engine();
      await whole(engine, origin);
      await leaveAs(engine.file, { clean: false, publish: {} });
      const now = since(origin);
      expectDone(await again(engine, origin), { seed: 1, size: SIZE });
      expect(now.requests()).equal(0);
    });
  }

  it('P27: a name that was taken in the last moment: resume gives it without asking again', async () => {
    const origin = await serve({ ...NONE, rate: 6 * MIB });
    const engine = bench.engine({ connections: 1 });
    const running = engine.start(origin.url);
    await running.has(MIB);
    writeFileSync(engine.file, 'taken');
    const run = await running.ended;
    expect(run.last, told(run)).include({ code: 'TARGET_EXISTS' });
    rmSync(engine.file);
    const now = since(origin);
    expectDone(await engine.resume(), { seed: 1, size: SIZE });
    expect(now.requests()).equal(0);
  });

  it('P27: what was verified and is refused by another digest now is verified no more', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await whole(engine, origin);
    await leaveAs(engine.file, { clean: false, publish: {} });
    expectFailed(await engine.get(origin.url, WRONG), 'CHECKSUM_MISMATCH');
    origin.set({ seed: 2 });
    expectDone(await engine.get(origin.url), { seed: 2, size: SIZE });
  });

  it('P27: a part under the name that the server gives is compared with its journal as well', async () => {
    const fields = { 'Content-Disposition': 'attachment; filename="real.bin"' };
    const origin = await serve({ fields });
    const engine = bench.engine({ output: null });
    const overrides = { dir: engine.dir };
    const real = `${engine.dir}/real.bin`;
    expectFailed(await engine.get(origin.url, { ...overrides, ...WRONG }), 'CHECKSUM_MISMATCH');
    await leaveAs(real, { clean: false, options: { refused: undefined, checksums: [] } });
    flip(`${real}.part`, 5 * MIB);
    const run = await engine.get(origin.url, overrides);
    expectDone({ ...run, file: real }, { seed: 1, size: SIZE });
  });

  it('P27: so is one of which no server had told the length', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await whole(engine, origin);
    await leaveAs(engine.file, { clean: false, size: null });
    flip(`${engine.file}.part`, 5 * MIB);
    expectDone(await engine.get(origin.url), { seed: 1, size: SIZE });
  });

  /** As a run leaves it that died between the name and the removal of the journal. */
  async function published(engine: Engine, origin: Origin): Promise<void> {
    await whole(engine, origin);
    await leaveAs(engine.file, { clean: false, publish: {} });
    linkSync(`${engine.file}.part`, engine.file);
  }

  it('P27: a file that was changed after a run had died with the name in place is not that download', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await published(engine, origin);
    flip(engine.file, 5 * MIB);
    utimesSync(engine.file, new Date(), new Date(Date.now() + 1000));
    const changed = readFileSync(engine.file);
    expect((await engine.get(origin.url)).last).include({ code: 'TARGET_EXISTS' });
    expect(readFileSync(engine.file).equals(changed), 'left alone').equal(true);
    expect(engine.hasPart).equal(false);
  });

  it('P8, P27: a run that died with the name in place: pieces that are given now are compared', async () => {
    const origin = await serve();
    const engine = bench.engine();
    await published(engine, origin);
    const { hexes, ...pieces } = piecesOf(origin);
    const wrong = { ...pieces, hexes: hexes.map(() => '22'.repeat(32)) };
    expect((await engine.get(origin.url, { pieces: wrong })).status).equal(9);
    await engine.get(origin.url, { pieces: { ...pieces, hexes } });
    expectSameContent(engine.file, 1, SIZE);
  });

  it('P27: what the server said of it in an earlier run is verified, too', async () => {
    const origin = await serve({ rate: 6 * MIB });
    const engine = bench.engine({ connections: 1 });
    const value = `sha-256=:${base64('11'.repeat(32))}:`;
    origin.set({ fields: { 'Repr-Digest': value } });
    origin.allow(6 * MIB);
    await interrupt(engine.start(origin.url), 4 * MIB, origin);
    origin.allow(Infinity);
    origin.set({ fields: {} });
    expectFailed(await engine.get(origin.url), 'CHECKSUM_MISMATCH');
  });
});

describe('kept bytes that were combined on trust', () => {
  const bench = benchPerTest();
  const serve = (options: OriginOptions = {}): Promise<Origin> =>
    bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB, ...options });

  /** Another file of the same length: no seam between what is kept and what is missing tells. */
  function likeness({ seed, size }: Origin): Buffer {
    const bytes = Buffer.from(contentAt(seed, 0, size));
    for (const at of [100, size - 100]) bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  }

  function expectBytes({ file }: Engine, bytes: Buffer): void {
    expect(readFileSync(file).equals(bytes), 'the file of the server').equal(true);
  }

  for (const how of ['a digest', '--insist'] as const) {
    it(`P7, P27: by ${how} and interrupted: without it get starts over, resume refuses`, async () => {
      const engine = bench.engine({ connections: 1 });
      const origin = await serve(NONE);
      origin.allow(4 * MIB);
      await interrupt(engine.start(origin.url), 2 * MIB, origin);
      // From now on a validator proves what is fetched, and nothing of what was.
      const bytes = likeness(origin);
      origin.set({ bytes, etag: 'strong' });
      origin.allow(4 * MIB);
      const more = how === '--insist' ? { insist: true } : WRONG;
      await interrupt(engine.startResume(more), 4 * MIB, origin);
      origin.allow(Infinity);
      await leaveAs(engine.file, { clean: true, options: { checksums: [] } });
      const { message } = expectFailed(await engine.resume(), 'RESUME_UNPROVEN');
      expect(message).include('an earlier run combined');
      const run = await engine.get(origin.url);
      expect(run.status, told(run)).equal(0);
      expectBytes(engine, bytes);
    });
  }

  it('P27: what was combined on trust is not known to be what the server has, once it is a file', async () => {
    const engine = bench.engine({ connections: 1 });
    const origin = await serve(NONE);
    origin.allow(4 * MIB);
    await interrupt(engine.start(origin.url), 2 * MIB, origin);
    origin.allow(Infinity);
    origin.set({ bytes: likeness(origin), etag: 'strong' });
    expect((await engine.resume({ insist: true })).status).equal(0);
    expect((await engine.get(origin.url)).last).include({ code: 'TARGET_EXISTS' });
  });

  it('P8, P27: bytes of two sources, combined under a digest and interrupted, are no file without it', async () => {
    const first = await serve();
    const bytes = likeness(first);
    const second = await serve({ bytes });
    const engine = bench.engine({ connections: 1 });
    first.allow(5 * MIB);
    second.allow(2 * MIB);
    const running = engine.start(first.url, { ...WRONG, mirrors: [second.url] });
    await running.has(3 * MIB, first);
    first.fault({ times: Infinity, fault: { kind: 'status', status: 404 } });
    first.server.resetAll();
    await second.server.until(({ bodyBytes }) => bodyBytes > MIB);
    running.stop(interrupted());
    expect((await running.ended).status).equal(130);
    first.heal();
    first.allow(Infinity);
    await leaveAs(engine.file, { clean: true, options: { checksums: [] } });
    expectFailed(await engine.resume(), 'RESUME_UNPROVEN');
    const run = await engine.get(first.url);
    expect(run.status, told(run)).equal(0);
    expectBytes(engine, Buffer.from(first.content()));
  });
});
