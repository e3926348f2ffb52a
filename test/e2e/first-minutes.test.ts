/** What scripts and people meet first: each test is one kind of fault that was met. */
import { expect } from 'chai';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspectPath } from '../../src/app/inspect.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice } from '../helpers/run-sluice.js';
import { violations } from '../unit/cli/schema.js';

const schema = JSON.parse(readFileSync('docs/info.schema.json', 'utf8')) as Record<string, unknown>;

const SIZE = 3 * 1024 * 1024;

describe('e2e/first-minutes', () => {
  const dir = tempDirPerTest();
  let origin: Origin;
  before(async () => {
    origin = await Origin.start({ size: SIZE, seed: 3 });
  });
  after(() => origin.close());

  it('info knows a run that is at work from one that died', async () => {
    const held = await Origin.start({
      size: SIZE,
      faults: [{ times: Infinity, fault: { kind: 'hold', at: 1_500_000 } }],
    });
    const run = spawnSluice(['get', held.url, '-n', '1', '--json'], { cwd: dir() });
    try {
      await run.waitFor(/"type":"start"/);
      const file = path.join(dir(), 'file.bin');
      while (!existsSync(`${file}.sluice`)) await new Promise(setImmediate);
      const seen = await inspectPath(file);
      expect(seen.running).to.equal(true);
      expect(violations(schema, schema, seen)).to.deep.equal([]);
      run.kill('SIGKILL');
      await run.ended;
      const after = await inspectPath(file);
      expect([after.running, after.clean]).to.deep.equal([false, false]);
    } finally {
      await held.close();
    }
  });

  it('resume --all DIR looks into that directory, and only there', async () => {
    mkdirSync(path.join(dir(), 'there'));
    let isDown = true;
    const origin: Origin = await Origin.start({
      size: SIZE,
      faults: [
        { request: 0, fault: { kind: 'reset', at: 1_500_000 } },
        {
          when: () => isDown && origin.requests.length > 1,
          times: Infinity,
          fault: { kind: 'reset-head', at: 0 },
        },
      ],
    });
    const left = await runIn(dir(), [
      'get',
      origin.url,
      '-d',
      'there',
      '--retries',
      '0',
      '-n',
      '1',
    ]);
    expectStatus(left, 4);
    expect(filesIn(path.join(dir(), 'there')), left.stderr).to.include('file.bin.sluice');
    isDown = false;
    const empty = await runIn(dir(), ['resume', '--all', 'none-here']);
    expectStatus(empty, 2);
    const run = await runIn(dir(), ['resume', '--all', 'there']);
    await origin.close();
    expectStatus(run, 0);
    expect(filesIn(path.join(dir(), 'there'))).to.deep.equal(['file.bin']);
  });

  it('events that find no room on the disk end the run with exit status 10', async () => {
    const prefix = ['sh', '-c', 'exec "$0" "$@" >/dev/full'];
    for (const flags of [['--json'], ['--print', 'path']]) {
      const run = await runIn(dir(), ['get', origin.url, '-o', flags.join('').slice(2), ...flags], {
        prefix,
      });
      expectStatus(run, 10);
      expect(run.stderr).to.contain('standard output cannot be written: ENOSPC');
    }
  });

  it('a directory for a file that the server refuses is not left behind', async () => {
    const refusing = await Origin.start({
      size: SIZE,
      faults: [{ times: Infinity, fault: { kind: 'status', status: 404 } }],
    });
    try {
      const run = await runIn(dir(), ['get', refusing.url, '-d', 'a/b']);
      expectStatus(run, 6);
      expect(filesIn(dir())).to.deep.equal([]);
    } finally {
      await refusing.close();
    }
  });

  it('info --json tells an error as JSON', async () => {
    const run = await runIn(dir(), ['info', '--json', 'nothing']);
    expectStatus(run, 12);
    const told = JSON.parse(run.stdout) as Record<string, unknown>;
    expect(violations(schema, schema, told)).to.deep.equal([]);
    expect(told).to.include({ kind: 'error', code: 'NOTHING_TO_RESUME', path: 'nothing' });
  });

  it('--on-exists rename finds what it fetched before, and --print path says where', async () => {
    writeFileSync(path.join(dir(), 'file.bin'), 'of another');
    const args = ['get', origin.url, '--on-exists', 'rename', '--print', 'path', '-q'];
    for (let time = 0; time < 3; time++) {
      const run = await runIn(dir(), args);
      expectStatus(run, 0);
      expect(run.stdout).to.equal('file.1.bin\n');
    }
    expect(filesIn(dir())).to.deep.equal(['file.1.bin', 'file.bin']);
  });
});
