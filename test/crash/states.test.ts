import { expect } from 'chai';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { defaultOptions } from '../../src/app/defaults.js';
import { resumeOptions } from '../../src/app/resume.js';
import { SluiceError } from '../../src/errors.js';
import { Download } from '../../src/transfer/download.js';
import type { DoneEvent, ErrorEvent } from '../../src/transfer/events.js';
import { contentAt } from '../helpers/content.js';
import { Dice } from '../helpers/dice.js';
import { makeTempDir, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { claimed, expectClaimsHold, expectNotAsked, type Range } from './claims.js';
import { HISTORIES, record, type Recorded } from './histories.js';
import { lay, layLock } from './lay.js';
import { powerCut } from './power.js';
import { seedOfRun } from './random.js';

/** `npm run crash-states -- --states 100000 --seed 7`. */
const STATES = Number(process.env['SLUICE_STATES'] ?? 200);
const SEED = seedOfRun();
const CONTENT = 11;
const SIZE = 2 * 1024 * 1024;
const REFERENCE = contentAt(CONTENT, 0, SIZE);
/** Bytes per second and connection while a history is recorded: two claims, and two more. */
const RATE = 75_000;
/** States that are continued from at the same time. */
const LANES = 4;
/** After so many the server forgets what it was asked. */
const BATCH = 256;

describe(`crash: ${STATES} states that a power cut could leave, seed ${SEED}`, function () {
  this.timeout(300_000 + STATES * 1500);
  const dir = tempDirPerTest();
  const seen = { states: 0, done: 0, refused: 0, claims: 0, rewriting: 0, named: 0, undone: 0 };
  let origin: Origin;
  let memory = '';

  before(function () {
    if (findProgram('strace') === null) this.skip();
    // What is laid out here has its power cut behind it: it need not be written to a disk again.
    memory = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/sluice-states-') : makeTempDir();
    process.env['SLUICE_STATE_DIR'] = path.join(memory, '.state');
  });
  after(() => {
    delete process.env['SLUICE_STATE_DIR'];
    if (memory !== '') rmSync(memory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: CONTENT, rate: RATE });
  });
  afterEach(() => origin.close());

  it('P2, P3, P4: claims are on disk, and every state ends in the identical file', async () => {
    const histories = await Promise.all(
      Object.keys(HISTORIES).map((name) => record(name, origin.url, path.join(dir(), name))),
    );

    expectEventful(histories);
    origin.set({ rate: Infinity });
    for (let from = 0; from < STATES; from += BATCH) {
      const states = Array.from({ length: Math.min(BATCH, STATES - from) }, (_, i) => from + i);
      await Promise.all(Array.from({ length: LANES }, () => drain(states, histories)));
      origin.requests.length = 0;
    }
    expect(seen.done).to.be.above(STATES * 0.7);
    expect(seen.claims).to.be.above(0);
    if (process.env['SLUICE_STATES'] !== undefined) console.log(`      ${JSON.stringify(seen)}`);
  });

  async function drain(states: number[], histories: Recorded[]): Promise<void> {
    for (let state = states.pop(); state !== undefined; state = states.pop()) {
      const history = histories[state % histories.length] as Recorded;
      await oneState(state, history);
    }
  }

  /** Makes a state, looks at it, and continues from it. */
  async function oneState(state: number, history: Recorded): Promise<void> {
    const dice = new Dice(SEED * 1_000_003 + state);
    const n = momentOf(history, dice);
    const what = `seed ${SEED}, state ${state}, ${history.name} cut after ${n} steps`;
    const where = path.join(memory, `s${state}`);
    mkdirSync(where);
    const disk = powerCut(history.steps, n, dice);
    lay(where, disk, history.inodes);
    if (disk.has('f.sluice~')) seen.rewriting++;
    const target = path.join(where, 'f');
    if (dice.chance(0.5)) layLock(target, dice);
    const named = expectName(target, history, what);
    const known = expectClaimsHold(target, named ? target : null, reference, what);
    seen.claims += known.length;
    const last = await goOn(target, history, what, dice);
    judge(last, target, { known, named, history, state, what });
    seen.states++;
    rmSync(where, { recursive: true });
  }

  /** More than half of the moments are beside a sync or a change of names: most is at stake there. */
  function momentOf({ steps, given }: Recorded, dice: Dice): number {
    if (dice.chance(0.4)) return dice.int(given, steps.length);
    const pattern = dice.chance(0.5) ? /^(create|link|rename|unlink|sync-dir)/ : /^sync/;
    const events = steps.flatMap(({ kind }, at) => (pattern.test(kind) ? [at] : []));
    return Math.min(steps.length, Math.max(given, dice.pick(events) + dice.int(0, 1)));
  }

  /** P2: under the final name there is what was there before, or the whole file. */
  function expectName(target: string, { old, synced }: Recorded, what: string): boolean {
    if (!existsSync(target)) {
      expect(old, `${what}: what was there before`).to.equal(null);
      return false;
    }
    if (old !== null && readFileSync(target).equals(old)) return false;
    seen.named++;
    if (synced) expectWhole(target, what);
    return true;
  }

  async function goOn(
    target: string,
    { old }: Recorded,
    what: string,
    dice: Dice,
  ): Promise<DoneEvent | ErrorEvent> {
    const base = {
      ...defaultOptions(origin.url),
      output: target,
      connections: dice.pick([1, 2, 4]),
      threads: 0,
      retries: 2,
      headers: [`X-State: ${path.basename(path.dirname(target))}`],
      onExists: old === null ? ('fail' as const) : ('overwrite' as const),
    };
    if (old === null && dice.chance(0.5)) {
      try {
        return await new Download(resumeOptions(target, base)).run();
      } catch (thrown) {
        // Nothing to resume, then: the user would start it again.
        const { code, message } = SluiceError.from(thrown);
        expect(code, `${what}: ${message}`).to.equal('NOTHING_TO_RESUME');
      }
    }
    return new Download(base).run();
  }

  function judge(
    last: DoneEvent | ErrorEvent,
    target: string,
    found: { known: Range[]; named: boolean; history: Recorded; state: number; what: string },
  ): void {
    const { known, named, history, what } = found;
    const asked = origin.requests.filter(({ fields }) => fields['x-state'] === `s${found.state}`);
    expectNotAsked(asked, known, what);
    if (last.type === 'done') {
      seen.done++;
      if (named && !history.synced) seen.undone++;
      expectWhole(target, what);
      expect(existsSync(`${target}.part`), `${what}: a part is left`).to.equal(false);
      expect(claimed(target), what).to.deep.equal([]);
      return;
    }
    // A part whose journal has no name is nobody's; a file that has its name has no receipt.
    seen.refused++;
    expect(last.code, `${what}: ${last.message}`).to.be.oneOf([
      'TARGET_EXISTS',
      'NOTHING_TO_RESUME',
    ]);
    expect(existsSync(target), what).to.equal(named || history.old !== null);
    if (last.code === 'NOTHING_TO_RESUME') expect(existsSync(`${target}.part`)).to.equal(false);
  }
});

const reference = (start: number, end: number): Buffer => REFERENCE.subarray(start, end);

function expectWhole(file: string, what: string): void {
  expect(readFileSync(file).equals(REFERENCE), `${what}: the file is whole`).to.equal(true);
}

/** What the histories must have in them, or the states show nothing. */
function expectEventful(histories: Recorded[]): void {
  const count = (name: string, kind: string): number =>
    histories.find((each) => each.name === name)?.steps.filter((step) => step.kind === kind)
      .length ?? 0;
  for (const { name } of histories) expect(count(name, 'sync'), name).to.be.above(4);
  expect(count('whole', 'link')).to.equal(1);
  expect(count('aged', 'rename')).to.equal(1);
  expect(count('overwritten', 'rename')).to.equal(1);
}
