import { expect } from 'chai';
import {
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { untilClaimed } from '../helpers/leave.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice, type RunResult } from '../helpers/run-sluice.js';

const SIZE = 8 * 1024 * 1024;
const SEED = 31;
const SLOW = 300_000;

/** Another program meddles while the command runs. */
describe('e2e/disturbed', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => (origin = await Origin.start({ size: SIZE, seed: SEED, rate: SLOW })));
  afterEach(() => origin.close());

  /** Runs `get` on `sub/x` and meddles once something is claimed; then the server is faster. */
  async function disturb(meddle: (target: string) => void, ...args: string[]): Promise<RunResult> {
    mkdirSync(path.join(dir(), 'sub'));
    const target = path.join(dir(), 'sub', 'x');
    const run = spawnSluice(['get', origin.url, '-o', target, '-n', '2', ...args], { cwd: dir() });
    await untilClaimed(run, target);
    meddle(target);
    origin.set({ rate: 1_000_000 });
    return run.ended;
  }

  const bytesSent = (): number => origin.requests.reduce((sum, each) => sum + each.bodyBytes, 0);

  async function expectRight(file: string): Promise<void> {
    origin.set({ rate: Infinity });
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', file]), 0);
    expectSameContent(file, SEED, SIZE);
    expect(filesIn(path.dirname(file))).to.deep.equal(['x']);
  }

  for (const how of ['sparse', 'full']) {
    it(`P1, P3: a part that is cut while it is written becomes no file: --preallocate ${how}`, async () => {
      const cut = (target: string): void => truncateSync(`${target}.part`, 1000);
      const run = await disturb(cut, '--preallocate', how);
      expectStatus(run, 10);
      expect(run.stderr).to.match(/x\.part was made shorter while it was written/);
      expect(run.stderr).to.contain('next: ');
      const file = path.join(dir(), 'sub', 'x');
      expect(existsSync(file)).to.equal(false);
      await expectRight(file);
    });
  }

  it('P3: what a cut part lost is not believed after a signal either', async () => {
    mkdirSync(path.join(dir(), 'sub'));
    const file = path.join(dir(), 'sub', 'x');
    const run = spawnSluice(['get', origin.url, '-o', file, '-n', '2'], { cwd: dir() });
    const { pid } = run;
    await untilClaimed(run, file);
    process.kill(pid, 'SIGSTOP');
    truncateSync(`${file}.part`, 1000);
    // Both are there when it goes on: it has had no time to look.
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGCONT');
    const { status } = await run.ended;
    expect(status).to.be.oneOf([130, 10]);
    await expectRight(file);
  });

  const GONE: Record<string, (target: string) => void> = {
    removed: (target) => rmSync(`${target}.part`),
    'renamed, and another is there': (target) => {
      renameSync(`${target}.part`, path.join(dir(), 'away'));
      writeFileSync(`${target}.part`, 'another');
    },
    'replaced by a link to it': (target) => {
      renameSync(`${target}.part`, path.join(dir(), 'away'));
      symlinkSync(path.join(dir(), 'away'), `${target}.part`);
    },
    'in a directory that is gone': (target) => rmSync(path.dirname(target), { recursive: true }),
    'in a directory of another name': (target) =>
      renameSync(path.dirname(target), path.join(dir(), 'other')),
  };
  for (const [what, meddle] of Object.entries(GONE)) {
    it(`P2: a part that is ${what} ends the download soon, and nothing is said to be kept`, async () => {
      const run = await disturb(meddle);
      expectStatus(run, 11);
      expect(run.stderr).to.match(/x\.part was removed or replaced/);
      expect(run.stderr).to.not.match(/are kept/);
      expect(bytesSent()).to.be.below(SIZE);
      if (existsSync(path.join(dir(), 'other'))) return expectRight(path.join(dir(), 'other', 'x'));
      rmSync(path.join(dir(), 'sub', 'x.part'), { force: true });
      await expectRight(path.join(dir(), 'sub', 'x'));
    });
  }

  const TAKEN: Record<string, (target: string) => void> = {
    'a file': (target) => writeFileSync(target, 'mine'),
    'a dangling link': (target) => symlinkSync('nowhere', target),
    'a directory': (target) => mkdirSync(target),
  };
  for (const [what, take] of Object.entries(TAKEN)) {
    it(`P2, P13: ${what} that takes the name meanwhile stays, and nothing is fetched again`, async () => {
      const run = await disturb(take);
      expectStatus(run, 11);
      expect(run.stderr).to.contain(`${SIZE} of ${SIZE} bytes (100%) are kept`);
      expect(run.stderr).to.match(/next: .*sluice resume/);
      const file = path.join(dir(), 'sub', 'x');
      rmSync(file, { recursive: true });
      const from = origin.requests.length;
      expectStatus(await runIn(dir(), ['resume', file]), 0);
      expectSameContent(file, SEED, SIZE);
      const again = origin.requests.slice(from).reduce((sum, each) => sum + each.bodyBytes, 0);
      expect(again).to.be.at.most(4096);
    });
  }
});
