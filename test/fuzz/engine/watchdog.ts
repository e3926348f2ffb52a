/**
 * Ends the process when one input takes too long. A thread of its own looks at the clock, for the
 * one that hangs cannot.
 */
import { Worker } from 'node:worker_threads';

const BEATS = 0;
const LENGTH = 1;
const HEAD_BYTES = 8;

const PROGRAM = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { shared, limitMs } = workerData;
const numbers = new Int32Array(shared, 0, 2);
let last = -1;
setInterval(() => {
  const beats = Atomics.load(numbers, ${BEATS});
  if (beats === last && beats % 2 === 1) {
    const input = Buffer.from(shared, ${HEAD_BYTES}, Atomics.load(numbers, ${LENGTH}));
    writeSync(2, 'one input takes more than ' + limitMs + ' ms: ' + JSON.stringify(input.toString('latin1')) + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }
  last = beats;
}, limitMs);
`;

export class Watchdog {
  readonly #shared: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #worker: Worker;

  constructor(maxBytes: number, limitMs: number) {
    this.#shared = new SharedArrayBuffer(HEAD_BYTES + maxBytes);
    this.#numbers = new Int32Array(this.#shared, 0, 2);
    this.#worker = new Worker(PROGRAM, {
      eval: true,
      workerData: { shared: this.#shared, limitMs },
      resourceLimits: { maxOldGenerationSizeMb: 16 },
    });
    this.#worker.unref();
  }

  /** Called before an input is read; `end` after. */
  begin(input: Buffer): void {
    new Uint8Array(this.#shared, HEAD_BYTES).set(input);
    Atomics.store(this.#numbers, LENGTH, input.length);
    Atomics.add(this.#numbers, BEATS, 1);
  }

  end(): void {
    Atomics.add(this.#numbers, BEATS, 1);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
