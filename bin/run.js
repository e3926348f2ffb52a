#!/usr/bin/env node
/* Starts the command. CommonJS, because Node's loader of ES modules takes 4 ms by itself. */
'use strict';
const { enableCompileCache } = require('node:module');

const words = process.argv.slice(2);

async function main() {
  if (process.env.NODE_V8_COVERAGE) {
    // Coverage is measured of the modules, not of their bundle.
    const { run } = await import('../dist/src/commands/index.js');
    return run(words, null);
  }
  // From 22.1 on Node keeps compiled code, where nobody else could lay other code.
  const rule = enableCompileCache && require('../dist/bundle/code-cache.cjs');
  const without = rule ? rule.keepCompiledCode() : null;
  return require('../dist/bundle/sluice.cjs').run(words, without);
}

if (words[0] === '--version' || (words[0] === 'version' && words.length === 1)) {
  const { name, version } = require('../package.json');
  // As oclif writes it.
  console.log(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}`);
} else {
  // Nothing may keep a finished command alive: not a socket, not a thread.
  main().then(() => process.stdout.write('', () => process.exit()));
}
