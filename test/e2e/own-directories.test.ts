/** The command where its own directories are not its user's alone: it does without, and says so once. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { expectStatus, isRoot } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { keepsCode, runSluice, type RunResult } from '../helpers/run-sluice.js';

/** Somebody without a name here. */
const MALLORY = 65_534;

/** A transfer as long as this teaches something of its origin. */
const TELLING = 17 * 1024 * 1024;

/** Variables with which the home directory decides. */
const BY_HOME = {
  XDG_CACHE_HOME: undefined,
  XDG_STATE_HOME: undefined,
  NODE_COMPILE_CACHE: undefined,
};

describe('own directories', () => {
  const dir = tempDirPerTest();
  const inDir = (name: string): string => path.join(dir(), name);
  let origin: Origin;

  before(async () => {
    origin = await Origin.start({ size: TELLING });
  });
  after(() => origin.close());

  /** Downloads the file; `without` are the lines of the log on directories that are not used. */
  async function get(
    name: string,
    env: Record<string, string | undefined>,
  ): Promise<{ run: RunResult; without: Array<{ directory: string; reason: string }> }> {
    const log = inDir(`${name}.log`);
    const args = ['get', '-q', '--log-file', log, '-o', inDir(name), origin.url];
    const run = await runSluice(args, {
      cwd: dir(),
      env: { NODE_COMPILE_CACHE: undefined, ...env },
    });
    expectStatus(run, 0);
    expect(run.stdout + run.stderr).equal('');
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    type Line = { msg: string; directory: string; reason: string };
    const without = lines
      .map((line) => JSON.parse(line) as Line)
      .filter(({ msg }) => msg === 'a directory of sluice is done without')
      .map(({ directory, reason }) => ({ directory, reason }));
    return { run, without };
  }

  /** Our directories below a home that is not ours: all are done without for one reason. */
  const all = (home: string, reason: string): Array<{ directory: string; reason: string }> =>
    [
      ...(keepsCode() ? ['.cache/sluice/code'] : []),
      '.local/state/sluice/finished',
      '.cache/sluice/origins',
    ].map((name) => ({ directory: path.join(home, name), reason }));

  const everythingIn = (directory: string): string[] =>
    readdirSync(directory, { recursive: true }).map(String).sort();

  it('P25: a home of its own gets what it always got', async () => {
    const { without } = await get('file', { HOME: inDir('home'), ...BY_HOME });
    expect(without).deep.equal([]);
    const made = everythingIn(inDir('home')).filter((name) => !name.includes('sluice/code'));
    expect(made.filter((name) => name.endsWith('.json')).length).equal(1);
    expect(existsSync(inDir('home/.cache/sluice/code'))).equal(keepsCode());
  });

  it('P25: as root, with the HOME of another user, nothing there is run, read or written', async function () {
    if (!isRoot) return this.skip();
    const home = inDir('home');
    mkdirSync(home);
    // Everything that an earlier run of root's has left there, or that its owner would like it to find.
    await get('before', { HOME: home, ...BY_HOME });
    const planted = everythingIn(home);
    expect(planted.some((name) => name.endsWith('.json'))).equal(true);
    for (const name of planted) chownSync(path.join(home, name), MALLORY, MALLORY);
    chownSync(home, MALLORY, MALLORY);
    chmodSync(dir(), 0o755);
    const { without } = await get('file', { HOME: home, ...BY_HOME });
    expect(without).have.deep.members(all(home, `${home} belongs to user ${MALLORY}`));
    expect(everythingIn(home)).deep.equal(planted);
  });

  it('P25: a home that others may write to is no home', async () => {
    const home = inDir('home');
    mkdirSync(home);
    chmodSync(home, 0o770);
    const { without } = await get('file', { HOME: home, ...BY_HOME });
    const reason = `others may write to ${home} (chmod go-w takes that away)`;
    expect(without).have.deep.members(all(home, reason));
    expect(everythingIn(home)).deep.equal([]);
  });

  it('P25: links at the directories lead nowhere, and each is told once for several files', async () => {
    const target = inDir('target');
    mkdirSync(target);
    for (const name of ['code', 'origins', 'finished']) {
      mkdirSync(inDir(`own/${name}`), { recursive: true });
      rmSync(inDir(`own/${name}`), { recursive: true });
      symlinkSync(target, inDir(`own/${name}`));
    }
    const env = {
      SLUICE_CACHE_DIR: inDir('own'),
      SLUICE_STATE_DIR: inDir('own'),
      NODE_COMPILE_CACHE: undefined,
    };
    const urls = [origin.server.url('/a'), origin.server.url('/b')];
    const args = ['get', '-v', '-d', dir(), ...urls];
    const run = await runSluice(args, { cwd: dir(), env });
    expectStatus(run, 0);
    for (const name of ['origins', 'finished', ...(keepsCode() ? ['code'] : [])]) {
      const reason = `reason=${inDir(`own/${name}`)} is a symbolic link`;
      expect(run.stderr.split(reason).length, run.stderr).equal(2);
    }
    expect(readdirSync(target)).deep.equal([]);
  });

  it('P25: a directory with other files in it loses none of them', async () => {
    const films = Array.from({ length: 1005 }, (_, number) => `film ${number}.mkv`);
    for (const name of ['finished', 'origins', 'code']) {
      mkdirSync(inDir(`own/${name}`), { recursive: true });
      for (const film of films) writeFileSync(inDir(`own/${name}/${film}`), 'a film');
      const old = films.map((film) => inDir(`own/${name}/${film}`));
      execFileSync('touch', ['-d', '2001-01-01', ...old]);
    }
    const env = { SLUICE_CACHE_DIR: inDir('own'), SLUICE_STATE_DIR: inDir('own') };
    const { without } = await get('file', env);
    expect(without).deep.equal([]);
    for (const name of ['finished', 'origins', 'code'])
      expect(readdirSync(inDir(`own/${name}`))).include.members(films);
    expect(readdirSync(inDir('own/finished')).length, 'and a receipt').equal(films.length + 1);
  });

  it('P25: no plugin and no theme that oclif would look for in a home is loaded', async () => {
    const share = inDir('home/.local/share/sluice');
    const evil = path.join(share, 'node_modules', 'evil');
    mkdirSync(evil, { recursive: true });
    const plugins = [{ name: 'evil', type: 'user' }];
    const pjson = { name: 'x', version: '1.0.0', dependencies: { evil: '1' }, oclif: { plugins } };
    writeFileSync(path.join(share, 'package.json'), JSON.stringify(pjson));
    const own = { name: 'evil', version: '1.0.0', oclif: { hooks: { init: './hook.js' } } };
    writeFileSync(path.join(evil, 'package.json'), JSON.stringify(own));
    writeFileSync(
      path.join(evil, 'hook.js'),
      `module.exports = () => require('fs').writeFileSync(${JSON.stringify(inDir('ran'))}, '')`,
    );
    // Whoever reads the theme waits for ever.
    mkdirSync(inDir('home/.config/sluice'), { recursive: true });
    execFileSync('mkfifo', [inDir('home/.config/sluice/theme.json')]);
    const env = {
      HOME: inDir('home'),
      XDG_DATA_HOME: undefined,
      XDG_CONFIG_HOME: undefined,
      ...BY_HOME,
    };
    for (const [status, ...args] of [
      [0, '--help'],
      [0, 'get', '--help'],
      [0],
      [2, 'get', '--late'],
      [2, 'gte'],
    ] as Array<[number, ...string[]]>) {
      expectStatus(await runSluice(args, { cwd: dir(), env, timeoutMs: 30_000 }), status);
      expect(existsSync(inDir('ran'))).equal(false);
    }
  });

  it('P25: compiled code of another user is not run, nor what others could have changed', async function () {
    if (!keepsCode()) return this.skip();
    const code = inDir('own/code');
    await get('first', { SLUICE_CACHE_DIR: inDir('own') });
    const files = everythingIn(code).filter((name) => name.includes('/'));
    const file = path.join(code, files[0] ?? '');
    const whole = readFileSync(file);
    const faults: Array<[string, () => void, RegExp]> = [
      ['mode', () => chmodSync(file, 0o666), /^others may write to /],
      ['link', () => (rmSync(file), symlinkSync('/etc/passwd', file)), /is no regular file$/],
      ...(isRoot
        ? ([['owner', () => chownSync(file, MALLORY, MALLORY), /belongs to user 65534$/]] as [
            string,
            () => void,
            RegExp,
          ][])
        : []),
    ];
    for (const [name, damage, reason] of faults) {
      rmSync(file, { force: true });
      writeFileSync(file, whole, { mode: 0o600 });
      damage();
      const { without } = await get(name, { SLUICE_CACHE_DIR: inDir('own') });
      expect(without.map(({ directory }) => directory)).deep.equal([code]);
      expect(without[0]?.reason).match(reason);
    }
  });
});
