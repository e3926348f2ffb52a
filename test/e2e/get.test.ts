import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expectStatus, filesIn, isRoot, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { leaveWith } from '../helpers/leave.js';
import { Origin } from '../helpers/origin.js';
import { COMMAND } from '../helpers/run-sluice.js';

const SIZE = 3 * 1024 * 1024;

describe('e2e/get', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: 5 });
  });
  afterEach(() => origin.close());

  const inDir = (name: string): string => path.join(dir(), name);

  it('P1: takes the URL as an argument or as a flag, and the flag of the issue', async () => {
    expectStatus(await runIn(dir(), ['get', origin.url]), 0);
    const flags = ['get', '--url', origin.url, '--output', 'b.bin', '--num-connections', '4'];
    expectStatus(await runIn(dir(), flags), 0);
    expectSameContent(inDir('file.bin'), 5, SIZE);
    expectSameContent(inDir('b.bin'), 5, SIZE);
    expect(filesIn(dir())).to.deep.equal(['b.bin', 'file.bin']);
  });

  it('P1: fetches files of 0 bytes and of 1 byte', async () => {
    for (const size of [0, 1]) {
      origin.set({ size });
      const run = await runIn(dir(), ['get', origin.url, '-o', `${size}`]);
      expectStatus(run, 0);
      expectSameContent(inDir(`${size}`), 5, size);
      expect(run.stderr).not.to.contain('does not serve byte ranges');
    }
  });

  it('recognises what it finished: nothing but a head is transferred', async () => {
    origin.set({ size: 64 * 1024 * 1024 });
    expectStatus(await runIn(dir(), ['get', origin.url]), 0);
    const before = origin.requests.length;
    const again = await runIn(dir(), ['get', origin.url, '--json']);
    expectStatus(again, 0);
    expect(origin.requests).to.have.length(before + 1);
    const sent = origin.requests[before]?.bodyBytes ?? 0;
    expect(sent).to.be.at.most(1);
    expect(again.events.at(-1)).to.deep.include({
      type: 'done',
      outcome: 'complete',
      bytes: 64 * 1024 * 1024,
      fetched: 0,
    });
  });

  it('takes a file with the right checksum for finished without asking', async () => {
    writeFileSync(inDir('file.bin'), origin.content());
    const sum = `sha256:${origin.digest()}`;
    const run = await runIn(dir(), ['get', origin.url, '-o', 'file.bin', '--checksum', sum]);
    expectStatus(run, 0);
    expect(origin.requests).to.have.length(0);
  });

  it('fetches a finished file again only when told, after it changed on the server', async () => {
    expectStatus(await runIn(dir(), ['get', origin.url]), 0);
    origin.set({ seed: 6 });
    expectStatus(await runIn(dir(), ['get', origin.url]), 11);
    expectSameContent(inDir('file.bin'), 5, SIZE);
    expectStatus(await runIn(dir(), ['get', origin.url, '--on-exists', 'rename']), 0);
    expectSameContent(inDir('file.1.bin'), 6, SIZE);
    expectStatus(await runIn(dir(), ['get', origin.url, '--on-exists', 'overwrite']), 0);
    expectSameContent(inDir('file.bin'), 6, SIZE);
    expect(filesIn(dir())).to.deep.equal(['file.1.bin', 'file.bin']);
  });

  it('leaves a file of another kind alone: fail, skip, rename, overwrite', async () => {
    writeFileSync(inDir('file.bin'), 'mine');
    const get = (...more: string[]) => runIn(dir(), ['get', origin.url, '--json', ...more]);
    const refused = await get();
    expectStatus(refused, 11);
    expect(refused.events.at(-1)).to.include({ type: 'error', code: 'TARGET_EXISTS' });
    const skipped = await get('--on-exists', 'skip');
    expectStatus(skipped, 0);
    expect(skipped.events.at(-1)).to.include({ type: 'done', outcome: 'skipped', bytes: 4 });
    const renamed = await get('--on-exists', 'rename');
    expectStatus(renamed, 0);
    expect(renamed.events.at(-1)).to.include({ path: 'file.1.bin' });
    expect(readFileSync(inDir('file.bin'), 'utf8')).to.equal('mine');
    expectStatus(await get('--on-exists', 'overwrite'), 0);
    expectSameContent(inDir('file.bin'), 5, SIZE);
    expect(filesIn(dir())).to.deep.equal(['file.1.bin', 'file.bin']);
  });

  it('makes the directories of --output and --dir', async () => {
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'new/er/x']), 0);
    expectStatus(await runIn(dir(), ['get', origin.url, '-d', 'an/other']), 0);
    expectSameContent(inDir('new/er/x'), 5, SIZE);
    expectSameContent(inDir('an/other/file.bin'), 5, SIZE);
  });

  it('fetches several URLs, and the first failure gives the status', async () => {
    origin.route('/a', { seed: 7 });
    origin.route('/b', { seed: 8 });
    origin.fault({ target: '/gone', fault: { kind: 'status', status: 404 }, times: Infinity });
    const urls = ['/a', '/gone', '/b'].map((target) => origin.server.url(target));
    const run = await runIn(dir(), ['get', ...urls, '-d', 'many', '--json']);
    expectStatus(run, 6);
    expectSameContent(inDir('many/a'), 7, SIZE);
    expectSameContent(inDir('many/b'), 8, SIZE);
    const ends = run.events.filter(({ type }) => type === 'done' || type === 'error');
    ends.sort((one, other) => (one.index ?? 0) - (other.index ?? 0));
    expect(ends.map(({ type }) => type)).to.deep.equal(['done', 'error', 'done']);
    expect(run.events.at(-1)).to.include({ type: 'summary', done: 2, failed: 1 });
    expect(filesIn(inDir('many'))).to.deep.equal(['a', 'b']);
  });

  it('bounds names: 247 bytes fit, 248 do not', async () => {
    const longest = 'n'.repeat(247);
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', longest]), 0);
    expectSameContent(inDir(longest), 5, SIZE);
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', `${longest}n`]), 2);
  });

  it('P13: uses a directory, a FIFO and a symbolic link at the target for nothing', async () => {
    mkdirSync(inDir('directory'));
    execFileSync('mkfifo', [inDir('fifo')]);
    writeFileSync(inDir('victim'), 'untouched');
    symlinkSync('victim', inDir('link'));
    linkSync(inDir('victim'), inDir('hardlink'));
    if (isRoot) execFileSync('mknod', [inDir('device'), 'c', '1', '3']);
    const odd = isRoot ? ['directory', 'fifo', 'device'] : ['directory', 'fifo'];
    for (const name of [...odd, 'link', 'hardlink']) {
      expectStatus(await runIn(dir(), ['get', origin.url, '-o', name]), 11);
    }
    for (const name of odd) {
      const args = ['get', origin.url, '-o', name, '--on-exists', 'overwrite'];
      expectStatus(await runIn(dir(), args), 11);
    }
    // None of these needs to be asked for: what is there decides.
    expect(origin.requests).to.have.length(0);
    for (const name of ['link', 'hardlink']) {
      const args = ['get', origin.url, '-o', name, '--on-exists', 'overwrite'];
      expectStatus(await runIn(dir(), args), 0);
      expect(readFileSync(inDir('victim'), 'utf8')).to.equal('untouched');
      expectSameContent(inDir(name), 5, SIZE);
    }
    const left = [...odd, 'hardlink', 'link', 'victim'].sort();
    expect(filesIn(dir())).to.deep.equal(left);
  });

  it('P13: writes through nothing that is planted at the part or the journal', async () => {
    for (const suffix of ['part', 'sluice']) {
      const plant: Record<string, (at: string) => void> = {
        symlink: (at) => symlinkSync('victim', at),
        dangling: (at) => symlinkSync('nowhere', at),
        hardlink: (at) => linkSync(inDir('victim'), at),
        fifo: (at) => execFileSync('mkfifo', [at]),
        directory: (at) => mkdirSync(at),
        // Root alone may make one: the one that swallows everything.
        ...(isRoot ? { device: (at) => execFileSync('mknod', [at, 'c', '1', '3']) } : {}),
      };
      for (const [kind, make] of Object.entries(plant)) {
        writeFileSync(inDir('victim'), 'untouched');
        const name = `${kind}-${suffix}`;
        make(inDir(`${name}.${suffix}`));
        const run = await runIn(dir(), ['get', origin.url, '-o', name]);
        expect(run.status, `${name}\n${run.stderr}`).to.be.oneOf([11, 12]);
        expect(readFileSync(inDir('victim'), 'utf8')).to.equal('untouched');
        expect(existsSync(inDir(name)), name).to.equal(false);
        expect(existsSync(inDir('nowhere')), name).to.equal(false);
      }
    }
  });

  it('never replaces a part without a journal, unless it is empty or the user says so', async () => {
    writeFileSync(inDir('x.part'), 'of somebody else');
    const refused = await runIn(dir(), ['get', origin.url, '-o', 'x']);
    expectStatus(refused, 11);
    expect(refused.stderr).to.contain('x.part exists').and.contain('--on-exists overwrite');
    expect(readFileSync(inDir('x.part'), 'utf8')).to.equal('of somebody else');
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'x', '--on-exists', 'overwrite']), 0);
    expectSameContent(inDir('x'), 5, SIZE);
    // What a kill in the first milliseconds leaves.
    writeFileSync(inDir('y.part'), '');
    writeFileSync(inDir('z.part'), '');
    writeFileSync(inDir('z.sluice'), '');
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'y']), 0);
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'z']), 0);
    expect(filesIn(dir())).to.deep.equal(['x', 'y', 'z']);
  });

  for (const umask of ['000', '022', '077']) {
    it(`gives the file the mode that umask ${umask} leaves, and its own files 0600`, async () => {
      const prefix = ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'];
      origin.set({ rate: 100_000 });
      const args = ['get', origin.url, '-o', 'x', '-n', '1', '--log-file', 'log'];
      expectStatus(await leaveWith(args, inDir('x'), { cwd: dir(), prefix }), 130);
      // Nobody else may write to it while it is a part.
      expect(statSync(inDir('x.part')).mode & 0o777).to.equal(0o644 & ~parseInt(umask, 8));
      expect(statSync(inDir('log')).mode & 0o777).to.equal(0o600);
      expect(statSync(inDir('x.sluice')).mode & 0o777).to.equal(0o600);
      origin.set({ rate: Infinity });
      expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'x'], { prefix }), 0);
      expect(statSync(inDir('x')).mode & 0o777).to.equal(0o666 & ~parseInt(umask, 8));
      const receipts = inDir('.state/finished');
      expect(statSync(receipts).mode & 0o777).to.equal(0o700);
      const [receipt = ''] = readdirSync(receipts);
      expect(statSync(path.join(receipts, receipt)).mode & 0o777).to.equal(0o600);
    });
  }

  it('P17: says where it cannot write, and does not try for ever', async () => {
    // Permissions do not bind root; a directory of the kernel binds everybody.
    for (const at of ['/proc/sluice-test', '/proc/nowhere/sluice-test', 'file/x']) {
      writeFileSync(inDir('file'), '');
      const run = await runIn(dir(), ['get', origin.url, '-o', at]);
      expect(run.status, run.stderr).to.be.oneOf([2, 10]);
      expect(run.stderr).to.contain('next: ');
    }
    const removed = path.join(dir(), 'removed');
    mkdirSync(removed);
    const prefix = ['sh', '-c', 'rmdir "$PWD"; exec "$@"', 'sh'];
    expectStatus(await runIn(removed, ['get', origin.url], { prefix }), 2);
  });

  it('a flag that is given twice is a mistake of the command line', async () => {
    const run = await runIn(dir(), ['get', origin.url, '-n', '2', '-n', '3']);
    expectStatus(run, 2);
    expect(run.stderr).to.contain('only be specified once').and.contain('next: ');
    expect(origin.requests).to.deep.equal([]);
  });

  it('P10, P22: info asks for the whole where parts cannot be used, as get does', async () => {
    origin.route('/a.bin', { fields: { 'Content-Encoding': 'br' } });
    const url = origin.server.url('/a.bin');
    const run = await runIn(dir(), ['info', url, '--json']);
    expectStatus(run, 0);
    expect(JSON.parse(run.stdout)).to.include({ status: 200, size: SIZE, ranges: 'no' });
    expectStatus(await runIn(dir(), ['get', url]), 0);
    expectSameContent(inDir('a.bin'), 5, SIZE);
  });

  it('P17: a directory that is not ours to write to is exit status 10', async function () {
    const locked = inDir('locked');
    mkdirSync(locked, { mode: 0o555 });
    // Root may write everywhere: it tries as somebody else.
    const other = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    if (isRoot && !readable()) return this.skip();
    const prefix = isRoot ? other : [];
    if (isRoot) execFileSync('chmod', ['0755', dir()]);
    const run = await runIn(locked, ['get', origin.url], {
      prefix,
      env: { HOME: '/nonexistent', SLUICE_STATE_DIR: '/nonexistent' },
    });
    expectStatus(run, 10);
    expect(run.stderr).to.contain('permission is denied').and.contain('--dir or --output');
    expect(filesIn(locked)).to.deep.equal([]);
  });
});

/** Whether everybody may read this checkout. */
function readable(): boolean {
  try {
    const args = ['--reuid=65534', '--regid=65534', '--clear-groups', 'cat', COMMAND];
    execFileSync('setpriv', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
