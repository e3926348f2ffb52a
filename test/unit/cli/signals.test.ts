import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { beforeExit, onStop, restoreTerminal } from '../../../src/cli/signals.js';

const moduleUrl = new URL('../../../src/cli/signals.js', import.meta.url).href;

/** A process that prints its steps, and gets the next signal once it has printed each. */
async function run(signals: NodeJS.Signals[]): Promise<{ status: number | null; output: string }> {
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
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output };
}

describe('cli/signals', () => {
  it('asks first, and ends at once at the second signal, with the terminal restored', async () => {
    expect(await run(['SIGINT', 'SIGINT'])).to.deep.equal({
      status: 130,
      output: 'ready\nstop SIGINT\nforced\nrestored\n',
    });
    expect(await run(['SIGTERM', 'SIGTERM'])).to.include({ status: 143 });
    expect(await run(['SIGHUP', 'SIGINT'])).to.deep.equal({
      status: 130,
      output: 'ready\nstop SIGHUP\nforced\nrestored\n',
    });
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
