/** A real Squid that rewrites requests and answers, or holds what the server no longer has. */
import { expect } from 'chai';
import { resumeOptions } from '../../src/app/resume.js';
import type { ErrorCode } from '../../src/errors.js';
import { benchPerTest, expectDone, expectFailed, interrupt, startRun } from '../helpers/engine.js';
import type { Engine, EngineRun } from '../helpers/engine.js';
import { Origin } from '../helpers/origin.js';
import { requireServer } from '../helpers/real-server.js';
import { Squid } from '../helpers/squid.js';

const MIB = 1024 * 1024;
const SIZE = 6 * MIB;
const NAMED = /a cache or proxy may be why \(Via: 1\.1 [^)]*squid/;

describe('Squid that rewrites and keeps', () => {
  const bench = benchPerTest();
  let origin: Origin;
  let squid: Squid;
  before(async function () {
    requireServer('squid', this);
    origin = await Origin.start({ size: SIZE });
    squid = await Squid.start(origin.url);
  });
  after(async () => {
    await squid?.close();
    await origin?.close();
  });
  beforeEach(() => {
    origin.set({ seed: 1, etag: '"one"' });
    origin.allow(Infinity);
  });

  /** Leaves some of what the server has now, fetched without Squid. */
  const leave = async (target: string): Promise<Engine> => {
    const engine = bench.engine({ connections: 1 });
    origin.allow(3 * MIB);
    await interrupt(engine.start(origin.server.url(target)), 2 * MIB, origin);
    origin.allow(Infinity);
    expect(engine.keptBytes).above(0);
    return engine;
  };
  const through = (engine: Engine, target: string): Promise<EngineRun> => {
    const fresh = engine.options(squid.url(target), { freshLink: true });
    return startRun(resumeOptions(engine.file, fresh)).ended;
  };

  /** What is left is refused through Squid, which the error names, and stays. */
  async function expectKept(target: string, code: ErrorCode): Promise<Engine> {
    const engine = await leave(target);
    const kept = engine.keptBytes;
    const error = expectFailed(await through(engine, target), code);
    expect(error.message).match(NAMED);
    expect(engine.keptBytes).equal(kept);
    return engine;
  }

  it('Range is not passed on: one stream; what is left is not thrown away for it. Squid is named', async () => {
    const target = '/bare/file.bin';
    const run = await bench.engine().get(squid.url(target));
    expectDone(run, { seed: 1, size: SIZE });
    expect(JSON.stringify(run.events)).match(NAMED);
    const engine = await expectKept(target, 'HTTP_RANGE_IGNORED');
    expectDone(await engine.resume(), { seed: 1, size: SIZE });
  });

  it('P6: validators are left out: one connection, or a digest; what is left is proven by its bytes', async () => {
    const target = '/unmarked/file.bin';
    expectDone(await bench.engine().get(squid.url(target)), { seed: 1, size: SIZE });
    const checksums = [{ algorithm: 'sha256' as const, hex: origin.digest() }];
    const proven = await bench.engine({ checksums }).get(squid.url(target));
    expectDone(proven, { seed: 1, size: SIZE });
    const engine = await leave(target);
    expectDone(await through(engine, target), { seed: 1, size: SIZE });
  });

  it('P7: it holds an older version than was begun: exit 8, everything is kept, Squid is named', async () => {
    const target = '/stale/file.bin';
    expectDone(await bench.engine().get(squid.url(target)), { seed: 1, size: SIZE });
    origin.set({ seed: 2, etag: '"two"' });
    const engine = await expectKept(target, 'CHANGED');
    expectDone(await engine.resume(), { seed: 2, size: SIZE });
  });

  it('P8: it holds an older version than the digest is of: exit 9, and Squid is named', async () => {
    const target = '/stale/other.bin';
    expectDone(await bench.engine().get(squid.url(target)), { seed: 1, size: SIZE });
    origin.set({ seed: 2, etag: '"two"' });
    const checksums = [{ algorithm: 'sha256' as const, hex: origin.digest() }];
    const run = await bench.engine({ checksums }).get(squid.url(target));
    expect(expectFailed(run, 'CHECKSUM_MISMATCH').message).match(NAMED);
  });
});
