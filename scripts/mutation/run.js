// Mutation testing: `npm run mutation` for both rooms, `-- --files src/schedule/ledger.ts,src/http/*.ts`
// for less. Fails below the score that config.js asks for, and when there was nothing to mutate.
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';

const { values } = parseArgs({ options: { files: { type: 'string' } } });

const mutants = await new Stryker({
  configFile: 'scripts/mutation/config.js',
  ...(values.files === undefined ? {} : { mutate: values.files.split(',') }),
}).runMutationTest();

if (mutants.length === 0) {
  console.error('nothing was mutated');
  process.exitCode = 1;
}
