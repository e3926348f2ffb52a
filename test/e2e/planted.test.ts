/** Parts and journals that are not ours alone, by the command (P25); and names that cannot be taken away (P2). */
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {
  expectStatus,
  filesIn,
  isRoot,
  requireReachable,
  requireRoot,
  runIn,
} from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { leaveWith, untilClaimed } from '../helpers/leave.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { spawnSluice, type RunOptions, type RunResult } from '../helpers/run-sluice.js';
import { ALICE, give, MALLORY } from '../helpers/users.js';

const SIZE = 4 * 1024 * 1024;
const SEED = 9;
/** Bytes a second and connection: a file takes 17 s, and something is claimed after one. */
const SLOW = 120_000;
const STICKY = 0o1777;

describe('e2e/planted', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: SEED, rate: SLOW });
  });
  afterEach(() => origin.close());

  const inDir = (name: string): string => path.join(dir(), name);
  const run = (args: string[], options: RunOptions = {}): Promise<RunResult> =>
    runIn(dir(), args, options);
  const get = (...more: string[]): string[] => ['get', origin.url, '-o', 'x', ...more];

  /** Leaves an unfinished download `x`. */
  async function leave(options: RunOptions = {}, ...more: string[]): Promise<void> {
    const env = { SLUICE_STATE_DIR: inDir('.state') };
    const args = get('-n', '2', ...more);
    expectStatus(await leaveWith(args, inDir('x'), { cwd: dir(), env, ...options }), 130);
    origin.set({ rate: Infinity });
  }

  /** Whatever is tried, it ends with exit status 11, and everything stays as it is. */
  async function expectRefused(whose: RegExp, options: RunOptions = {}): Promise<RunResult> {
    const names = filesIn(dir());
    const was = names.map((name) => readFileSync(inDir(name)));
    const from = origin.requests.length;
    const tries = [get(), ['resume', 'x'], get('--on-exists', 'overwrite'), ['resume', '--all']];
    let last: RunResult | null = null;
    for (const args of tries) {
      last = await run(args, options);
      expectStatus(last, 11);
      expect(last.stderr)
        .match(whose)
        .and.match(/TARGET_FOREIGN/);
    }
    expect(filesIn(dir())).deep.equal(names);
    const is = names.map((name) => readFileSync(inDir(name)));
    expect(is.every((bytes, index) => bytes.equals(was[index] as Buffer))).equal(true);
    expect(origin.requests.length, 'asked').equal(from);
    return last as RunResult;
  }

  /** Runs the command in the shell that the error says, as a user would paste it. */
  function paste({ stderr }: RunResult, begin: string): void {
    const command = new RegExp(`\`(${begin} [^\`]*)\``).exec(stderr)?.[1] ?? '';
    expect(command, stderr).not.equal('');
    const { status, stderr: said } = spawnSync('sh', ['-c', command], {
      cwd: dir(),
      encoding: 'utf8',
    });
    expect(status, said).equal(0);
  }

  for (const [what, names] of [
    ['a part and a journal', ['x.part', 'x.sluice']],
    ['a part', ['x.part']],
    ['a journal', ['x.sluice']],
  ] as const) {
    it(`P25: root does not go on with ${what} that another user laid`, async function () {
      requireRoot(this);
      await leave();
      for (const name of names) give(inDir(name), MALLORY, name === 'x.part' ? 0o666 : 0o644);
      const refused = await expectRefused(
        /belongs to the user with uid 65534, and sluice runs as root \(uid 0\)/,
      );
      expect(refused.stderr).match(/`sudo -u '#65534' sluice resume x`/);
      const info = await run(['info', 'x']);
      expectStatus(info, 11);
      expect(info.stderr).match(/belongs to the user with uid 65534/);
      paste(refused, 'rm -f');
      expectStatus(await run(get()), 0);
      expectSameContent(inDir('x'), SEED, SIZE);
      expect(statSync(inDir('x')).uid).equal(0);
      expect(filesIn(dir())).deep.equal(['x']);
    });
  }

  for (const [name, lay] of [
    ['a whole part', (part: string) => writeFileSync(part, Buffer.alloc(SIZE, 'evil'))],
    ['an empty part', (part: string) => writeFileSync(part, '')],
    ['a link', (part: string) => symlinkSync('/etc/passwd', part)],
  ] as const) {
    it(`P25: ${name} without a journal that another user laid is left alone, and not used`, async function () {
      requireRoot(this);
      lay(inDir('x.part'));
      give(inDir('x.part'), MALLORY);
      for (const args of [get(), get('--on-exists', 'overwrite')]) {
        const refused = await run(args);
        expectStatus(refused, 11);
        expect(refused.stderr).match(/TARGET_FOREIGN/);
      }
      expect(filesIn(dir())).deep.equal(['x.part']);
    });
  }

  it('P25: in a sticky directory: what root left is refused, and nothing is left under the name', async function () {
    requireRoot(this);
    requireReachable(this);
    chmodSync(dir(), STICKY);
    await leave();
    for (const [name, mode] of [
      ['x.part', 0o666],
      ['x.sluice', 0o644],
    ] as const)
      chmodSync(inDir(name), mode);
    const env = { SLUICE_STATE_DIR: undefined };
    await expectRefused(/belongs to root \(uid 0\), and sluice runs as the user with uid 65533/, {
      user: ALICE,
      env,
    });
    expect(existsSync(inDir('x'))).equal(false);
    // Another name, as it says.
    const other = await run(['get', origin.url, '-o', 'y'], { user: ALICE, env });
    expectStatus(other, 0);
    expectSameContent(inDir('y'), SEED, SIZE);
    expect(statSync(inDir('y')).uid).equal(ALICE);
  });

  it('P25: a normal user goes on with what is theirs, in a sticky directory too', async function () {
    requireRoot(this);
    requireReachable(this);
    chmodSync(dir(), STICKY);
    const options = { user: ALICE, env: { SLUICE_STATE_DIR: undefined } };
    const begun = spawnSluice(get('-n', '2'), { cwd: dir(), ...options });
    // The first line on progress comes after five checkpoints.
    await begun.waitFor(/ left, /);
    begun.kill('SIGINT');
    expectStatus(await begun.ended, 130);
    origin.set({ rate: Infinity });
    expect(statSync(inDir('x.part')).uid).equal(ALICE);
    const root = await run(['resume', 'x']);
    expectStatus(root, 11);
    expect(root.stderr).match(/belongs to the user with uid 65533/);
    expectStatus(await run(['resume', 'x'], options), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
  });

  it('P25: a normal user does not go on with a file of root, which a mount puts there', async function () {
    // For root, the tests above lay such files.
    if (isRoot) return this.skip();
    const apart = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c'];
    const able = spawnSync(apart[0] ?? '', [...apart.slice(1), 'true']).status === 0;
    if (!able) {
      process.stderr.write(
        'left out: a part of root, for a normal user: no user namespaces here\n',
      );
      return this.skip();
    }
    await leave();
    for (const name of ['x.part', 'x.sluice']) {
      const prefix = [...apart, `mount --bind /etc/passwd ${name} && exec "$@"`, 'sh'];
      await expectRefused(new RegExp(`${name} belongs to the user with uid`), { prefix });
    }
    expectStatus(await run(get()), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
  });

  for (const [name, mode] of [
    ['x.part', 0o666],
    ['x.part', 0o620],
    ['x.sluice', 0o602],
  ] as const) {
    it(`P25: ${name} of mode ${mode.toString(8)} is refused, and what the error says to do does it`, async () => {
      await leave();
      chmodSync(inDir(name), mode);
      const tries = [get(), ['resume', 'x'], ['info', 'x']];
      for (const args of tries) {
        const refused = await run(args);
        expectStatus(refused, 11);
        expect(refused.stderr).match(/may be written by others/);
        expect(existsSync(inDir('x'))).equal(false);
        if (args === tries.at(-1)) paste(refused, 'chmod go-w');
      }
      expectStatus(await run(['resume', 'x']), 0);
      expectSameContent(inDir('x'), SEED, SIZE);
    });
  }

  it('P25: what the next run will refuse is told when this one ends', async () => {
    const begun = spawnSluice(get('-n', '2'), { cwd: dir() });
    await untilClaimed(begun, inDir('x'));
    // As on a filesystem that has no modes.
    chmodSync(inDir('x.part'), 0o666);
    begun.kill('SIGINT');
    const ended = await begun.ended;
    expectStatus(ended, 130);
    expect(ended.stderr).match(/warning: x\.part may be written by others/);
    origin.set({ rate: Infinity });
    paste(ended, 'chmod go-w');
    expectStatus(await run(['resume', 'x']), 0);
  });

  it("P25: what others may write to is replaced when the user says so: it is the user's own", async () => {
    await leave();
    chmodSync(inDir('x.part'), 0o666);
    expectStatus(await run(get('--on-exists', 'overwrite')), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
  });

  for (const mask of ['000', '002', '022', '077']) {
    it(`P25: umask ${mask}: nobody else may write to the part, and the file has the mode of any other`, async () => {
      const prefix = ['sh', '-c', `umask ${mask}; exec "$@"`, 'sh'];
      spawnSync('sh', ['-c', `umask ${mask}; : > plain`], { cwd: dir() });
      await leave({ prefix });
      expect(statSync(inDir('x.part')).mode & 0o022).equal(0);
      // It is gone on with under another umask, and killed once more.
      expectStatus(await run(['resume', 'x']), 0);
      expect(statSync(inDir('x')).mode).equal(statSync(inDir('plain')).mode);
    });
  }

  it('P25: the mode is given by the next run when one dies with the name in place', async function () {
    if (findProgram('strace') === null) return this.skip();
    origin.set({ rate: Infinity });
    const prefix = [
      ...['sh', '-c', 'umask 002; exec "$@"', 'sh', 'strace', '-f', '-qq', '-o', '/dev/null'],
      ...['-P', inDir('x'), '-e', 'inject=link:signal=KILL:when=1'],
    ];
    const env = { SLUICE_STATE_DIR: inDir('.state'), UV_USE_IO_URING: '0' };
    const target = ['get', origin.url, '-o', inDir('x'), '--sync', 'full'];
    expect((await run(target, { prefix, env })).signal).equal('SIGKILL');
    if (!existsSync(inDir('x'))) linkSync(inDir('x.part'), inDir('x'));
    expect(statSync(inDir('x')).mode & 0o777).equal(0o644);
    expectStatus(await run(['resume', 'x']), 0);
    expect(statSync(inDir('x')).mode & 0o777).equal(0o664);
    expect(filesIn(dir())).deep.equal(['x']);
  });

  describe('when what is left cannot be taken away', () => {
    before(function () {
      if (findProgram('strace') === null) this.skip();
    });

    const spoiled = (inject: string[], files: string[], ...more: string[]): Promise<RunResult> => {
      origin.set({ rate: Infinity });
      return run(['get', origin.url, '-o', inDir('x'), '--sync', 'full', ...more], {
        // strace counts calls by thread.
        env: { UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '1' },
        prefix: [
          ...['strace', '-f', '-qq', '-o', '/dev/null'],
          ...files.flatMap((name) => ['-P', inDir(name)]),
          ...inject.flatMap((each) => ['-e', `inject=${each}`]),
        ],
      });
    };

    for (const [name, inject] of [
      ['x.part', 'unlink:error=EPERM:when=1+'],
      ['x.sluice', 'unlink:error=EPERM:when=1+'],
    ] as const) {
      it(`P2: the name ${name}: the file is whole, so it is a warning, and the next run knows it`, async () => {
        const warned = await spoiled([inject], [name]);
        expectStatus(warned, 0);
        expect(warned.stderr).match(/warning: The file is complete, but cannot remove/);
        expectSameContent(inDir('x'), SEED, SIZE);
        expect(filesIn(dir())).deep.equal(['x', name].sort());
        const from = origin.requests.length;
        const again = await spoiled([inject], [name]);
        expectStatus(again, 0);
        expect(origin.requests.slice(from).every(({ bodyBytes }) => bodyBytes <= 1)).equal(true);
        paste(warned, 'rm -f');
        expect(filesIn(dir())).deep.equal(['x']);
      });
    }

    it('P2: both names: the next run says that it is complete', async () => {
      const inject = ['unlink:error=EPERM:when=1+'];
      expectStatus(await spoiled(inject, ['x.part', 'x.sluice']), 0);
      expectSameContent(inDir('x'), SEED, SIZE);
      const from = origin.requests.length;
      expectStatus(await spoiled(inject, ['x.part', 'x.sluice']), 0);
      expect(origin.requests.length).equal(from);
      expectStatus(await run(get()), 0);
      expect(filesIn(dir())).deep.equal(['x']);
    });

    it('P2, P17: a directory that cannot be synced: with a name that was free, nothing is under it', async () => {
      // The first time it is for the name of the journal.
      const inject = ['link:error=EPERM', 'fsync:error=EIO:when=2+'];
      expectStatus(await spoiled(inject, ['', 'x', 'x.part']), 10);
      expect(existsSync(inDir('x'))).equal(false);
      expectStatus(await run(get()), 0);
      expectSameContent(inDir('x'), SEED, SIZE);
    });

    it('P2, P17: with a name that was replaced it is a warning: what had it is gone', async () => {
      writeFileSync(inDir('x'), 'old');
      const warned = await spoiled(['fsync:error=EIO:when=2+'], [''], '--on-exists', 'overwrite');
      expectStatus(warned, 0);
      expect(warned.stderr).match(/warning: The file is complete, but its name may not survive/);
      expectSameContent(inDir('x'), SEED, SIZE);
      expect(filesIn(dir())).deep.equal(['x']);
    });
  });
});
