// Runs the crash tests with a budget: `npm run crash -- --kills N --seed S`, `--states N`.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [suite, ...args] = process.argv.slice(2);
const env = { ...process.env };
const variables = {
  '--kills': 'SLUICE_KILLS',
  '--states': 'SLUICE_STATES',
  '--seed': 'SLUICE_SEED',
  '--races': 'SLUICE_RACES',
};
for (let i = 0; i < args.length; i += 2) {
  const name = variables[args[i]];
  if (name === undefined || !/^\d+$/.test(args[i + 1] ?? '')) {
    console.error(`usage: ${Object.keys(variables).join(' N | ')} N`);
    process.exit(2);
  }
  env[name] = args[i + 1];
}
const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/mocha/bin/mocha.js',
    '--no-config',
    '--reporter',
    'spec',
    `dist/test/crash/${suite}.test.js`,
  ],
  { cwd: fileURLToPath(new URL('..', import.meta.url)), env, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
