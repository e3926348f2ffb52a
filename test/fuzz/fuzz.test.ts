/** A short campaign on every target; `npm run fuzz` runs long ones. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));
/** The same inputs each time: what new ones bring to light is for `npm run fuzz`. */
const SEED = Number(process.env['SLUICE_SEED'] ?? 7);
const RUNS = process.env['SLUICE_FUZZ_RUNS'] ?? '1500';

/** Runs the fuzzer with little memory; resolves to what it says. */
function fuzz(seed: number): Promise<{ status: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const args = ['--max-old-space-size=96', MAIN, '--runs', RUNS, '--seed', String(seed)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => (said += data.toString()));
    }
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, said }));
  });
}

describe('fuzz: by coverage', () => {
  it('P15: no input crashes, hangs or fills the memory of any parser', async function () {
    this.timeout(120_000 + Number(RUNS) * 20);
    const { status, said } = await fuzz(SEED);
    expect(status, said).to.equal(0);
    expect(said.match(/ inputs in /g)).to.have.length(11);
  });
});
