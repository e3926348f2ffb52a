#!/usr/bin/env node
/*
 * Starts the command, and loads no more than the command line needs: oclif takes longer to load
 * than a small file to come. It parses what is not plain, and prints help, through its manifest.
 * CommonJS, because Node's loader of ES modules takes 4 ms by itself.
 */
'use strict';
const { existsSync, statSync } = require('node:fs');
const nodeModule = require('node:module');
const path = require('node:path');

const inDist = (name) => path.join(__dirname, '..', 'dist', name);

/**
 * Has Node keep compiled code, where it can (from 22.1 on) and where nobody else could lay other code.
 * @returns the directory that is done without, and why; null when all is well
 */
function keepCompiledCode() {
  const rule = inDist('bundle/code-cache.cjs');
  const isWanted = nodeModule.enableCompileCache && !process.env.NODE_V8_COVERAGE;
  return isWanted && existsSync(rule) ? require(rule).keepCompiledCode() : null;
}

/**
 * The quick way in: from one file where it is there and not older than the last compilation, else,
 * and when coverage is measured, from the modules themselves.
 */
async function loadQuick() {
  const bundle = inDist('bundle/quick.cjs');
  const bundled = statSync(bundle, { throwIfNoEntry: false })?.mtimeMs ?? -1;
  const compiled = statSync(inDist('.tsbuildinfo'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (bundled < compiled || process.env.NODE_V8_COVERAGE) return import('../dist/src/cli/quick.js');
  return require(bundle);
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
  if (stranger() !== undefined) return (await loadQuick()).refuse(stranger());
  const without = keepCompiledCode();
  const done = !asksHelp() && (await (await loadQuick()).runQuickly(words, without));
  if (!done) {
    const { execute } = await import('@oclif/core/execute');
    // `help get` is `get --help`; without a plugin oclif knows the second form only.
    const args = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
    await execute({ dir: path.join(__dirname, '..'), args });
  }
  // Nothing may keep a finished command alive: not a socket, not a thread.
  await new Promise((resolve) => process.stdout.write('', resolve));
  process.exit();
}

if (words.length === 1 && (words[0] === '--version' || words[0] === 'version')) {
  const { name, version } = require('../package.json');
  // As oclif writes it.
  console.log(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}`);
} else {
  run();
}
