#!/usr/bin/env node
/*
 * Starts the command, and loads no more than the command line needs: oclif takes longer to load
 * than a small file to come. It parses what is not plain, and prints help, through its manifest.
 * CommonJS, because Node's loader of ES modules takes 4 ms by itself.
 */
'use strict';
const { mkdirSync, statSync } = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');

const inDist = (name) => path.join(__dirname, '..', 'dist', name);

/**
 * Where compiled code is kept; null when there is no such place. Only in a directory of the user's
 * own: compiled code is run without a look at it, so nobody else may be able to put it there.
 */
function codeDirectory() {
  const { HOME, XDG_CACHE_HOME, NODE_V8_COVERAGE } = process.env;
  const cache = XDG_CACHE_HOME || (HOME && `${HOME}/.cache`);
  if (!cache || NODE_V8_COVERAGE) return null;
  const code = `${cache}/sluice/code`;
  // Made one by one: where a name cannot be made below a directory that is there, as below /proc,
  // Node never comes back from making them all.
  return [cache, `${cache}/sluice`, code].every(isDirectory) && isOwn(code) ? code : null;
}

/** Whether nobody else may write there: under sudo HOME may be another user's. */
function isOwn(directory) {
  const { uid, mode } = statSync(directory);
  return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
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

/** What is kept when the command has ended; set by {@link loadQuick}. */
let keepCode = () => undefined;

/**
 * The quick way in: from one file where it is there and not older than the last compilation, else,
 * and when coverage is measured, from the modules themselves.
 * @param code where compiled code is kept; null when it is not
 */
async function loadQuick(code) {
  const bundle = inDist('bundle/quick.cjs');
  const bundled = statSync(bundle, { throwIfNoEntry: false })?.mtimeMs ?? -1;
  const compiled = statSync(inDist('.tsbuildinfo'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (bundled < compiled || process.env.NODE_V8_COVERAGE) return import('../dist/src/cli/quick.js');
  if (code === null || nodeModule.enableCompileCache) return require(bundle);
  const { load } = require('./compiled.js');
  const { exports, keep } = load(bundle, code);
  keepCode = keep;
  return exports;
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

async function run() {
  if (stranger() !== undefined) return (await loadQuick(null)).refuse(stranger());
  const code = codeDirectory();
  // Node 22.1 and later keep it by themselves, that of oclif too.
  if (code !== null) nodeModule.enableCompileCache?.(code);
  const done = !asksHelp() && (await (await loadQuick(code)).runQuickly(words));
  if (!done) {
    const { execute } = await import('@oclif/core/execute');
    // `help get` is `get --help`; without a plugin oclif knows the second form only.
    const args = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
    await execute({ dir: path.join(__dirname, '..'), args });
  }
  // Nothing may keep a finished command alive: not a socket, not a thread.
  await new Promise((resolve) => process.stdout.write('', resolve));
  keepCode();
  process.exit();
}

if (words.length === 1 && (words[0] === '--version' || words[0] === 'version')) {
  const { name, version } = require('../package.json');
  // As oclif writes it.
  console.log(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}`);
} else {
  run();
}
