// Writes dist/bundle/quick.cjs, the quick way in, and dist/workers/*.cjs, the worker threads: one
// file each, so that a start reads three files instead of a hundred and fifty. bin/run.js uses the
// first only when it is newer than what tsc wrote.
import { fileURLToPath } from 'node:url';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
  write: false,
};

/**
 * A command that starts at this moment reads the old file or the new one, never half of one.
 * @param finish what is done to the text of a bundle
 */
async function bundle(options, finish = (text) => text) {
  const { outputFiles } = await build({ ...shared, ...options });
  for (const { path: file, text } of outputFiles) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, finish(text));
    renameSync(`${file}.new`, file);
  }
}

// CommonJS: a thread that is ended while it links an ES module that was required takes the process
// with it (FATAL ERROR: v8::Module::IsGraphAsync, Node 20.20).
await bundle({
  entryPoints: [`${dist}/workers/lease.js`, `${dist}/workers/hash.js`],
  outdir: `${dist}/workers`,
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  sourcemap: 'linked',
});

/**
 * Modules of Node that take milliseconds to load are loaded when something of them is used: then the
 * first connection is under way.
 */
const LATER = /\brequire\("(node:(?:crypto|worker_threads|zlib))"\)/g;

function loadLater(text) {
  const finished = text.replace(LATER, 'laterModule("$1")');
  if (finished === text) throw new Error('nothing of the bundle is loaded later');
  return finished;
}

const quick = {
  entryPoints: [`${dist}/src/cli/quick.js`],
  outfile: `${dist}/bundle/quick.cjs`,
  format: 'cjs',
  // Less to read and to compile; names stay, for the sake of stacks.
  minifyWhitespace: true,
  minifySyntax: true,
  // All packages are CommonJS: to require them spares Node's loader of ES modules.
  supported: { 'dynamic-import': false },
  // Modules that name another file by their own place lie two folders below dist.
  define: { 'import.meta.url': 'placeOfModules' },
  banner: {
    js: [
      "const placeOfModules = require('node:url').pathToFileURL(__dirname + '/../src/cli/quick.js').href;",
      'const laterModule = (id) => new Proxy({}, { get: (_, name) => require(id)[name] });',
    ].join('\n'),
  },
};

await bundle(quick, loadLater);

// Where compiled code may be kept is found out before anything that is to be compiled is read.
await bundle({
  entryPoints: [`${dist}/src/disk/code-cache.js`],
  outfile: `${dist}/bundle/code-cache.cjs`,
  format: 'cjs',
});
