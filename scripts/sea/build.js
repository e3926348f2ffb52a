// Makes the command one file that needs no Node beside it: dist/sea/sluice (Node's single executable applications).
//   npm run sea          builds it with the Node that runs this, which has to be 25.5 or newer
// Everything is in it: the packages, the threads' files as assets, package.json.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { licensesOf } from '../licenses.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const out = path.join(root, 'dist', 'sea');
const inputs = new Set();

if (!helpOf().includes('--build-sea')) {
  console.error(
    `Node ${process.version} cannot build an executable: --build-sea came with Node 25.5.`,
  );
  process.exit(1);
}

function helpOf() {
  return spawnSync(process.execPath, ['--help'], { encoding: 'utf8' }).stdout;
}

/** The source of a module with one place in it changed; a version that has no such place ends the build. */
function changed(file, from, to) {
  const text = readFileSync(file, 'utf8');
  if (text.split(from).length !== 2) throw new Error(`${file} has no single ${from}`);
  return text.replace(from, to);
}

/** What would read files beside the program has them in the program. */
const within = {
  name: 'within',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?worker_threads$/ }, ({ importer }) =>
      importer.endsWith(path.join('sea', 'threads.cjs'))
        ? { path: 'node:worker_threads', external: true }
        : { path: path.join(root, 'scripts', 'sea', 'threads.cjs') },
    );
    onLoad({ filter: /@oclif\/core\/lib\/module-loader\.js$/ }, ({ path: file }) => ({
      contents: `exports.load = async () => require('${root}dist/src/commands/index.js');`,
      resolveDir: path.dirname(file),
    }));
    onLoad({ filter: /@oclif\/core\/lib\/util\/read-pjson\.js$/ }, ({ path: file }) => ({
      contents: `exports.readPjson = async () => require('${root}package.json');`,
      resolveDir: path.dirname(file),
    }));
    onLoad({ filter: /@oclif\/core\/lib\/util\/find-root\.js$/ }, () => ({
      contents: 'exports.findRoot = async (name, root) => root; exports.debug = () => undefined;',
    }));
  },
};

/** piscina's thread has its one task with it. */
const task = {
  name: 'task',
  setup({ onLoad }) {
    onLoad({ filter: /piscina\/dist\/worker\.js$/ }, ({ path: file }) => ({
      contents: changed(
        file,
        '__importStar(require(s))',
        `require('${root}dist/workers/lease.js')`,
      ),
      resolveDir: path.dirname(file),
    }));
  },
};

async function bundle(entry, name, options = {}) {
  const { metafile } = await build({
    entryPoints: [path.join(root, entry)],
    outfile: path.join(out, name),
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: true,
    metafile: true,
    logLevel: 'error',
    external: ['typescript', 'ts-node', 'tsx', '@napi-rs/nice'],
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'placeOfModules' },
    banner: {
      js: "const placeOfModules = require('node:url').pathToFileURL(process.execPath + '/../dist/src/commands/index.js').href;",
    },
    ...options,
  });
  for (const each of Object.keys(metafile.inputs)) inputs.add(each);
}

mkdirSync(out, { recursive: true });
await bundle('scripts/sea/main.js', 'main.cjs', { plugins: [within] });
// Their names are those of the files that the package starts threads from.
await bundle('node_modules/piscina/dist/worker.js', 'worker.js', { plugins: [task] });
await bundle('dist/workers/hash.js', 'hash.cjs');
writeFileSync(path.join(out, 'LICENSES.txt'), licensesOf([...inputs]));
const executable = path.join(out, process.platform === 'win32' ? 'sluice.exe' : 'sluice');
const config = path.join(out, 'sea.json');
const asset = (name) => [name, path.join(out, name)];
writeFileSync(
  config,
  JSON.stringify({
    main: path.join(out, 'main.cjs'),
    output: executable,
    disableExperimentalSEAWarning: true,
    assets: Object.fromEntries(['worker.js', 'hash.cjs', 'LICENSES.txt'].map(asset)),
  }),
);
const { status } = spawnSync(process.execPath, [`--build-sea=${config}`], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
console.log(
  `${executable}: ${(statSync(executable).size / 2 ** 20).toFixed(0)} MiB, Node ${process.version}`,
);
