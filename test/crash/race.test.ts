import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { filesIn } from '../helpers/command.js';
import { Dice } from '../helpers/dice.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { apart, requireNamespaces } from '../helpers/namespaces.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice } from '../helpers/run-sluice.js';

/** `npm run races -- --races 100`. */
const RACES = Number(process.env['SLUICE_RACES'] ?? 20);
const SIZE = 1024 * 1024;
const LOCK_MAIN = fileURLToPath(new URL('./lock-main.js', import.meta.url));
/** Processes that want one lock. */
const TAKERS = 4;

describe(`crash: two runs on one target, ${RACES} times`, function () {
  this.timeout(120_000 + RACES * 10_000);
  const dir = tempDirPerTest();

  it('P18: exactly one proceeds, the other exits 11 and touches nothing', async () => {
    // The winner cannot end before the loser has tried: its last byte waits.
    const env = { SLUICE_STATE_DIR: path.join(dir(), '.state') };
    for (let race = 0; race < RACES; race++) {
      const origin = await Origin.start({ size: SIZE, seed: race });
      origin.fault({ fault: { kind: 'hold', at: 1000 }, times: Infinity });
      try {
        const args = [
          'get',
          origin.url,
          '-o',
          race % 2 === 0 ? 'x' : `../${path.basename(dir())}/x`,
        ];
        const other = ['get', origin.url, '-o', path.join(dir(), 'x'), '--on-exists', 'overwrite'];
        const runs = [args, other].map((each) => spawnSluice(each, { cwd: dir(), env }));
        const first = await Promise.race(runs.map(({ ended }) => ended));
        expect(first.status, first.stderr).to.equal(11);
        expect(first.stderr).to.contain('another run');
        origin.release();
        const results = await Promise.all(runs.map(({ ended }) => ended));
        expect(results.map(({ status }) => status).sort()).to.deep.equal([0, 11]);
        expectSameContent(path.join(dir(), 'x'), race, SIZE);
        expect(filesIn(dir())).to.deep.equal(['x']);
      } finally {
        await origin.close();
      }
      rmSync(path.join(dir(), 'x'));
    }
  });
});

describe(`crash: ${TAKERS} processes want a lock and die with it, ${RACES} times`, function () {
  this.timeout(120_000 + RACES * 10_000);
  const dir = tempDirPerTest();

  before(function () {
    requireNamespaces(this);
  });

  for (const kind of ['socket', 'beat', 'both']) {
    it(`P18: never do two have it, and it never stays with a dead one (${kind})`, async () => {
      const dice = new Dice(RACES);
      const seen = { held: 0, deaths: 0 };
      // A network and mounts of their own for every second one: the lock is all that they share.
      mkdirSync(path.join(dir(), 'shared'));
      mkdirSync(path.join(dir(), 'elsewhere'));
      const taker = async (index: number): Promise<void> => {
        // On a slow machine most are killed before they have had it: the deaths alone would prove nothing.
        while (seen.deaths < RACES || seen.held <= RACES) {
          const [place, prefix] = placeOf(index);
          const args = [LOCK_MAIN, path.join(place, 'x'), kind, String(dice.int(1, 1e6))];
          await oneLife([...prefix, process.execPath, ...args], dice, seen);
          seen.deaths++;
        }
      };
      await Promise.all(Array.from({ length: TAKERS }, (_, index) => taker(index)));
    });
  }

  function placeOf(index: number): [place: string, prefix: string[]] {
    const shared = path.join(dir(), 'shared');
    const elsewhere = path.join(dir(), 'elsewhere');
    if (index % 2 === 0) return [shared, []];
    return [elsewhere, apart({ bind: [shared, elsewhere], network: true })];
  }

  /** One process until it dies: of itself, or killed at a moment that it does not choose. */
  async function oneLife(
    [program = '', ...args]: string[],
    dice: Dice,
    seen: { held: number },
  ): Promise<void> {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    child.stdout.on(
      'data',
      (data: Buffer) => (seen.held += data.toString().split('held').length - 1),
    );
    const begun = once(child.stdout, 'data');
    await Promise.race([begun, ended(child)]);
    const signal = await Promise.race([ended(child), sleep(dice.int(0, 150))]);
    if (signal === undefined) child.kill('SIGKILL');
    expect(await ended(child), said).to.equal('SIGKILL');
  }

  function ended(child: ChildProcess): Promise<string | number | null> {
    const { signalCode, exitCode } = child;
    if (signalCode !== null || exitCode !== null) return Promise.resolve(signalCode ?? exitCode);
    return new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
  }
});
