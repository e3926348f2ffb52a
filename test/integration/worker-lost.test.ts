import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { defaultOptions } from '../../src/app/defaults.js';
import { Download } from '../../src/transfer/download.js';
import type { DownloadEvent } from '../../src/transfer/events.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

const SIZE = 8 * 1024 * 1024;

/** The threads of a running download; nobody but this test reaches into it. */
async function threadsOf(download: Download): Promise<Worker[]> {
  const { pool } = download as unknown as { pool: { pool: Promise<{ threads: Worker[] }> } | null };
  return pool === null ? [] : (await pool.pool).threads;
}

describe('integration/worker-lost', function () {
  this.timeout(30_000);
  const dir = tempDirPerTest();

  for (const [what, harm] of Object.entries<(threads: Worker[]) => unknown>({
    'one thread': ([first]) => first?.terminate(),
    'every thread': (threads) => Promise.all(threads.map((thread) => thread.terminate())),
  })) {
    it(`P19: ${what} ends in the middle: its leases are lost, not the download`, async () => {
      const origin = await Origin.start({ size: SIZE, seed: 51, rate: 700_000 });
      process.env['SLUICE_STATE_DIR'] = path.join(dir(), '.state');
      try {
        const target = path.join(dir(), 'x');
        const options = {
          ...defaultOptions(origin.url),
          output: target,
          connections: 4,
          threads: 2,
        };
        const events: DownloadEvent[] = [];
        const download = new Download(options, { emit: (event) => events.push(event) });
        const ended = download.run();
        // Every connection is at work: the threads have leases.
        const receiving = (): number =>
          download.snapshot().lanes.filter(({ state }) => state === 'receiving').length;
        while (receiving() < 4) await new Promise((done) => setTimeout(done, 20));
        const threads = await threadsOf(download);
        expect(threads).to.have.length(2);
        await harm([...threads]);
        const last = await ended;
        expect(last, JSON.stringify(events)).to.include({ type: 'done' });
        expectSameContent(target, 51, SIZE);
        expect(filesIn(dir())).to.deep.equal(['x']);
        const codes = events.flatMap((event) => (event.type === 'retry' ? [event.code] : []));
        expect(codes).to.include('WORKER_LOST');
        // What was written stays: the lost leases go on from where they stopped.
        const sent = origin.requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
        expect(sent).to.be.below(1.6 * SIZE);
      } finally {
        delete process.env['SLUICE_STATE_DIR'];
        await origin.close();
      }
    });
  }

  /** What a thread does to itself, once in the whole run, while its leases are at work. */
  const DEATHS: Record<string, string> = {
    throws: `throw new Error('on purpose')`,
    exits: `process.exit(3)`,
    'runs out of memory': `const all = []; for (;;) all.push(new Array(1e6).fill({}))`,
  };

  for (const [what, harm] of Object.entries(DEATHS)) {
    it(`P19: a thread that ${what} loses its leases, not the download`, async () => {
      const origin = await Origin.start({ size: SIZE, seed: 52, rate: 700_000 });
      try {
        const preload = path.join(dir(), 'harm.mjs');
        writeFileSync(
          preload,
          `import { isMainThread } from 'node:worker_threads';
          import { mkdirSync } from 'node:fs';
          const first = () => { try { mkdirSync('harmed'); return true; } catch { return false; } };
          const harm = () => { ${harm} };
          if (!isMainThread) setTimeout(() => { if (first()) harm(); }, 1000);`,
        );
        const args = ['get', origin.url, '-o', 'x', '-n', '4', '--threads', '2', '--json'];
        const run = await runIn(dir(), args, { env: { NODE_OPTIONS: `--import ${preload}` } });
        expectStatus(run, 0);
        expectSameContent(path.join(dir(), 'x'), 52, SIZE);
        expect(filesIn(dir())).to.deep.equal(['harm.mjs', 'harmed', 'x']);
        const codes = run.events.flatMap((event) => (event.type === 'retry' ? [event.code] : []));
        expect(codes).to.include('WORKER_LOST');
        const sent = origin.requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
        expect(sent).to.be.below(1.6 * SIZE);
      } finally {
        await origin.close();
      }
    });
  }
});
