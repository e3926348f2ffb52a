import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { runSluice, spawnSluice } from '../../helpers/run-sluice.js';

/** Runs a script of Node's in the place of the command, so that only the helper is under test. */
const script = (code: string): string[] => ['-e', code, '--'];

describe('helpers/run-sluice', () => {
  it('isolates the run from the home and the settings of the caller', async () => {
    process.env['SLUICE_CONNECTIONS'] = '3';
    process.env['https_proxy'] = 'http://127.0.0.1:9';
    try {
      const { status, stdout, ms } = await runSluice([], {
        nodeArgs: script(
          `const { HOME, SLUICE_CONNECTIONS, https_proxy, GIVEN } = process.env;
           console.log(JSON.stringify({ HOME, SLUICE_CONNECTIONS, https_proxy, GIVEN, cwd: process.cwd() }))`,
        ),
        env: { GIVEN: 'yes' },
      });
      expect(status).to.equal(0);
      expect(ms).to.be.greaterThan(0);
      const seen = JSON.parse(stdout) as Record<string, string>;
      expect(seen).to.have.all.keys('HOME', 'GIVEN', 'cwd');
      expect(seen['HOME']).not.to.equal(process.env['HOME']);
      expect(existsSync(String(seen['cwd']))).to.equal(false);
    } finally {
      delete process.env['SLUICE_CONNECTIONS'];
      delete process.env['https_proxy'];
    }
  });

  it('gives status, standard input, output, standard error and events', async () => {
    const code = `process.stdin.on('data', (data) => console.error(String(data)));
      console.log('{"type":"done"}\\nplain'); process.exitCode = 9`;
    const result = await runSluice([], { nodeArgs: script(code), stdin: 'hello' });
    expect(result).to.deep.include({ status: 9, signal: null, events: [{ type: 'done' }] });
    expect(result.stderr).to.contain('hello');
  });

  it('waits for output and sends signals', async () => {
    const code = `console.log('ready'); setInterval(() => undefined, 1000)`;
    const run = spawnSluice([], { nodeArgs: script(code) });
    await run.waitFor(/ready/);
    run.kill('SIGKILL');
    expect(await run.ended).to.deep.include({ status: null, signal: 'SIGKILL' });
    const gone = spawnSluice([], { nodeArgs: script('0') });
    let message = '';
    await gone.waitFor(/never/).catch((error: Error) => (message = error.message));
    expect(message).to.contain('never came');
  });

  it('ends a run that takes too long', async () => {
    const run = runSluice([], { nodeArgs: script('setInterval(() => 0, 99)'), timeoutMs: 300 });
    let message = '';
    await run.catch((error: Error) => (message = error.message));
    expect(message).to.contain('did not end in 300 ms');
  });
});
