/** A rate that the user asked for: of all connections together, and nothing is learnt from it. */
import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { RateLimit } from '../../src/engine/rate-limit.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice } from '../helpers/run-sluice.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 3, size: 12 * MIB };

describe('a limited rate', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();

  /** What kernels and slabs hold before the first wait may come at once. */
  const leastMs = (bytes: number, rate: number): number => (0.95 * (bytes - MIB) * 1000) / rate;

  for (const connections of [1, 4, 'auto'] as const)
    it(`holds for ${connections} connections, in threads too, and is told as the limit`, async () => {
      const origin = await bench.origin(REFERENCE);
      const rateLimit = new RateLimit(4 * MIB);
      const run = await bench.engine({ connections, rateLimit, threads: 2 }).get(origin.url);
      expectDone(run, REFERENCE);
      expect(run.ms).above(leastMs(REFERENCE.size, 4 * MIB));
      expect(run.last).include({ limitedBy: 'rate' });
      expect(run.events.filter(({ type }) => type === 'retry')).deep.equal([]);
      // A connection that is held back is not taken for a slow one.
      expect(origin.requests.length).below(40);
    });

  it('is of all downloads of a run together', async () => {
    const rateLimit = new RateLimit(6 * MIB);
    const origins = await Promise.all([bench.origin(REFERENCE), bench.origin(REFERENCE)]);
    const began = performance.now();
    const runs = await Promise.all(
      origins.map(({ url }) => bench.engine({ connections: 2, rateLimit }).get(url)),
    );
    for (const run of runs) expectDone(run, REFERENCE);
    expect(performance.now() - began).above(leastMs(2 * REFERENCE.size, 6 * MIB));
  });

  it('changes while bytes flow, to another rate and to none', async () => {
    const origin = await bench.origin(REFERENCE);
    // At this rate it would take longer than a test may.
    const rateLimit = new RateLimit(MIB / 16);
    const engine = bench.engine({ connections: 2, rateLimit, threads: 2 });
    const running = engine.start(origin.url);
    await running.has(MIB / 16);
    rateLimit.set(MIB / 8);
    await running.has(MIB / 4);
    rateLimit.set(null);
    expectDone(await running.ended, REFERENCE);
  });

  it('begins while bytes flow, with nothing to spend', () => {
    const limit = new RateLimit(null);
    limit.acquire();
    expect([limit.credit.isSpent, limit.credit.left]).deep.equal([false, Infinity]);
    limit.credit.take(5 * MIB);
    limit.set(MIB);
    expect([limit.credit.isSpent, limit.credit.left]).deep.equal([true, 0]);
    expect(limit.credit.takeFoundSpent()).equal(true);
    limit.set(null);
    expect(limit.credit.isSpent).equal(false);
    limit.release();
  });

  it('SIGUSR1 reads it again from the configuration; one that is wrong changes nothing', async () => {
    const origin = await Origin.start({ ...REFERENCE, size: 4 * MIB });
    try {
      const file = path.join(dir(), 'config.json');
      const configure = (rate: string) => writeFileSync(file, `{"limit-rate": "${rate}"}`);
      configure('64k');
      const run = spawnSluice(['get', origin.url, '-o', 'x', '--config', file], { cwd: dir() });
      await run.waitFor(/from http/);
      for (const [rate, told] of [
        ['fast', /stays as it is: .*config\.json: .*line 1: "limit-rate" takes/],
        ['100k', /limited to 100 KiB\/s now/],
        ['none', /no longer limited/],
      ] as const) {
        configure(rate);
        run.kill('SIGUSR1');
        await run.waitFor(told);
      }
      expectStatus(await run.ended, 0);
    } finally {
      await origin.close();
    }
  });

  it('--limit-rate takes units, and says what it takes', async () => {
    const origin = await Origin.start(REFERENCE);
    try {
      const run = await runIn(dir(), ['get', origin.url, '--limit-rate', '6M', '-o', 'x']);
      expectStatus(run, 0);
      expectSameContent(path.join(dir(), 'x'), REFERENCE.seed, REFERENCE.size);
      expect(run.ms).above(leastMs(REFERENCE.size, 6 * MIB));
      for (const wrong of ['', '0', 'fast', '5X', '-1', '1e9']) {
        const refused = await runIn(dir(), ['get', origin.url, `--limit-rate=${wrong}`, '-o', 'y']);
        expectStatus(refused, 2);
        expect(refused.stderr).contain('500k or 5M');
      }
    } finally {
      await origin.close();
    }
  });
});
