import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { JsonReporter } from '../../../src/cli/json.js';
import { LineReporter } from '../../../src/cli/lines.js';
import { LiveReporter } from '../../../src/cli/live.js';
import { lineWriter } from '../../../src/cli/output.js';
import { chooseReporter, type ReporterOptions } from '../../../src/cli/reporter.js';
import { terminalTraits } from '../../../src/cli/terminal.js';
import { SluiceError } from '../../../src/errors.js';
import * as sample from './samples.js';
import { Screen } from './screen.js';

const moduleUrl = (path: string): string => new URL(path, import.meta.url).href;

function choose(options: Partial<ReporterOptions>, isTTY = true, env = {}) {
  const stderr = Object.assign(new PassThrough(), { isTTY });
  return chooseReporter({
    json: false,
    quiet: false,
    verbose: false,
    noProgress: false,
    stdout: new PassThrough(),
    stderr,
    env,
    ...options,
  });
}

describe('cli/reporter', () => {
  it('draws only on a terminal, and only when nothing forbids it', async () => {
    expect(await choose({})).to.be.instanceOf(LiveReporter);
    expect(await choose({}, false)).to.be.instanceOf(LineReporter);
    expect(await choose({}, true, { TERM: 'dumb' })).to.be.instanceOf(LineReporter);
    expect(await choose({ quiet: true })).to.be.instanceOf(LineReporter);
    expect(await choose({ noProgress: true })).to.be.instanceOf(LineReporter);
    expect(await choose({ json: true })).to.be.instanceOf(JsonReporter);
  });

  it('honours NO_COLOR, FORCE_COLOR, TERM and the locale', () => {
    const traits = (env: Record<string, string>, isTTY = true) =>
      terminalTraits({ isTTY }, env, 'auto', 'linux');
    expect(traits({ LANG: 'en_US.UTF-8' })).to.deep.equal({
      live: true,
      color: true,
      unicode: true,
    });
    expect(traits({ LC_ALL: 'C', LANG: 'en_US.UTF-8' }).unicode).to.equal(false);
    expect(traits({ TERM: 'linux', LANG: 'C.utf8' }).unicode).to.equal(false);
    expect(traits({ NO_COLOR: '1' }).color).to.equal(false);
    expect(traits({ NO_COLOR: '' }).color).to.equal(true);
    expect(traits({ NO_COLOR: '1', FORCE_COLOR: '1' }).color).to.equal(true);
    expect(traits({ FORCE_COLOR: '0' }).color).to.equal(false);
    expect(traits({ TERM: 'dumb' })).to.include({ live: false, color: false });
    expect(traits({}, false)).to.include({ live: false, color: false });
    const wanted = { NO_COLOR: '1' };
    expect(terminalTraits({ isTTY: true }, wanted, 'always').color).to.equal(true);
    expect(terminalTraits({ isTTY: true }, { FORCE_COLOR: '1' }, 'never').color).to.equal(false);
  });

  it('leaves on a terminal one line for each file, and errors in full', () => {
    const screen = Object.assign(new Screen(100), { isTTY: true });
    const reporter = new LiveReporter({
      stream: screen,
      color: false,
      unicode: false,
      verbose: false,
    });
    const handle = (path: string) => ({ snapshot: () => sample.snapshot({ path }) });
    reporter.begin(handle('/data/big.iso'));
    reporter.begin(handle('/data/two'));
    reporter.event(sample.oneStream);
    reporter.event(sample.retry);
    reporter.event(sample.done);
    reporter.end(new SluiceError('DEFECT', 'oops'));
    expect(screen.text()).to.deep.equal([
      'big.iso  the server does not serve ranges',
      'ok big.iso  4.00 GiB in 40.0 s, 102 MiB/s, 8 connections, sha256 verified',
      'sluice: oops',
      '  url: https://example.org/pub/big.iso',
      '  file: /data/two',
      '  (DEFECT, exit status 1)',
    ]);
    expect(screen.cursorVisible).to.equal(true);
  });

  it('writes no more to a stream that has failed', async () => {
    const stream = new PassThrough();
    const write = lineWriter(stream);
    write('one');
    stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await new Promise((resolve) => stream.once('close', resolve));
    write('two');
    expect(String(stream.read())).to.equal('one\n');
  });

  it('survives a reader that goes away, and goes on', async () => {
    const script = `
      import { chooseReporter } from '${moduleUrl('../../../src/cli/reporter.js')}';
      const { stdout, stderr } = process;
      const reporter = await chooseReporter({ json: true, quiet: false, verbose: false,
        noProgress: false, stdout, stderr, env: {} });
      let n = 0;
      const more = () => {
        reporter.event({ type: 'warning', url: 'u', path: 'p', message: 'x'.repeat(10000) });
        if (++n < 50) setImmediate(more);
        else process.exitCode = 42;
      };
      more();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number];
    expect({ status, errors }).to.deep.equal({ status: 42, errors: '' });
  });
});
