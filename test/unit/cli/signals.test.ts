import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { beforeExit, ignoredSignals, onStop, restoreTerminal } from '../../../src/cli/signals.js';

const moduleUrl = new URL('../../../src/cli/signals.js', import.meta.url).href;

/** A process that prints its steps, and gets the next signal once it has printed each. */
async function run(
  signals: NodeJS.Signals[],
): Promise<{ status: number | null; signal: NodeJS.Signals | null; output: string }> {
  const script = `
    import { beforeExit, onStop } from '${moduleUrl}';
    import { writeSync } from 'node:fs';
    const say = (text) => writeSync(1, text + '\\n');
    beforeExit(() => say('restored'));
    let time = 0;
    onStop((signal) => say('stop ' + signal), () => say('forced'), () => (time += 1000));
    setInterval(() => {}, 1000);
    say('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    const signal = signals.shift();
    if (signal) child.kill(signal);
  });
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { status, signal, output };
}

describe('cli/signals', () => {
  it('asks first, and ends at once by the second signal, with the terminal restored', async () => {
    expect(await run(['SIGINT', 'SIGINT'])).to.deep.equal({
      status: null,
      signal: 'SIGINT',
      output: 'ready\nstop SIGINT\nforced\nrestored\n',
    });
    expect(await run(['SIGTERM', 'SIGTERM'])).to.include({ signal: 'SIGTERM' });
    expect(await run(['SIGHUP', 'SIGHUP'])).to.include({ signal: 'SIGTERM' });
    expect(await run(['SIGHUP', 'SIGINT'])).to.deep.equal({
      status: null,
      signal: 'SIGINT',
      output: 'ready\nstop SIGHUP\nforced\nrestored\n',
    });
  });

  it('knows what the caller ignores from the note of this very process alone', () => {
    // SIGHUP is 1, SIGINT 2, SIGQUIT 3, SIGTERM 15, SIGPIPE 13.
    expect([...ignoredSignals('7:0000000000000001', 7)]).to.deep.equal(['SIGHUP']);
    expect([...ignoredSignals('7:0000000000005006', 7)]).to.deep.equal([
      ...['SIGINT', 'SIGQUIT', 'SIGTERM'],
    ]);
    for (const note of [undefined, '', '8:1', '7:', ':1', '7:1 ', '7:g', '7:0000000000001000'])
      expect([...ignoredSignals(note, 7)]).to.deep.equal([]);
  });

  it('takes the echo of a signal through npm for the same key', () => {
    const seen: string[] = [];
    let time = 0;
    const stop = onStop(
      (signal) => seen.push(signal),
      () => seen.push('forced'),
      () => time,
    );
    process.emit('SIGHUP', 'SIGHUP');
    time = 50;
    process.emit('SIGHUP', 'SIGHUP');
    stop();
    expect(seen).to.deep.equal(['SIGHUP']);
    expect(process.listenerCount('SIGHUP')).to.equal(0);
  });

  it('runs each hook once, and none that was called off', () => {
    const ran: string[] = [];
    beforeExit(() => ran.push('one'));
    beforeExit(() => ran.push('two'))();
    restoreTerminal();
    restoreTerminal();
    expect(ran).to.deep.equal(['one']);
    expect(process.listeners('exit')).not.to.include(restoreTerminal);
  });
});
