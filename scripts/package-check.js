// Looks at the package as it would be published:
//   it is made twice, and both are the same byte by byte;
//   publint and Are The Types Wrong find nothing;
//   it has no source map, and names none where it is made for a release;
//   it is no larger than scripts/package-budget.json says, and brings no more packages.
//   node scripts/package-check.js             of what was built
//   node scripts/package-check.js --release   builds it first, twice, as for a release
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const root = fileURLToPath(new URL('..', import.meta.url));
const isRelease = process.argv.includes('--release');
const budget = JSON.parse(readFileSync(new URL('./package-budget.json', import.meta.url), 'utf8'));
const scratch = mkdtempSync(path.join(tmpdir(), 'sluice-package-'));
const complaints = [];

const npm = (...words) =>
  execFileSync('npm', words, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });

/** @returns what npm says of the package, and its bytes */
function pack() {
  if (isRelease) {
    rmSync(path.join(root, 'dist'), { recursive: true, force: true });
    npm('run', '--silent', 'build', '--', '--release');
  }
  const directory = mkdtempSync(path.join(scratch, 'pack-'));
  const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory];
  const told = JSON.parse(npm(...words));
  const [about] = Array.isArray(told) ? told : Object.values(told);
  const [file] = readdirSync(directory);
  const bytes = readFileSync(path.join(directory, file));
  return { about, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Packages that a user gets beside ours. */
function runtimePackages() {
  const listed = npm('ls', '--omit=dev', '--all', '--parseable');
  return new Set(listed.split('\n').filter((line) => line.includes('node_modules'))).size;
}

function within(name, value) {
  const isWithin = value <= budget[name];
  if (!isWithin) complaints.push(`${name} is ${value}, and the budget ${budget[name]}`);
  return `${name} ${value} of ${budget[name]}`;
}

/** The package is for `import` and for Node's `require` of ES modules: older ways to resolve are passed over. */
async function typeProblems(bytes) {
  const { problems = [] } = await checkPackage(createPackageFromTarballData(bytes));
  return problems.filter(
    ({ resolutionKind: kind, kind: what }) =>
      kind !== 'node10' && kind !== 'node16-cjs' && what !== 'CJSResolvesToESM',
  );
}

try {
  const first = pack();
  const second = pack();
  if (first.sha256 !== second.sha256) complaints.push('it is not the same when it is made again');
  console.log(`sha256 ${first.sha256}, twice`);
  const { files, size, unpackedSize, entryCount } = first.about;
  const sizes = { packedBytes: size, unpackedBytes: unpackedSize, files: entryCount };
  const parts = Object.entries({ ...sizes, runtimePackages: runtimePackages() });
  console.log(parts.map(([name, value]) => within(name, value)).join(', '));
  for (const { path: name } of files)
    if (name.endsWith('.map')) complaints.push(`${name} has no sources in the package`);
  for (const name of isRelease ? files.map((file) => file.path) : [])
    if (
      /\.c?js$/.test(name) &&
      /^\/\/# sourceMappingURL/m.test(readFileSync(path.join(root, name), 'utf8'))
    )
      complaints.push(`${name} names a source map`);
  const tarball = Uint8Array.from(first.bytes).buffer;
  const found = await publint({ pack: { tarball }, strict: true });
  const { pkg } = found;
  // bin/run.js begins as a script of sh, which starts Node (see there); it is executable.
  const messages = found.messages.filter(({ code }) => code !== 'BIN_FILE_NOT_EXECUTABLE');
  for (const message of messages) complaints.push(`publint: ${formatMessage(message, pkg)}`);
  console.log(`publint: ${messages.length} complaints`);
  const problems = await typeProblems(Uint8Array.from(first.bytes));
  for (const problem of problems) complaints.push(`types: ${JSON.stringify(problem)}`);
  console.log(`types: ${problems.length} problems`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length === 0 ? 0 : 1;
