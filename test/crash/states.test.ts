import { expect } from 'chai';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
  existsSync,
} from 'node:fs';
import path from 'node:path';
import { defaultOptions } from '../../src/app/defaults.js';
import { journalPath, readJournal } from '../../src/disk/journal.js';
import { Download } from '../../src/transfer/download.js';
import { contentAt } from '../helpers/content.js';
import { expectSameContent, readRange, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { runSluice } from '../helpers/run-sluice.js';
import { powerCut, type DiskState, type FileState } from './power.js';
import { randoms, seedOfRun } from './random.js';
import { readTrace, STRACE, type Step } from './trace.js';

/** `npm run crash-states -- --states 100000 --seed 7`. */
const STATES = Number(process.env['SLUICE_STATES'] ?? 200);
const SEED = seedOfRun();
const CONTENT = 11;
const SIZE = 3 * 1024 * 1024;

describe(`crash: ${STATES} states that a power cut could leave, seed ${SEED}`, function () {
  this.timeout(60_000 + STATES * 500);
  const dir = tempDirPerTest();

  before(function () {
    if (findProgram('strace') === null) this.skip();
  });

  it('P2, P3, P4: claims are on disk, and every state ends in the identical file', async () => {
    const origin = await Origin.start({ size: SIZE, seed: CONTENT, rate: 140_000 });
    process.env['SLUICE_STATE_DIR'] = path.join(dir(), '.state');
    try {
      const steps = await record(origin, path.join(dir(), 'run'));
      expect(steps.filter(({ kind }) => kind === 'sync').length).to.be.above(6);
      expect(steps.some(({ kind }) => kind === 'link')).to.equal(true);
      origin.set({ rate: Infinity });
      const random = randoms(SEED);
      const seen = { done: 0, refused: 0, claims: 0 };
      for (let state = 0; state < STATES; state++) {
        const n = Math.floor(random() * (steps.length + 1));
        const where = path.join(dir(), `s${state}`);
        mkdirSync(where);
        lay(where, powerCut(steps, n, random));
        seen.claims += expectClaimsHold(path.join(where, 'f'), `seed ${SEED}, state ${state}`);
        const ended = await finish(origin, path.join(where, 'f'), `seed ${SEED}, state ${state}`);
        seen[ended]++;
        rmSync(where, { recursive: true });
      }
      expect(seen.done).to.be.above(STATES * 0.9);
      expect(seen.claims).to.be.above(0);
    } finally {
      delete process.env['SLUICE_STATE_DIR'];
      await origin.close();
    }
  });

  /** Records a whole run: its checkpoints, its last sync and its publishing. */
  async function record(origin: Origin, directory: string): Promise<Step[]> {
    mkdirSync(directory);
    const trace = path.join(dir(), 'trace');
    const run = await runSluice(['get', origin.url, '-o', 'f', '-n', '4', '--sync', 'full'], {
      cwd: directory,
      prefix: [...STRACE, '-o', trace],
      env: { UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '2' },
    });
    expect(run.status, run.stderr).to.equal(0);
    return readTrace(readFileSync(trace, 'latin1'), directory);
  }

  /** Continues from a state as `get` does, and tells how that ended. */
  async function finish(origin: Origin, target: string, what: string): Promise<'done' | 'refused'> {
    const before = existsSync(target);
    // Under the final name there is never anything but the whole file (P2).
    if (before) expectSameContent(target, CONTENT, SIZE);
    const options = { ...defaultOptions(origin.url), output: target, connections: 1 };
    const last = await new Download(options).run();
    if (last.type === 'done') {
      expectSameContent(target, CONTENT, SIZE);
      return 'done';
    }
    // A part without a journal is nobody's; the file that is there already has no receipt.
    expect(last.code, `${what}: ${last.message}`).to.equal('TARGET_EXISTS');
    expect(existsSync(target), what).to.equal(before);
    return 'refused';
  }
});

/** Writes a state to a directory. */
function lay(directory: string, state: DiskState): void {
  const made = new Map<FileState, string>();
  for (const [name, file] of state) {
    const at = path.join(directory, name);
    const twin = made.get(file);
    if (twin !== undefined) {
      linkSync(twin, at);
      continue;
    }
    made.set(file, at);
    const fd = openSync(at, 'wx+', name.endsWith('.sluice') ? 0o600 : 0o644);
    for (const { offset, length, bytes } of file.written) {
      // Only the beginning of a write is in the trace; the part's bytes are the reference's.
      const whole = bytes.length === length ? bytes : contentAt(CONTENT, offset, length);
      writeSync(fd, whole, 0, length, offset);
    }
    ftruncateSync(fd, file.size);
    closeSync(fd);
  }
}

/** P3: every byte that the journal claims is in the part. Returns how many there were. */
function expectClaimsHold(target: string, what: string): number {
  let claims;
  try {
    claims = readJournal(journalPath(target)).extents;
  } catch {
    return 0;
  }
  const part = existsSync(`${target}.part`) ? `${target}.part` : target;
  for (const { start, end } of claims) {
    const held = readRange(part, start, end);
    expect(
      held.equals(contentAt(CONTENT, start, end - start)),
      `${what}: [${start}, ${end})`,
    ).to.equal(true);
  }
  return claims.length;
}
