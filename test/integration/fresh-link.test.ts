/** `resume PATH --url URL`: kept bytes go on from a link that proves to lead to the same file. */
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { download } from '../../src/index.js';
import { resumeOptions } from '../../src/app/resume.js';
import { contentAt } from '../helpers/content.js';
import {
  benchPerTest,
  expectDone,
  expectFailed,
  interrupt,
  startRun,
  told,
} from '../helpers/engine.js';
import type { Engine, EngineRun, RunOverrides } from '../helpers/engine.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 4 * MIB;
const REFERENCE = { seed: 1, size: SIZE };
const OTHER_TAG: OriginOptions = { etag: '"another"', lastModified: new Date(1_600_000_000_000) };

describe('a fresh link', () => {
  const bench = benchPerTest();

  /** An unfinished download of a server that is gone afterwards. */
  async function left(options: OriginOptions = {}, overrides: RunOverrides = {}): Promise<Engine> {
    const origin = await bench.origin({ ...REFERENCE, rate: 12 * MIB, ...options });
    const engine = bench.engine(overrides);
    origin.allow(2 * MIB);
    await interrupt(engine.start(origin.url), MIB, origin);
    origin.set({ bytes: Buffer.from('gone') });
    return engine;
  }

  const goOn = (engine: Engine, url: string, more: RunOverrides = {}): Promise<EngineRun> =>
    startRun(resumeOptions(engine.file, engine.options(url, { ...more, freshLink: true }))).ended;

  const sentBy = (origin: Origin): number =>
    origin.requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);

  async function expectKept(engine: Engine, run: EngineRun): Promise<void> {
    const kept = engine.keptBytes;
    const error = expectFailed(run, 'CHANGED');
    expect(run.status).equal(8);
    expect(error.next).match(/sluice resume --url URL \S+file\.bin/);
    expect(kept).above(MIB / 2);
    // Nothing of what is kept was touched: a right link still goes on with it.
    const right = await bench.origin({ ...REFERENCE, ...OTHER_TAG });
    expectDone(await goOn(engine, right.url), REFERENCE);
    expect(sentBy(right), 'only what was missing').below(SIZE - kept + MIB);
  }

  it('P6: goes on where length and validator are the same', async () => {
    const engine = await left();
    const origin = await bench.origin({ ...REFERENCE, path: '/fresh?token=2' });
    const run = await goOn(engine, origin.url);
    expectDone(run, REFERENCE);
    expect(sentBy(origin)).below(SIZE - MIB / 2);
  });

  it('P6: goes on where length and bytes are the same, whatever the validators', async () => {
    const engine = await left();
    const origin = await bench.origin({ ...REFERENCE, ...OTHER_TAG });
    const run = await goOn(engine, origin.url);
    expectDone(run, REFERENCE);
    expect(sentBy(origin)).below(SIZE - MIB / 2);
  });

  it('P6: goes on with servers that give no validator', async () => {
    const none: OriginOptions = { etag: 'none', lastModified: null };
    const engine = await left(none);
    const origin = await bench.origin({ ...REFERENCE, ...none });
    expectDone(await goOn(engine, origin.url), REFERENCE);
  });

  it('P7: another file of the same length is exit status 8, and everything is kept', async () => {
    const engine = await left();
    const origin = await bench.origin({ ...REFERENCE, ...OTHER_TAG, seed: 2 });
    await expectKept(engine, await goOn(engine, origin.url));
  });

  it('P7: a change behind the first bytes is seen', async () => {
    const engine = await left();
    const bytes = Buffer.concat([contentAt(1, 0, 100_000), contentAt(2, 100_000, SIZE - 100_000)]);
    const origin = await bench.origin({ bytes, ...OTHER_TAG });
    await expectKept(engine, await goOn(engine, origin.url));
  });

  it('P7: another length, and a page in the place of the file, are exit status 8', async () => {
    const engine = await left();
    for (const options of [
      { seed: 1, size: SIZE + 1 },
      { bytes: Buffer.from('<html>log in</html>'), ranges: false },
    ]) {
      const origin = await bench.origin(options);
      const error = expectFailed(await goOn(engine, origin.url), 'CHANGED');
      expect(error.message).contain('everything is kept');
    }
    await expectKept(engine, await goOn(engine, (await bench.origin({ size: 99 })).url));
  });

  it('P7: a server without ranges proves nothing', async () => {
    const engine = await left();
    const origin = await bench.origin({ ...REFERENCE, ...OTHER_TAG, ranges: false });
    await expectKept(engine, await goOn(engine, origin.url));
  });

  it('P8: a digest of the earlier run is checked over what both brought', async () => {
    const hex = createHash('sha256')
      .update(contentAt(1, 0, SIZE))
      .digest('hex');
    const checksums: RunOverrides['checksums'] = [{ algorithm: 'sha256', hex }];
    const engine = await left({}, { checksums });
    const half = Buffer.concat([contentAt(1, 0, SIZE - 9000), contentAt(2, SIZE - 9000, 9000)]);
    const origin = await bench.origin({ bytes: half, ...OTHER_TAG });
    expectFailed(await goOn(engine, origin.url, { checksums: [] }), 'CHECKSUM_MISMATCH');
  });

  it('a break on the way is tried again', async () => {
    const engine = await left();
    const origin = await bench.origin({ ...REFERENCE, ...OTHER_TAG });
    origin.fault({ fault: { kind: 'reset', at: 10 } });
    expectDone(await goOn(engine, origin.url), REFERENCE);
  });

  it('`get` with another URL names the command', async () => {
    const engine = await left();
    const origin = await bench.origin({ ...REFERENCE });
    const { next } = expectFailed(await engine.get(origin.url), 'TARGET_EXISTS');
    expect(next).contain(`\`sluice resume --url ${origin.url} ${engine.file}\``);
    const secret = expectFailed(await engine.get(`${origin.url}?secret`), 'TARGET_EXISTS');
    expect(secret.next).contain('sluice resume --url URL ').and.not.contain('secret');
  });

  it('the library takes it with `resume`', async () => {
    const engine = await left();
    const origin = await bench.origin({ ...REFERENCE, ...OTHER_TAG });
    let last;
    for await (const event of download(origin.url, { output: engine.file, resume: true }))
      last = event;
    expect(last?.type, told({ last } as never)).equal('done');
    expect(readFileSync(engine.file).equals(contentAt(1, 0, SIZE))).equal(true);
    expect(() => download(origin.url, { resume: true })).throw('needs output');
  });
});
