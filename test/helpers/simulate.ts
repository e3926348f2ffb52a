/** `npm run simulate -- --seeds N --from S`: the seeded simulation at length. */
import { parseArgs } from 'node:util';
import { simulateMany } from './simulation.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '0' },
    together: { type: 'string', default: '12' },
    verbose: { type: 'boolean', default: false },
  },
});
const began = performance.now();
const { played, failed, outcomes } = await simulateMany(Number(values.from), Number(values.seeds), {
  together: Number(values.together),
  tell: (outcome) => {
    if (values.verbose || outcome.failure !== null) console.log(JSON.stringify(outcome));
  },
});
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`${played} seeds in ${seconds} s, ${failed.length} failed`);
for (const [what, times] of [...outcomes].sort((a, b) => b[1] - a[1])) console.log(times, what);
if (failed.length > 0) {
  console.log(`failing seeds: ${failed.map(({ seed }) => seed).join(' ')}`);
  process.exitCode = 1;
}
