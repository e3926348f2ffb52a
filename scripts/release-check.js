// Looks whether this commit could be released:
//   npm run release:check                    everything
//   npm run release:check -- --tag v1.2.3    also that the tag is the version, and that the changelog has it
// Says of each part whether it held and how long it took. What cannot be done here is named as left out.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { tag: { type: 'string' } } });
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

const output = (command, ...words) =>
  execFileSync(command, words, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });

/** Runs a command with its output on ours. @throws when it fails */
function must(command, ...words) {
  const { status } = spawnSync(command, words, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${[command, ...words].join(' ')} ends with ${status}`);
}

/** What is to hold, in words. One that returns a text is left out for that reason. */
const PARTS = {
  'nothing is uncommitted': () => {
    if (output('git', 'status', '--porcelain') !== '') throw new Error('there are changes');
  },
  'the tag is the version, and the changelog has it': () => {
    if (values.tag === undefined) return 'no --tag is given';
    if (values.tag !== `v${version}`) throw new Error(`${values.tag} is not v${version}`);
    const changes = readFileSync(`${root}CHANGELOG.md`, 'utf8');
    if (!changes.includes(`\n## [${version}] - `)) throw new Error(`no heading for ${version}`);
    return null;
  },
  'the package is the same twice, in order and within its budget': () =>
    must(process.execPath, 'scripts/package-check.js', '--release'),
  'the SBOM names what is installed with it': () => {
    const sbom = JSON.parse(output('npm', 'sbom', '--omit', 'dev', '--sbom-format', 'cyclonedx'));
    const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    const named = new Set(sbom.components.map(({ purl }) => decodeURIComponent(purl)));
    for (const [name, wanted] of Object.entries(dependencies))
      if (!named.has(`pkg:npm/${name}@${wanted}`)) throw new Error(`it lacks ${name}`);
  },
  'everything builds again, and the package installs': () => {
    must('npm', 'run', '--silent', 'build');
    must(
      'npx',
      'mocha',
      '--no-config',
      '--timeout',
      '300000',
      'dist/test/e2e/pack.test.js',
      'dist/test/e2e/library-package.test.js',
    );
  },
  'the library reference is that of the types': () =>
    must(process.execPath, 'scripts/reference.js', '--check'),
  'the single executable downloads': () => {
    if (!output(process.execPath, '--help').includes('--build-sea'))
      return `Node ${process.version} cannot build one`;
    return must('npx', 'mocha', '--no-config', '--timeout', '300000', 'dist/test/e2e/sea.test.js');
  },
  'a soak of a minute': () =>
    must(process.execPath, '--expose-gc', 'dist/test/soak/main.js', '--minutes', '1'),
  'the image builds': () => {
    if (spawnSync('docker', ['info']).status !== 0) return 'no Docker daemon answers';
    return must('docker', 'build', '--quiet', '.');
  },
};

const told = [];
for (const [name, hold] of Object.entries(PARTS)) {
  const began = performance.now();
  try {
    const why = hold();
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    told.push(
      typeof why === 'string' ? `left out: ${name} (${why})` : `ok: ${name} (${seconds} s)`,
    );
  } catch (error) {
    told.push(`NOT: ${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
console.log(told.join('\n'));
