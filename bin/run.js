#!/usr/bin/env node
/*
 * Starts the command, and loads no more than the command line needs: oclif takes longer to load
 * than a small file to come. It parses what is not plain, and prints help, through its manifest.
 */
import { mkdirSync, statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const require = nodeModule.createRequire(import.meta.url);
const inDist = (name) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url));

/**
 * Has Node (22.1 and later) keep compiled code. Only in a directory of the user's own: compiled code
 * is run without a look at it, so nobody else may be able to put it there.
 */
function keepCompiledCode() {
  const { HOME, XDG_CACHE_HOME, NODE_V8_COVERAGE } = process.env;
  const cache = XDG_CACHE_HOME || (HOME && `${HOME}/.cache`);
  if (!cache || NODE_V8_COVERAGE || !nodeModule.enableCompileCache) return;
  const code = `${cache}/sluice/code`;
  // Made one by one: where a name cannot be made below a directory that is there, as below /proc,
  // Node never comes back from making them all.
  if ([cache, `${cache}/sluice`, code].every(isDirectory)) nodeModule.enableCompileCache(code);
}

/** Whether there is a directory, which is made if only its name is missing. */
function isDirectory(name) {
  try {
    mkdirSync(name, { mode: 0o700 });
    return true;
  } catch (error) {
    return error.code === 'EEXIST';
  }
}

/**
 * The quick way in: from one file where it is there and not older than the last compilation, else,
 * and when coverage is measured, from the modules themselves.
 */
async function loadQuick() {
  const bundle = inDist('bundle/quick.cjs');
  const bundled = statSync(bundle, { throwIfNoEntry: false })?.mtimeMs ?? -1;
  const compiled = statSync(inDist('.tsbuildinfo'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (bundled >= compiled && !process.env.NODE_V8_COVERAGE) return require(bundle);
  return import('../dist/src/cli/quick.js');
}

const words = process.argv.slice(2);
const COMMANDS = ['get', 'resume', 'info'];
const HELP = ['--help', '-h'];

/** Whether the command line asks for help: then the engine is not even read. */
function asksHelp() {
  return words.length === 0 || words[0] === 'help' || HELP.some((word) => words.includes(word));
}

/** The word that should be a command's name and is not; undefined when all is well. */
function stranger() {
  const word = words[0] === 'help' ? words[1] : words[0];
  return [undefined, ...COMMANDS, ...HELP, '--version'].includes(word) ? undefined : word;
}

if (words.length === 1 && (words[0] === '--version' || words[0] === 'version')) {
  const { name, version } = require('../package.json');
  // As oclif writes it.
  console.log(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}`);
} else if (stranger() !== undefined) {
  await (await loadQuick()).refuse(stranger());
} else {
  keepCompiledCode();
  const done = !asksHelp() && (await (await loadQuick()).runQuickly(words));
  if (!done) {
    const { execute } = await import('@oclif/core/execute');
    // `help get` is `get --help`; without a plugin oclif knows the second form only.
    const args = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
    await execute({ dir: import.meta.url, args });
  }
  // Nothing may keep a finished command alive: not a socket, not a thread.
  await new Promise((resolve) => process.stdout.write('', resolve));
  process.exit();
}
