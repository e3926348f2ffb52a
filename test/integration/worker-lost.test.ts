import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { defaultOptions } from '../../src/app/defaults.js';
import { Download } from '../../src/transfer/download.js';
import { SLAB_BYTES } from '../../src/net/slab.js';
import type { DoneEvent, DownloadEvent } from '../../src/transfer/events.js';
import { expectNotAsked } from '../crash/claims.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

const SIZE = 8 * 1024 * 1024;

/** The threads of a running download; nobody but this test reaches into it. */
async function threadsOf(download: Download): Promise<Worker[]> {
  const { pool } = (
    download as unknown as {
      leases: { pool: { pool: { pool: Promise<{ threads: Worker[] }> } } | null };
    }
  ).leases;
  return pool === null ? [] : (await pool.pool.pool).threads;
}

/** Bytes a second and connection until the harm is done: over ten seconds are left for it. */
const SLOW = 150_000;
/** A connection that has brought so much is at work. */
const AT_WORK = 20_000;

const nextLook = (): Promise<void> => new Promise((done) => setTimeout(done, 10));

function tooEarly(end: unknown): never {
  throw new Error(`it ended before anything was done to it: ${JSON.stringify(end)}`);
}

describe('integration/worker-lost', () => {
  const dir = tempDirPerTest();

  for (const [what, harm] of Object.entries<(threads: Worker[]) => unknown>({
    'one thread': ([first]) => first?.terminate(),
    'every thread': (threads) => Promise.all(threads.map((thread) => thread.terminate())),
  })) {
    it(`P19: ${what} ends in the middle: its leases are lost, not the download`, async () => {
      const origin = await Origin.start({ size: SIZE, seed: 51, rate: SLOW });
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
        const working = () =>
          download.snapshot().lanes.filter(({ start, position }) => position - start > AT_WORK);
        while (working().length < 4) await Promise.race([nextLook(), ended.then(tooEarly)]);
        const threads = await threadsOf(download);
        expect(threads).to.have.length(2);
        const written = working().map(({ start, position }) => ({ start, end: position }));
        const asked = origin.requests.length;
        await harm([...threads]);
        origin.set({ rate: Infinity });
        const last = await ended;
        expect(last, JSON.stringify(events)).to.include({ type: 'done' });
        expectSameContent(target, 51, SIZE);
        expect(filesIn(dir())).to.deep.equal(['x']);
        const codes = events.flatMap((event) => (event.type === 'retry' ? [event.code] : []));
        expect(codes).to.include('WORKER_LOST');
        // What was written stays: the lost leases go on from where they stopped.
        expectNotAsked(origin.requests.slice(asked), written, what);
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
      const origin = await Origin.start({ size: SIZE, seed: 52, rate: SLOW });
      try {
        const preload = path.join(dir(), 'harm.mjs');
        writeFileSync(
          preload,
          `import { isMainThread } from 'node:worker_threads';
          import { existsSync, mkdirSync } from 'node:fs';
          const first = () => { try { mkdirSync('harmed'); return true; } catch { return false; } };
          const harm = () => { ${harm} };
          if (!isMainThread)
            setInterval(() => { if (existsSync('now') && first()) harm(); }, 20).unref();`,
        );
        const args = ['get', origin.url, '-o', 'x', '-n', '4', '--threads', '2', '--json'];
        const running = runIn(dir(), args, { env: { NODE_OPTIONS: `--import ${preload}` } });
        // The first answer belongs to the main thread: the leases of the other three to the threads.
        const atWork = origin.server.until(
          ({ requests }) => requests.filter(({ bodyBytes }) => bodyBytes > AT_WORK).length === 4,
        );
        await Promise.race([atWork, running.then(tooEarly)]);
        writeFileSync(path.join(dir(), 'now'), '');
        const lost = origin.server.until(({ requests }) => requests.length > 4);
        await Promise.race([lost, running.then(tooEarly)]);
        origin.set({ rate: Infinity });
        const run = await running;
        expectStatus(run, 0);
        expectSameContent(path.join(dir(), 'x'), 52, SIZE);
        expect(filesIn(dir())).to.deep.equal(['harm.mjs', 'harmed', 'now', 'x']);
        const codes = run.events.flatMap((event) => (event.type === 'retry' ? [event.code] : []));
        expect(codes).to.include('WORKER_LOST');
        const { fetched } = run.events.at(-1) as DoneEvent;
        expect(fetched).to.be.below(SIZE + 4 * SLAB_BYTES);
      } finally {
        await origin.close();
      }
    });
  }
});
