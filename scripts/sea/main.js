// The entry of the single executable, as bin/run.js is that of the package. It has no shell before it, so it does not
// know which signals its caller ignores.
import { setTimeout } from 'node:timers';
import { name, version } from '../../package.json';
import { run } from '../../dist/src/commands/index.js';

const words = process.argv.slice(2);
if (words[0] === '--version' || (words[0] === 'version' && words.length === 1)) {
  console.log(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}`);
} else {
  // Nothing may keep a finished command alive: not a socket, not a thread.
  run(words, null).then(() => {
    process.stdout.write('', () => process.exit());
    // Who ended it by a signal does not wait for a reader that takes nothing.
    if (process.exitCode > 128) setTimeout(() => process.exit(), 500);
  });
}
