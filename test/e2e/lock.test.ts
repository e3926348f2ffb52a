/** Two runs on one target that have little in common but the directory. */
import { expect } from 'chai';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expectStatus, filesIn, isRoot, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { apart, requireNamespaces } from '../helpers/namespaces.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice, type RunningSluice } from '../helpers/run-sluice.js';
import { signalCommand } from '../crash/signal.js';

const SIZE = 1024 * 1024;

describe('the lock of a target', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => (origin = await Origin.start({ size: SIZE })));
  afterEach(() => origin.close());

  const home = (): string => path.join(dir(), 'home');
  const other = (): string => path.join(dir(), 'other');
  const file = (): string => path.join(home(), 'x');

  beforeEach(() => {
    mkdirSync(home());
    mkdirSync(other());
  });

  /** A run that has the target, and whose last byte waits. */
  async function holder(prefix: string[] = []): Promise<RunningSluice> {
    origin.fault({ fault: { kind: 'hold', at: 1000 }, times: Infinity });
    const run = spawnSluice(['get', origin.url, '-o', file(), '-n', '1', '--json'], {
      cwd: home(),
      prefix,
      env: { SLUICE_STATE_DIR: path.join(dir(), '.state') },
    });
    await run.waitFor(/"start"/);
    return run;
  }

  async function expectBusy(args: string[], prefix: string[] = []): Promise<void> {
    const before = filesIn(home());
    const asked = origin.requests.length;
    const run = await runIn(other(), args, { prefix });
    expectStatus(run, 11);
    expect(run.stderr).to.contain('another run');
    expect(origin.requests).to.have.length(asked);
    expect(filesIn(home())).to.deep.equal(before);
  }

  async function finish(run: RunningSluice): Promise<void> {
    origin.release();
    expectStatus(await run.ended, 0);
    expectSameContent(file(), origin.seed, SIZE);
    expect(filesIn(home())).to.deep.equal(['x']);
  }

  describe('in other namespaces', function () {
    before(function () {
      requireNamespaces(this);
    });

    it('P18: is found through a bind mount', async () => {
      const run = await holder();
      const name = path.join(other(), 'x');
      await expectBusy(['get', origin.url, '-o', name], apart({ bind: [home(), other()] }));
      await finish(run);
    });

    it('P18: is found from another network namespace', async () => {
      const run = await holder();
      await expectBusy(['get', origin.url, '-o', file()], apart({ network: true }));
      await finish(run);
    });

    it('P18: is found from a container, with processes, mounts and a network of its own', async () => {
      const run = await holder();
      const container = apart({ bind: [home(), other()], network: true, pids: true });
      await expectBusy(['resume', path.join(other(), 'x')], container);
      await finish(run);
    });

    it('P18: is found when a container has it', async () => {
      const run = await holder(apart({ pids: true }));
      await expectBusy(
        ['get', origin.url, '-o', path.join(other(), 'x')],
        apart({ bind: [home(), other()] }),
      );
      await finish(run);
    });

    it('of a container that was killed is taken over at once', async () => {
      const run = await holder(apart({ bind: [home(), other()], pids: true }));
      signalCommand(run, 'SIGKILL');
      await run.ended;
      expect(filesIn(home())).to.include('x.sluice.lock');
      origin.release();
      const next = await runIn(home(), ['get', origin.url, '-o', file()]);
      expectStatus(next, 0);
      expect(filesIn(home())).to.deep.equal(['x']);
    });
  });

  it('of a run that was killed is taken over at once', async () => {
    const run = await holder();
    run.kill('SIGKILL');
    await run.ended;
    expect(filesIn(home())).to.include('x.sluice.lock');
    origin.release();
    expectStatus(await runIn(home(), ['get', origin.url, '-o', file()]), 0);
    expect(filesIn(home())).to.deep.equal(['x']);
  });

  it('is given back when a run is stopped', async () => {
    const run = await holder();
    run.kill('SIGINT');
    expectStatus(await run.ended, 130);
    expect(filesIn(home())).to.not.include('x.sluice.lock');
  });

  it('fits beside the longest name', async () => {
    const name = 'n'.repeat(247);
    origin.fault({ fault: { kind: 'hold', at: 1000 }, times: Infinity });
    const run = spawnSluice(['get', origin.url, '-o', name, '--json'], { cwd: home() });
    await run.waitFor(/"start"/);
    const locks = filesIn(home()).filter((each) => each.endsWith('.sluice.lock'));
    expect(locks).to.have.length(1);
    origin.release();
    expectStatus(await run.ended, 0);
    expect(filesIn(home())).to.deep.equal([name]);
  });

  it('is no file, link or directory of somebody: these are left alone', async () => {
    const lock = `${file()}.sluice.lock`;
    const plants: Array<[string, () => void]> = [
      ['a file', () => writeFileSync(lock, 'mine')],
      ['a link', () => symlinkSync(other(), lock)],
      ['a directory', () => (mkdirSync(lock), writeFileSync(path.join(lock, 'mine'), 'mine'))],
    ];
    for (const [what, plant] of plants) {
      plant();
      const run = await runIn(home(), ['get', origin.url, '-o', file()]);
      expect(run.status, `${what}\n${run.stderr}`).to.equal(11);
      expect(run.stderr).to.contain(lock);
      expect(filesIn(home())).to.deep.equal(['x.sluice.lock']);
      expect(readdirSync(other())).to.deep.equal([]);
      rmSync(lock, { recursive: true });
    }
    expect(origin.requests).to.have.length(0);
  });

  describe('of another user', function () {
    before(function () {
      if (isRoot) return;
      if (process.env['CI']) throw new Error('under CI these tests are run by root');
      this.skip();
    });

    /** A directory as /tmp is, where everybody may make names, and nobody may remove another's. */
    function openToAll(): void {
      chmodSync(dir(), 0o755);
      chmodSync(home(), 0o1777);
    }

    /** The lock of a user, as a run of theirs left it or they made it up. */
    function plant(user: number): string {
      const lock = `${file()}.sluice.lock`;
      mkdirSync(lock);
      writeFileSync(path.join(lock, '0123456789abcdef-0123456789abcdef.beat'), '{}');
      chownSync(lock, user, user);
      return lock;
    }

    it('is refused, and left alone', async () => {
      const lock = plant(12345);
      const run = await runIn(home(), ['get', origin.url, '-o', file()]);
      expectStatus(run, 11);
      expect(run.stderr).to.contain('another user').and.to.contain(lock);
      expect(filesIn(home())).to.deep.equal(['x.sluice.lock']);
    });

    it('is refused where it cannot be read, too', async () => {
      openToAll();
      const lock = plant(12345);
      chmodSync(lock, 0o700);
      const prefix = ['setpriv', '--reuid=12346', '--regid=12346', '--clear-groups'];
      const run = await runIn(home(), ['get', origin.url, '-o', file()], { prefix });
      expectStatus(run, 11);
      expect(run.stderr).to.contain('another user').and.to.contain(lock);
      expect(filesIn(home())).to.deep.equal(['x.sluice.lock']);
    });
  });
});
