/**
 * `backlog-main.js URL FILE BYTES THREADS`: the engine as a program that can be traced, with a bound
 * on what is written and not synced that the command has no flag for. Prints its events.
 */
import { defaultOptions } from '../../src/app/defaults.js';
import { Download } from '../../src/transfer/download.js';
import { SHORT_DEADLINES } from './engine.js';

const [, , url = '', output = '', bytes = '0', threads = '0'] = process.argv;
const download = new Download(
  {
    ...defaultOptions(url),
    output,
    connections: 3,
    threads: Number(threads),
    retries: 0,
    deadlines: { ...SHORT_DEADLINES, stallMs: 1000 },
  },
  { backlogBytes: Number(bytes), emit: (event) => console.log(JSON.stringify(event)) },
);
const last = await download.run();
process.exitCode = last.type === 'done' ? 0 : 1;
