/** The first connection is opened before anything else is done, and is nobody's burden. */
import { writeFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { contentDigest } from '../helpers/content.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import * as presence from '../../src/net/exclusive.js';
import { Workspace } from '../../src/disk/workspace.js';
import { silentLog } from '../../src/log.js';

const SIZE = 300_000;
const REFERENCE = { seed: 1, size: SIZE };

describe('the connection that is opened ahead', () => {
  const bench = benchPerTest();

  it('serves the first request', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    expectDone(await bench.engine({ connections: 1 }).get(origin.url), REFERENCE);
    expect(origin.server.connections.total).equal(1);
  });

  it('is not opened where the name is taken, for then no server may be needed', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const engine = bench.engine({ onExists: 'skip' });
    writeFileSync(engine.file, 'what is there');
    const run = await engine.get(origin.url);
    expect(run.last).deep.include({ type: 'done', outcome: 'skipped' });
    expect(origin.server.connections.total).equal(0);
  });

  it('is closed when the download ends before it asks', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const engine = bench.engine();
    const other = await Workspace.claim(engine.file, silentLog, { presence });
    try {
      expectFailed(await engine.get(origin.url), 'TARGET_BUSY');
      await origin.server.until(({ connections }) => connections.open === 0);
      expect(origin.server.requests).deep.equal([]);
    } finally {
      await other.close({ keep: false });
    }
  });

  it('gives way to a new one when the server closes it', async () => {
    const origin = await bench.origin({
      size: SIZE,
      seed: 1,
      admit: (connection) => (connection === 0 ? 'close' : 'serve'),
    });
    expectDone(await bench.engine({ connections: 1 }).get(origin.url), REFERENCE);
  });

  it('tells once why it cannot be opened, and no later than it would otherwise', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const { url } = origin;
    await origin.close();
    const run = await bench.engine({ retries: 0 }).get(url);
    expectFailed(run, 'CONNECT_FAILED');
  });
});

describe('the hash thread', () => {
  const bench = benchPerTest();
  let started: Worker[];
  const count = (worker: Worker): void => void started.push(worker);

  beforeEach(() => {
    started = [];
    process.on('worker', count);
  });
  afterEach(() => process.off('worker', count));

  it('is one where the file is long, and ends with it', async () => {
    const long = { seed: 1, size: 2 * 1024 * 1024 };
    const origin = await bench.origin(long);
    const checksums = [{ algorithm: 'sha256', hex: contentDigest(1, long.size) } as const];
    expectDone(await bench.engine({ connections: 1, checksums }).get(origin.url), long);
    expect(started).length(1);
    // A thread that has ended has no number any more.
    expect(started[0]?.threadId).equal(-1);
  });
});
