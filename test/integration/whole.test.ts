/** Small files that come whole in one answer, and what may come between (src/transfer/whole.ts). */
import { expect } from 'chai';
import { existsSync, linkSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';

const REFERENCE = { seed: 1, size: 100_000 };

describe('a small file that comes whole', () => {
  const bench = benchPerTest();

  it('P2: has its name and nothing beside it, one request, and is known the next time', async () => {
    const origin = await bench.origin(REFERENCE);
    const engine = bench.engine();
    const run = await engine.get(origin.url);
    expectDone(run, REFERENCE);
    expect(run.last).include({ outcome: 'downloaded', bytes: 100_000, fetched: 100_000 });
    expect(run.events.map(({ type }) => type)).deep.equal(['start', 'done']);
    // No lease was given for it.
    expect(run.leases).deep.equal([]);
    expect(readdirSync(engine.dir)).deep.equal(['file.bin']);
    expect(origin.requests.length).equal(1);
    expect((await engine.get(origin.url)).last).include({ outcome: 'complete', fetched: 0 });
  });

  it('P4: what a run leaves that is killed while it writes it is removed by the next one', async () => {
    const origin = await bench.origin(REFERENCE);
    const engine = bench.engine();
    writeFileSync(`${engine.file}.sluice~`, origin.content(0, 50_000));
    expectDone(await engine.get(origin.url), REFERENCE);
    expect(readdirSync(engine.dir)).deep.equal(['file.bin']);
  });

  it('P4: a run that is killed with both names there has finished the file', async () => {
    const origin = await bench.origin(REFERENCE);
    const engine = bench.engine();
    expectDone(await engine.get(origin.url), REFERENCE);
    linkSync(engine.file, `${engine.file}.sluice~`);
    const again = await engine.get(origin.url);
    expect(again.last).include({ outcome: 'complete', fetched: 0 });
    expect(readdirSync(engine.dir)).deep.equal(['file.bin']);
  });

  it('P3: of a body that breaks off, what came is kept, and only the rest asked for', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.fault({ times: 1, fault: { kind: 'early-end', at: 60_000 } });
    const run = await bench.engine({ retries: 1 }).get(origin.url);
    expectDone(run, REFERENCE);
    expect(run.last)
      .property('fetched')
      .below(2 * 60_000);
    expect(origin.requests.at(-1)?.range?.start).above(0);
  });

  it('P8, P27: bytes that a digest refuses go the ordinary way, and are kept beside their journal', async () => {
    const origin = await bench.origin(REFERENCE);
    const engine = bench.engine();
    const checksums = [{ algorithm: 'sha256' as const, hex: '0'.repeat(64) }];
    expectFailed(await engine.get(origin.url, { checksums }), 'CHECKSUM_MISMATCH');
    expect(engine.keptBytes).equal(REFERENCE.size);
    const right = [{ algorithm: 'sha256' as const, hex: origin.digest() }];
    const run = await engine.get(origin.url, { checksums: right });
    expectDone(run, REFERENCE);
    expect(run.last).deep.include({ digests: { sha256: origin.digest() } });
  });

  it('P8: is verified where it is: a list starts no thread for each of its files', async () => {
    const origin = await bench.origin(REFERENCE);
    let threads = 0;
    const count = (): void => void threads++;
    process.on('worker', count);
    const checksums = [{ algorithm: 'sha256' as const, hex: origin.digest() }];
    const run = await bench.engine({ checksums }).get(origin.url);
    process.off('worker', count);
    expectDone(run, REFERENCE);
    expect(run.last).deep.include({ digests: { sha256: origin.digest() } });
    expect(threads).equal(0);
  });

  it('P2: a name that is taken meanwhile stays what it is', async () => {
    const origin = await bench.origin(REFERENCE);
    const engine = bench.engine();
    origin.fault({ times: 1, fault: { kind: 'hold', at: 60_000 } });
    const running = engine.start(origin.url);
    while (origin.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(engine.file, 'mine');
    origin.release();
    expect((await running.ended).status).equal(11);
    expect(readFileSync(engine.file, 'utf8')).equal('mine');
  });

  it('another user’s part that no journal tells of is in the way, as ever', async () => {
    const origin = await bench.origin(REFERENCE);
    const engine = bench.engine();
    writeFileSync(`${engine.file}.part`, 'not ours');
    expectFailed(await engine.get(origin.url), 'TARGET_EXISTS');
    expect(existsSync(engine.file)).equal(false);
    expect(readFileSync(`${engine.file}.part`, 'utf8')).equal('not ours');
  });
});
