#!/usr/bin/env node
/*
 * Starts the command, and loads no more than the command line needs: oclif takes longer to load
 * than a small file to come. It parses what is not plain, and prints help, through its manifest.
 */
import * as nodeModule from 'node:module';

/**
 * Has Node (22.1 and later) keep compiled code. Only in a directory of the user's own: compiled code
 * is run without a look at it, so nobody else may be able to put it there.
 */
function keepCompiledCode() {
  const { HOME, XDG_CACHE_HOME, NODE_V8_COVERAGE } = process.env;
  const cache = XDG_CACHE_HOME || (HOME && `${HOME}/.cache`);
  if (cache && !NODE_V8_COVERAGE) nodeModule.enableCompileCache?.(`${cache}/sluice/code`);
}

const words = process.argv.slice(2);

if (words.length === 1 && (words[0] === '--version' || words[0] === 'version')) {
  const { name, version } = nodeModule.createRequire(import.meta.url)('../package.json');
  // As oclif writes it.
  console.log(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}`);
} else {
  keepCompiledCode();
  const { runQuickly } = await import('../dist/src/cli/quick.js');
  if (!(await runQuickly(words))) {
    const { execute } = await import('@oclif/core/execute');
    // `help get` is `get --help`; without a plugin oclif knows the second form only.
    const args = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
    await execute({ dir: import.meta.url, args });
  }
  // Nothing may keep a finished command alive: not a socket, not a thread.
  await new Promise((resolve) => process.stdout.write('', resolve));
  process.exit();
}
