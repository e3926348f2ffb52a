// npm test: all the tests, and the checks of lint, format and layers beside them. Where they run as root, as in most containers, those of .mocharc.user.json run
// once more as a normal user, whom permissions bind. Arguments are mocha's, for both.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const words = process.argv.slice(2);
const MOCHA = 'node_modules/mocha/bin/mocha.js';
/** Nobody: a user who owns nothing. */
const USER = 65534;
const AS_USER = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];

/** What .ci/count-reporter.cjs has counted in a file, `[passed, failed, left out]`; null when it was not asked to. */
function counted(file) {
  try {
    return readFileSync(file, 'utf8').trim().split(' ').map(Number);
  } catch {
    return null;
  }
}

/** Whether the user can run this Node and read the checkout. */
function isReachable(node, checkout) {
  // By their whole paths: a directory above them may be closed.
  const files = [
    'package.json',
    '.mocharc.user.json',
    MOCHA,
    'bin/run.js',
    'dist/bundle/sluice.cjs',
  ].map((file) => path.join(checkout, file));
  const script = `const fs = require('fs');
    for (const file of ${JSON.stringify(files)}) fs.accessSync(file, fs.constants.R_OK)`;
  return spawnSync('setpriv', [...AS_USER, node, '-e', script], { cwd: '/' }).status === 0;
}

/** The checkout and Node, or copies of them that the user can reach. */
function reachable(scratch) {
  if (isReachable(process.execPath, root)) return { node: process.execPath, checkout: root };
  const checkout = path.join(scratch, 'checkout');
  const node = path.join(scratch, 'bin', 'node');
  const left = new Set(['.git', 'coverage', 'reports', '.stryker-tmp'].map((name) => root + name));
  cpSync(root, checkout, { recursive: true, filter: (from) => !left.has(from) });
  mkdirSync(path.dirname(node));
  copyFileSync(process.execPath, node);
  spawnSync('chmod', ['-R', 'a+rX', checkout, path.dirname(node)]);
  if (!isReachable(node, checkout)) throw new Error(`a normal user cannot read ${checkout}`);
  return { node, checkout };
}

/** A directory of the user's own. */
function ownDirectory(scratch, name) {
  const directory = path.join(scratch, name);
  mkdirSync(directory, { mode: 0o700 });
  chownSync(directory, USER, USER);
  return directory;
}

/** The environment of the tests as a normal user. */
function userEnvironment(scratch, node) {
  const env = { ...process.env };
  for (const name of Object.keys(env)) if (name.startsWith('XDG_')) delete env[name];
  // Under CI what cannot run is a failure, and it has run as root; not everywhere may a user make namespaces.
  delete env.CI;
  return {
    ...env,
    PATH: `${path.dirname(node)}${path.delimiter}${env.PATH}`,
    HOME: ownDirectory(scratch, 'home'),
    TMPDIR: ownDirectory(scratch, 'tmp'),
  };
}

/** Runs mocha as the user; `{ status, counts }` of it. */
function runAsUser() {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'sluice-user-'));
  try {
    chmodSync(scratch, 0o755);
    const { node, checkout } = reachable(scratch);
    const env = userEnvironment(scratch, node);
    const file = path.join(env.HOME, 'count');
    const args = [...AS_USER, node, MOCHA, '--config', '.mocharc.user.json', ...words];
    const { status } = spawnSync('setpriv', args, {
      cwd: checkout,
      env: { ...env, SLUICE_COUNT_FILE: file },
      stdio: 'inherit',
    });
    return { status: status ?? 1, counts: counted(file) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Adds what the user's run counted to what root's run did. What it left out is for root, who ran it. */
function add(file, counts) {
  const sums = file === undefined ? null : counted(file);
  if (sums === null || counts === null) return;
  writeFileSync(file, `${sums[0] + counts[0]} ${sums[1] + counts[1]} ${sums[2]}\n`);
}

/** Runs a script of Node; resolves to its status, and what it printed when that is kept. */
function run(args, stdio) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio });
    let said = '';
    child.stdout?.on('data', (data) => (said += data));
    child.stderr?.on('data', (data) => (said += data));
    child.on('close', (status) => resolve({ status: status ?? 1, said }));
  });
}

const checking = run(['scripts/checks.js', '--beside'], ['ignore', 'pipe', 'pipe']);
let { status } = await run([MOCHA, ...words], 'inherit');

if (process.getuid?.() === 0) {
  if (spawnSync('setpriv', [...AS_USER, 'true']).status === 0) {
    console.log('== as a normal user');
    const again = runAsUser();
    if (status === 0) ({ status } = again);
    add(process.env.SLUICE_COUNT_FILE, again.counts);
  } else {
    console.log(
      'left out: the tests as a normal user, whom setpriv (util-linux) cannot become here',
    );
    if (process.env.CI) status = 1;
  }
}
const checks = await checking;
console.log(checks.said);
process.exitCode = status === 0 ? checks.status : status;
