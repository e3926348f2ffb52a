/** A rate that the user asked for: of all connections together, and nothing is learnt from it. */
import { expect } from 'chai';
import path from 'node:path';
import { RateLimit } from '../../src/engine/rate-limit.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

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
