/** The server of a soak, in a process of its own, so that what the client holds can be counted. Says its URL to its parent. */
import { Dice } from '../helpers/dice.js';
import { Origin } from '../helpers/origin.js';
import type { Fault } from '../helpers/origin.js';
import { FILES, SEED } from './files.js';

/** How often a request meets each fault. */
const FAULTS: ReadonlyArray<[part: number, fault: Fault]> = [
  [0.02, { kind: 'reset', at: 3000 }],
  [0.02, { kind: 'early-end', at: 5000 }],
  [0.01, { kind: 'stall', at: 2000 }],
  [0.01, { kind: 'stall-head', at: 10 }],
  [0.02, { kind: 'status', status: 503 }],
  [0.01, { kind: 'status', status: 429, retryAfter: 0 }],
  [0.02, { kind: 'latency', ms: 30 }],
  [0.02, { kind: 'full-200' }],
  [0.02, { kind: 'rate', bytesPerSecond: 4_000_000 }],
];

const dice = new Dice(Number(process.argv[2] ?? 1));
const origin = await Origin.start({
  seed: SEED,
  faults: [
    { target: '/gone', times: Infinity, fault: { kind: 'status', status: 404 } },
    ...FAULTS.map(([part, fault]) => ({
      when: ({ target }: { target: string }) => target !== '/gone' && dice.chance(part),
      times: Infinity,
      fault,
    })),
  ],
});
for (const [target, size] of FILES) origin.route(target, { size });
process.send?.(origin.server.url(''));
process.on('disconnect', () => process.exit());
