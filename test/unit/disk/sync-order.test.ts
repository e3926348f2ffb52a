/** Which syncs happen, and when: read off the system calls of a real process. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { tempDirPerTest } from '../../helpers/files.js';
import { findProgram } from '../../helpers/real-server.js';

const compiled = (name: string): string =>
  fileURLToPath(new URL(`../../../src/disk/${name}`, import.meta.url));

// Some architectures have only the calls that end in `at`.
const CALLS = 'pwrite64,fsync,fdatasync,/^(link|unlink|rename)(at2?)?$';

/** Steps of the program: each is a name that a failing link(2) writes into the trace. */
const PROGRAM = `
  import { linkSync } from 'node:fs';
  import { Journal } from ${JSON.stringify(compiled('journal.js'))};
  import { PartFile } from ${JSON.stringify(compiled('part-file.js'))};
  import { publish } from ${JSON.stringify(compiled('publish.js'))};
  const step = (name) => { try { linkSync('/nowhere/' + name, '/nowhere/x'); } catch {} };
  const part = PartFile.create('f.part');
  const { dev, ino } = part.identity();
  const identity = { version: 1, url: 'http://h.test/f', finalUrl: null, size: 100, validators: {},
    part: { dev, ino }, bootId: null, createdMs: 0, options: {} };
`;

describe('disk: the order of syncs', function () {
  const dir = tempDirPerTest();

  before(function () {
    if (findProgram('strace') === null) this.skip();
  });

  /** Runs the program and gives the calls of each step, descriptors named by their files. */
  function trace(program: string): Map<string, string[]> {
    const file = path.join(dir(), 'program.mjs');
    const out = path.join(dir(), 'trace');
    writeFileSync(file, PROGRAM + program);
    const args = ['-f', '-y', '-qq', '-e', `trace=${CALLS}`, '-o', out, process.execPath, file];
    const { status, stderr } = spawnSync('strace', args, { cwd: dir(), encoding: 'utf8' });
    expect(stderr).to.equal('');
    expect(status).to.equal(0);
    const steps = new Map<string, string[]>();
    let calls: string[] = [];
    for (const line of readFileSync(out, 'utf8').split('\n')) {
      const step = /link(?:at)?\([^"]*"\/nowhere\/([a-z]+)"/.exec(line)?.[1];
      const call = /^\d+ +([a-z0-9]+)\((?:\d+<([^>]*)>)?/.exec(line);
      if (step !== undefined) steps.set(step, (calls = []));
      else if (call !== null)
        calls.push(`${call[1]?.replace(/at2?$/, '')} ${path.basename(call[2] ?? '')}`.trim());
    }
    return steps;
  }

  it('P3: the first claim makes the journal and its name durable, the next its data', () => {
    const steps = trace(`
      step('create');
      const journal = await Journal.create('f.sluice', identity);
      step('claim');
      await journal.append([{ start: 0, end: 10, crc: 1 }]);
      step('again');
      await journal.append([{ start: 10, end: 20, crc: 1 }]);
      step('end');
    `);
    const directory = path.basename(dir());
    expect(steps.get('create')).to.deep.equal(['pwrite64 f.sluice']);
    expect(steps.get('claim')).to.deep.equal([
      'pwrite64 f.sluice',
      'fsync f.sluice',
      `fsync ${directory}`,
    ]);
    expect(steps.get('again')).to.deep.equal(['pwrite64 f.sluice', 'fdatasync f.sluice']);
  });

  it('P3: a journal that is opened again makes its name durable with its first record', () => {
    const steps = trace(`
      import { readJournal } from ${JSON.stringify(compiled('journal.js'))};
      await (await Journal.create('f.sluice', identity)).close();
      const journal = await Journal.reopen('f.sluice', readJournal('f.sluice'));
      step('claim');
      await journal.append([{ start: 0, end: 10, crc: 1 }]);
      step('end');
    `);
    expect(steps.get('claim')).to.include(`fsync ${path.basename(dir())}`);
  });

  it('P3: a rewritten journal is durable before it takes the name', () => {
    const steps = trace(`
      const journal = await Journal.create('f.sluice', identity);
      step('compact');
      await journal.compact();
      step('end');
    `);
    expect(steps.get('compact')).to.deep.equal([
      'pwrite64 f.sluice~',
      'fsync f.sluice~',
      'rename',
      `fsync ${path.basename(dir())}`,
    ]);
  });

  for (const sync of [true, false]) {
    it(`P2: publishing ${sync ? 'syncs' : 'need not sync'} the directory before the part's name goes`, () => {
      const steps = trace(`
        step('publish');
        await publish(part, 'f', 'fail', { sync: ${sync} });
        step('end');
      `);
      const synced = sync ? [`fsync ${path.basename(dir())}`] : [];
      expect(steps.get('publish')).to.deep.equal(['link', ...synced, 'unlink']);
    });
  }
});
