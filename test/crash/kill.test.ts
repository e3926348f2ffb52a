import { expect } from 'chai';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { lockPath } from '../../src/disk/names.js';
import { certificates, type Certificates } from '../helpers/certificates.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { contentAt } from '../helpers/content.js';
import { Dice } from '../helpers/dice.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { spawnSluice, type RunResult } from '../helpers/run-sluice.js';
import { age } from './age.js';
import { bytesIn, claimed, expectClaimsHold, expectNotAsked, type Range } from './claims.js';
import { seedOfRun } from './random.js';
import { signalCommand } from './signal.js';

/** `npm run crash -- --kills 10000 --seed 7`: the seed decides when. */
const KILLS = Number(process.env['SLUICE_KILLS'] ?? 16);
const SEED = seedOfRun();
const SIZE = 12 * 1024 * 1024;
const CONTENT = 3;
/** Bytes per second of a slow run, all its connections together. */
const RATE = 800_000;
/** Files that are downloaded at the same time. */
const CHAINS = 4;
/**
 * What one death may cost, as time: a checkpoint each second, none in the last two seconds, bytes
 * that wait half a second to be written, and what a busy machine adds.
 */
const LOSS_S = 4;
const SLACK = 256 * 1024;

/** Calls on the part, the journals, the file and the directory, and how often they may come. */
const CALLS: ReadonlyArray<[call: string, most: number]> = [
  ['pwrite64', 12],
  ['fdatasync', 4],
  ['fsync', 4],
  ['ftruncate', 3],
  ['openat', 6],
  ['link', 1],
  ['unlink', 4],
  ['rename', 2],
];

/** When a run is killed: after some time, or as it begins a call for the n-th time. */
interface Death {
  afterMs: number;
  call: { name: string; n: number } | null;
}

interface File {
  target: string;
  origin: Origin;
  /** How the name is taken; there is another file already unless it is `fail`. */
  onExists: 'fail' | 'overwrite' | 'rename';
  /** Where the whole file must be in the end. */
  final: string;
}

const reference = (start: number, end: number): Buffer => contentAt(CONTENT, start, end - start);

const OLD = 'what was there before';

describe(`crash: SIGKILL ${KILLS} times, seed ${SEED}`, function () {
  this.timeout(240_000 + KILLS * 12_000);
  const dir = tempDirPerTest();
  const traces = findProgram('strace') !== null;
  const seen = { kills: 0, byCall: 0, aged: 0, published: 0, runs: 0, lost: 0, files: 0 };
  let all: Certificates;

  before(async () => (all = await certificates()));

  it('P2, P3, P4: the file is identical, and nothing is asked for that was claimed', async () => {
    await Promise.all(Array.from({ length: CHAINS }, (_, index) => chain(index)));
    expect(seen.kills).to.be.at.least(KILLS);
    if (KILLS >= 100 && traces) {
      expect(seen.byCall).to.be.above(KILLS / 10);
      expect(seen.published).to.be.above(0);
    }
    if (process.env['SLUICE_KILLS'] !== undefined) console.log(`      ${JSON.stringify(seen)}`);
  });

  /** Downloads one file after another, killing each now and then, until the kills are used up. */
  async function chain(index: number): Promise<void> {
    const dice = new Dice(SEED * CHAINS + index);
    const home = path.join(dir(), String(index));
    mkdirSync(home);
    writeFileSync(path.join(home, 'ca.pem'), all.ca);
    const tls = index % 2 === 0 ? {} : { tls: all.server };
    for (let number = 0; seen.kills < KILLS; number++) {
      const origin = await Origin.start({ size: SIZE, seed: CONTENT, ...tls });
      try {
        await oneFile(fileOf(home, `f${number}`, origin, dice), dice);
      } finally {
        await origin.close();
      }
      seen.files++;
    }
    expect(filesIn(home)).to.deep.equal(['ca.pem']);
  }

  function fileOf(home: string, name: string, origin: Origin, dice: Dice): File {
    const onExists = dice.pick(['fail', 'fail', 'overwrite', 'rename'] as const);
    const target = path.join(home, name);
    if (onExists !== 'fail') writeFileSync(target, OLD);
    return { target, origin, onExists, final: onExists === 'rename' ? `${target}.1` : target };
  }

  async function oneFile(file: File, dice: Dice): Promise<void> {
    for (let done = false; !done;) {
      const last = seen.kills >= KILLS;
      if (dice.chance(0.2) && (await age(file.target, dice.int(0, 1200)))) seen.aged++;
      const death = last ? null : deathOf(dice);
      const what = `seed ${SEED}, ${file.onExists}, run ${seen.runs++}, ${JSON.stringify(death)}`;
      done = await oneRun(file, death, last || dice.chance(0.35), dice, what);
    }
    expectSameContent(file.final, CONTENT, SIZE);
    if (file.onExists === 'rename') {
      expect(readFileSync(file.target, 'utf8')).to.equal(OLD);
      rmSync(file.target);
    }
    rmSync(file.final);
    // Left by a run that died when there was nothing more to do: nobody comes after it.
    rmSync(lockPath(file.target), { recursive: true, force: true });
  }

  function deathOf(dice: Dice): Death {
    const early = dice.int(0, 400);
    const afterMs = dice.chance(0.5)
      ? early
      : dice.chance(0.9)
        ? dice.int(400, 2500)
        : dice.int(4000, 7000);
    const [name, most] = dice.pick(CALLS);
    const n = dice.int(1, most);
    const call = traces && dice.chance(0.5) ? { name, n } : null;
    // Whatever call it waits for, most of them come soon.
    return { afterMs: call === null ? afterMs : Math.max(2500, afterMs), call };
  }

  /** Runs until it dies or ends, and looks at what is left. Returns whether the file is done. */
  async function oneRun(
    file: File,
    death: Death | null,
    fast: boolean,
    dice: Dice,
    what: string,
  ): Promise<boolean> {
    const { origin, target } = file;
    const connections = dice.pick([1, 2, 4, 8]);
    origin.set({ rate: fast ? Infinity : RATE / connections });
    const known = claimed(target);
    const from = origin.requests.length;
    const resumes = known.length > 0 && file.onExists === 'fail' && dice.chance(0.5);
    const args = resumes
      ? ['resume', target]
      : ['get', origin.url, '-o', target, '--on-exists', file.onExists];
    args.push('-n', `${connections}`, '--sync', dice.pick(['auto', 'full', 'none']));
    const run = await runAndKill([...args, '--cacert', 'ca.pem'], file, death);
    const asked = origin.requests.slice(from);
    expectNotAsked(asked, known, what);
    expectName(file, what);
    if (run.signal === null) {
      expect(run.status, `${what}\n${args.join(' ')}\n${run.stderr}`).to.equal(0);
      return true;
    }
    expect(run.signal).to.equal('SIGKILL');
    seen.kills++;
    if (death !== null && death.call !== null) seen.byCall++;
    const claims = expectClaimsHold(target, isPublished(file) ? file.final : null, reference, what);
    if (existsSync(`${target}.sluice`)) {
      if (!fast && !isPublished(file)) expectLittleLost(asked, known, claims, what);
      return false;
    }
    // It died as it had nothing left to do, or when it had not begun.
    return isPublished(file);
  }

  function expectLittleLost(
    asked: Origin['requests'],
    before: readonly Range[],
    after: readonly Range[],
    what: string,
  ): void {
    const sent = asked.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
    const lost = sent - (bytesIn(after) - bytesIn(before));
    seen.lost = Math.max(seen.lost, lost);
    expect(lost, `${what}: bytes that are fetched twice`).to.be.below(LOSS_S * RATE + SLACK);
  }

  /** Under the final name there is what was there before, or the whole file. */
  function expectName({ target, final, onExists }: File, what: string): void {
    const old = onExists === 'fail' ? null : OLD;
    if (onExists === 'rename') expect(readFileSync(target, 'utf8'), what).to.equal(OLD);
    if (!existsSync(final)) expect(onExists, what).to.not.equal('overwrite');
    else if (old === null || readFileSync(final, 'latin1') !== old) {
      expectSameContent(final, CONTENT, SIZE);
      seen.published++;
    }
  }

  function isPublished({ final, onExists }: File): boolean {
    return existsSync(final) && (onExists !== 'overwrite' || readFileSync(final, 'latin1') !== OLD);
  }

  async function runAndKill(
    args: string[],
    { target }: File,
    death: Death | null,
  ): Promise<RunResult> {
    const cwd = path.dirname(target);
    if (death === null) {
      const run = await runIn(cwd, args);
      expectStatus(run, 0);
      return run;
    }
    const own = [target, `${target}.1`, `${target}.part`, `${target}.sluice`, `${target}.sluice~`];
    const inject = `inject=${death.call?.name}:signal=KILL:when=${death.call?.n}`;
    const filter = [...own, cwd].flatMap((name) => ['-P', name]);
    const prefix = ['strace', '-f', '-qq', '-o', '/dev/null', ...filter, '-e', inject];
    const run = spawnSluice(args, {
      cwd,
      env: { SLUICE_STATE_DIR: path.join(cwd, '.state'), UV_USE_IO_URING: '0' },
      ...(death.call === null ? {} : { prefix }),
    });
    const timer = setTimeout(() => signalCommand(run, 'SIGKILL'), death.afterMs);
    const ended = await run.ended;
    clearTimeout(timer);
    return ended;
  }
});
