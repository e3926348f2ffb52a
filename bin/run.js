#!/bin/sh
':' /*
# Read by a shell first. Node takes back what its caller ignores (nohup, trap '' HUP, a background job), before any
# of its code runs; so the shell looks, and says it together with the number of this process. To Node it is a comment.
if [ -r /proc/self/status ]; then
  while read -r key value; do
    [ "$key" = SigIgn: ] && export SLUICE_SIGIGN="$$:$value" && break
  done </proc/self/status
fi
exec node "$0" "$@"
*/
/* Starts the command. CommonJS, because Node's loader of ES modules takes 4 ms by itself. */
'use strict';
const { existsSync } = require('node:fs');
const { enableCompileCache } = require('node:module');
const path = require('node:path');

const words = process.argv.slice(2);

async function main() {
  const modules = path.join(__dirname, '../dist/src/commands/index.js');
  if (process.env.NODE_V8_COVERAGE && existsSync(modules)) {
    // Coverage is measured of the modules, not of their bundle. The package has the bundle only.
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
  main().then(() => {
    process.stdout.write('', () => process.exit());
    // Who ended it by a signal does not wait for a reader that takes nothing.
    if (process.exitCode > 128) require('node:timers').setTimeout(() => process.exit(), 500);
  });
}
