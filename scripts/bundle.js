// Writes dist/bundle/sluice.cjs, the commands with oclif and the engine, dist/bundle/code-cache.cjs,
// dist/bundle/index.js, the library with its types and its parts that are loaded later, and dist/workers/*.cjs, the worker threads: one file each, so
// that a start reads three files instead of three hundred. With --release there are no source maps, for the
// package has no sources.
import { fileURLToPath } from 'node:url';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { licensesOf } from './licenses.js';
import { writeTypes } from './types.js';

const isRelease = process.argv.includes('--release');
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  // CommonJS: Node's loader of ES modules takes 4 ms by itself, and a thread that is ended while it links an
  // ES module that was required takes the process with it (FATAL ERROR: v8::Module::IsGraphAsync, Node 20.20).
  format: 'cjs',
  logLevel: 'warning',
  write: false,
  metafile: true,
  absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
};

/** Paths of all modules that are in a bundle. */
const inputs = new Set();

/** A command that starts at this moment reads the old file or the new one, never half of one. */
function write(file, contents) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, contents);
  renameSync(`${file}.new`, file);
}

async function bundle(options) {
  const { outputFiles, metafile } = await build({ ...shared, ...options });
  for (const { path: file, contents } of outputFiles) write(file, contents);
  for (const name of Object.keys(metafile.inputs)) inputs.add(name);
}

await bundle({
  entryPoints: [`${dist}/workers/lease.js`, `${dist}/workers/hash.js`],
  outdir: `${dist}/workers`,
  outExtension: { '.js': '.cjs' },
  packages: 'external',
  sourcemap: isRelease ? false : 'linked',
});

/** Only help needs oclif's configuration, which takes 6 ms to set up: it is when something of it is used. */
const configLater = {
  name: 'config-later',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/config$/ }, ({ path: name, importer, resolveDir }) =>
      importer.endsWith('@oclif/core/lib/command.js')
        ? { path: name, namespace: 'later', pluginData: resolveDir }
        : undefined,
    );
    onLoad({ filter: /./, namespace: 'later' }, ({ path: name, pluginData }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, key) => require('${name}')[key] });`,
      resolveDir: pluginData,
    }));
  },
};

/** Modules that name another file by their own place lie two folders below dist. */
const PLACE_OF_MODULES =
  "const placeOfModules = require('node:url').pathToFileURL(__dirname + '/../src/commands/index.js').href;";
const PLACE_IN_ESM =
  "const placeOfModules = new URL('../src/commands/index.js', import.meta.url).href;";

/** Packages that have files of their own beside them, and are loaded when they are needed. */
const PACKAGES = [
  '@aws-sdk/credential-provider-node',
  'hash-wasm',
  'pino',
  'piscina',
  'saxes',
  'tough-cookie',
];

await bundle({
  entryPoints: [`${dist}/src/commands/index.js`],
  outfile: `${dist}/bundle/sluice.cjs`,
  // The last three are never loaded.
  external: [...PACKAGES, 'typescript', 'ts-node', 'tsx'],
  // Less to read and to compile; names stay, for the sake of stacks.
  minifyWhitespace: true,
  minifySyntax: true,
  // All packages are CommonJS: to require them spares Node's loader of ES modules.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'placeOfModules' },
  banner: { js: PLACE_OF_MODULES },
  plugins: [configLater],
});

// Where compiled code may be kept is found out before anything that is to be compiled is read.
await bundle({
  entryPoints: [`${dist}/src/disk/code-cache.js`],
  outfile: `${dist}/bundle/code-cache.cjs`,
});

// In one file, what is imported when it is needed would bring the packages that it imports at once.
for (const name of readdirSync(`${dist}/bundle`))
  if (/^part-\w+\.js$/.test(name)) rmSync(`${dist}/bundle/${name}`);
await bundle({
  entryPoints: [`${dist}/src/index.js`],
  outdir: `${dist}/bundle`,
  format: 'esm',
  splitting: true,
  chunkNames: 'part-[hash]',
  external: PACKAGES,
  define: { 'import.meta.url': 'placeOfModules' },
  banner: { js: PLACE_IN_ESM },
});
await writeTypes();
write(`${dist}/bundle/LICENSES.txt`, licensesOf([...inputs]));
