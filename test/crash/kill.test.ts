import { expect } from 'chai';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { journalPath, readJournal } from '../../src/disk/journal.js';
import { filesIn, runIn } from '../helpers/command.js';
import type { RecordedRequest } from '../helpers/fault-server.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice } from '../helpers/run-sluice.js';
import { randoms, seedOfRun } from './random.js';

/** `npm run crash -- --kills 10000 --seed 7`: the seed decides when. */
const KILLS = Number(process.env['SLUICE_KILLS'] ?? 20);
const SEED = seedOfRun();
const SIZE = 12 * 1024 * 1024;
const CONTENT = 3;
const CONNECTIONS = 4;
/** Bytes per second and connection. */
const RATE = 800_000;
/** Files that are downloaded at the same time. */
const CHAINS = 3;
const SEAM = 4096;
/**
 * What one death may cost: what came since the last checkpoint (one a second, which a slow machine
 * may make two), and a slab and the socket's buffer a connection.
 */
const LOSS = CONNECTIONS * (2 * RATE + 2 * 1024 * 1024);

interface Range {
  start: number;
  end: number;
}

describe(`crash: SIGKILL at ${KILLS} random times, seed ${SEED}`, function () {
  this.timeout(30_000 + KILLS * 3000);
  const dir = tempDirPerTest();
  let left = KILLS;

  it('P4: the file is identical, and nothing is asked for that the journal claimed', async () => {
    const chains = Array.from({ length: CHAINS }, (_, index) => chain(index));
    await Promise.all(chains);
    expect(filesIn(dir())).to.deep.equal([]);
  });

  /** Downloads one file after another, killing each now and then, until the kills are used up. */
  async function chain(index: number): Promise<void> {
    const random = randoms(SEED * CHAINS + index);
    while (left > 0) {
      const origin = await Origin.start({ size: SIZE, seed: CONTENT, rate: RATE });
      try {
        await oneFile(origin, `f${index}`, random);
      } finally {
        await origin.close();
      }
    }
  }

  async function oneFile(origin: Origin, name: string, random: () => number): Promise<void> {
    const target = path.join(dir(), name);
    let kills = 0;
    while (left > 0) {
      const known = claimed(target);
      const from = origin.requests.length;
      const killed = await killOnce(origin, name, 20 + random() * 3000);
      expectNotAsked(origin.requests.slice(from), known);
      if (!killed) break;
      kills++;
      left--;
    }
    const known = claimed(target);
    const from = origin.requests.length;
    origin.set({ rate: Infinity });
    const args = ['get', origin.url, '-o', name, '-n', `${CONNECTIONS}`];
    const last = await runIn(dir(), args);
    expect(last.status, `seed ${SEED}\n${last.stderr}`).to.equal(0);
    expectNotAsked(origin.requests.slice(from), known);
    expectSameContent(target, CONTENT, SIZE);
    const sent = origin.requests.slice(0, from).reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
    expect(sent, `seed ${SEED}, ${kills} kills`).to.be.below(SIZE + (kills + 1) * LOSS);
    rmSync(target);
  }

  async function killOnce(origin: Origin, name: string, afterMs: number): Promise<boolean> {
    const args = ['get', origin.url, '-o', name, '-n', `${CONNECTIONS}`];
    const env = { SLUICE_STATE_DIR: path.join(dir(), '.state') };
    const run = spawnSluice(args, { cwd: dir(), env });
    const timer = setTimeout(() => run.kill('SIGKILL'), afterMs);
    const { signal, status, stderr } = await run.ended;
    clearTimeout(timer);
    if (signal === null) expect(status, stderr).to.equal(0);
    return signal !== null;
  }
});

/** What the journal claims of a target; nothing when there is none. */
function claimed(target: string): Range[] {
  try {
    return readJournal(journalPath(target)).extents;
  } catch {
    return [];
  }
}

/** Nothing that was claimed is asked for, but for a seam at each end of what is missing. */
function expectNotAsked(requests: RecordedRequest[], known: Range[]): void {
  for (const { range } of requests) {
    if (range === null) continue;
    let again = 0;
    for (const { start, end } of known) {
      again += Math.max(0, Math.min(end, range.end) - Math.max(start, range.start));
    }
    expect(again, `seed ${SEED}, ${JSON.stringify({ range, known })}`).to.be.at.most(2 * SEAM);
  }
}
