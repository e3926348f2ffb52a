import { expect } from 'chai';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Journal, readJournal } from '../../src/disk/journal.js';
import { bytesIn, claimed, expectNotAsked } from '../crash/claims.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Lateness } from '../helpers/lateness.js';
import { leaveWith, untilClaimed } from '../helpers/leave.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { spawnSluice, type RunResult } from '../helpers/run-sluice.js';

const SIZE = 4 * 1024 * 1024;
const SEED = 9;
/** Bytes a second and connection: a file takes 17 s, and something is claimed after one. */
const SLOW = 120_000;

/** Bytes of bodies that the origin has sent since request number `from`. */
function sent(origin: Origin, from = 0): number {
  return origin.requests.slice(from).reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
}

/** Flips one bit in the middle of a file, and gives it its old times back. */
function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

describe('e2e/resume', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: SEED, rate: SLOW });
  });
  afterEach(() => origin.close());

  const inDir = (name: string): string => path.join(dir(), name);
  const resume = (...args: string[]) => runIn(dir(), ['resume', ...args]);

  /** Starts a download and stops it once the journal claims something. */
  function leave(
    name: string,
    signal: NodeJS.Signals = 'SIGINT',
    ...more: string[]
  ): Promise<RunResult> {
    return leaveFrom(origin.url, name, signal, ...more);
  }

  function leaveFrom(
    url: string,
    name: string,
    signal: NodeJS.Signals,
    ...more: string[]
  ): Promise<RunResult> {
    const args = ['get', url, '-o', name, '-n', '2', ...more];
    const env = { SLUICE_STATE_DIR: `${dir()}/.state` };
    return leaveWith(args, inDir(name), { cwd: dir(), env, signal, above: 100_000 });
  }

  /** Starts one run of several downloads, and stops it once all their journals claim something. */
  async function leaveAll(names: string[], signal: NodeJS.Signals): Promise<void> {
    const run = spawnSluice(['get', '-i', '-', '-j', `${names.length}`, '-n', '2'], {
      cwd: dir(),
      stdin: names.map((name) => `${origin.url}\n  out=${name}\n`).join(''),
    });
    await Promise.all(names.map((name) => untilClaimed(run, inDir(name), 100_000)));
    run.kill(signal);
    await run.ended;
  }

  /** Kills a run that has made a call on a file. */
  const killedAfter = (call: string, name: string): string[] => [
    ...['strace', '-f', '-qq', '-o', '/dev/null', '-P', inDir(name)],
    ...['-e', `inject=${call}:signal=KILL:when=1`],
  ];

  it('P4: SIGINT and SIGTERM keep everything, say how to go on; resume needs no URL', async () => {
    for (const [signal, status] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const stopped = await leaveFrom(origin.server.url(`/${signal}`), signal, signal);
      expectStatus(stopped, status);
      expect(stopped.stderr)
        .to.match(/bytes (?:\(\d+%\) )?are kept in/)
        .and.to.contain(`\`sluice resume ${signal}\``);
    }
    origin.set({ rate: Infinity });
    const before = origin.requests.length;
    const known = ['SIGINT', 'SIGTERM'].map((name) => [name, claimed(inDir(name))] as const);
    // By the part's path and by the journal's.
    expectStatus(await resume('SIGINT.part', 'SIGTERM.sluice', '-n', '2'), 0);
    expectSameContent(inDir('SIGINT'), SEED, SIZE);
    expectSameContent(inDir('SIGTERM'), SEED, SIZE);
    expect(filesIn(dir())).to.deep.equal(['SIGINT', 'SIGTERM']);
    // What a graceful stop has kept is not asked for again: 4 KiB a seam is.
    for (const [name, claims] of known) {
      const asked = origin.requests.slice(before).filter(({ target }) => target === `/${name}`);
      expect(asked.length).to.be.above(0);
      expectNotAsked(asked, claims, name);
    }
  });

  it('P4: the same get goes on after SIGKILL, and asks only for what is missing', async () => {
    const killed = await leave('x', 'SIGKILL');
    expect(killed.signal).to.equal('SIGKILL');
    const info = await runIn(dir(), ['info', 'x', '--json']);
    const { bytes } = JSON.parse(info.stdout) as { bytes: number };
    expect(bytes).to.be.above(100_000);
    origin.set({ rate: Infinity });
    const known = claimed(inDir('x'));
    const before = origin.requests.length;
    const run = await runIn(dir(), ['get', origin.url, '-o', 'x', '-n', '2', '--json']);
    expectStatus(run, 0);
    expectSameContent(inDir('x'), SEED, SIZE);
    expect(run.events[0]).to.include({ type: 'start', resumed: bytes });
    expectNotAsked(origin.requests.slice(before), known, 'after SIGKILL');
  });

  it('P4: whatever --preallocate said before and says now, the length of the part says nothing', async () => {
    for (const [first, then] of [
      ['none', 'sparse'],
      ['sparse', 'full'],
      ['full', 'none'],
    ] as const) {
      origin.set({ rate: SLOW });
      await leave(first, 'SIGKILL', '--preallocate', first);
      origin.set({ rate: Infinity });
      const { size } = statSync(inDir(`${first}.part`));
      expect(size < SIZE, `${size} bytes with ${first}`).to.equal(first === 'none');
      const known = claimed(inDir(first));
      const before = origin.requests.length;
      expectStatus(await resume(first, '--preallocate', then), 0);
      expectSameContent(inDir(first), SEED, SIZE);
      expect(sent(origin, before)).to.be.at.least(SIZE - bytesIn(known));
      expectNotAsked(origin.requests.slice(before), known, first);
    }
  });

  it('P3: nobody has to kill it: a second signal ends at once, and the journal holds', async () => {
    const args = ['get', origin.url, '-o', 'x', '-n', '2'];
    const { status, signal } = await leaveWith(args, inDir('x'), {
      cwd: dir(),
      signal: 'SIGTERM',
      then: 'SIGINT',
    });
    // By the second signal, or with the status of the first one where that was quicker. Two that are
    // sent at once may be seen in either order.
    expect(['SIGINT', 'SIGTERM', 130, 143]).to.include(signal ?? status);
    origin.set({ rate: Infinity });
    expectStatus(await resume('x'), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
  });

  /** The command as a user starts it, by its first line, from a shell that ignores signals. */
  const ignoring = (signals: string): { prefix: string[]; env: Record<string, string> } => ({
    prefix: ['sh', '-c', `trap '' ${signals}; shift; exec "$@"`, 'sh'],
    env: {
      SLUICE_STATE_DIR: inDir('.state'),
      PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    },
  });

  it('P16: signals that the caller ignores stay ignored, and the others stop it', async function () {
    if (process.platform !== 'linux') return this.skip();
    origin.set({ rate: SLOW });
    const run = spawnSluice(['get', origin.url, '-o', 'x', '-n', '1'], {
      cwd: dir(),
      ...ignoring('HUP INT'),
    });
    await untilClaimed(run, inDir('x'));
    run.kill('SIGHUP');
    run.kill('SIGINT');
    // It goes on.
    await untilClaimed(run, inDir('x'), bytesIn(claimed(inDir('x'))));
    run.kill('SIGTERM');
    const { status, stderr } = await run.ended;
    expect({ status, stopped: /stopping/.test(stderr) }, stderr).to.deep.equal({
      status: 143,
      stopped: true,
    });
    origin.set({ rate: Infinity });
    expectStatus(await resume('x'), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
  });

  it('P16: a caller that ignores nothing is no reason to ignore anything', async () => {
    origin.set({ rate: SLOW });
    const run = spawnSluice(['get', origin.url, '-o', 'x', '-n', '1'], {
      cwd: dir(),
      ...ignoring('USR2'),
    });
    await untilClaimed(run, inDir('x'));
    run.kill('SIGHUP');
    expectStatus(await run.ended, 143);
  });

  it('P16: SIGINT while it waits for a dead server ends it', async () => {
    origin.fault({ fault: { kind: 'stall-head', at: 0 }, times: Infinity });
    const run = spawnSluice(['get', origin.url], { cwd: dir() });
    await origin.server.until(({ requests }) => requests.length > 0);
    const at = performance.now();
    const lateness = new Lateness();
    run.kill('SIGINT');
    expectStatus(await run.ended, 130);
    expect(performance.now() - at - lateness.stop()).to.be.below(1500);
    expect(filesIn(dir())).to.deep.equal([]);
  });

  it('goes on with everything unfinished under --all, and says when there is nothing', async () => {
    const none = await resume('--all');
    expectStatus(none, 12);
    await leave('a');
    await leave('b', 'SIGKILL');
    origin.set({ rate: Infinity });
    expectStatus(await resume('--all'), 0);
    expectSameContent(inDir('a'), SEED, SIZE);
    expectSameContent(inDir('b'), SEED, SIZE);
    expectStatus(await resume('a'), 12);
    expectStatus(await resume(), 2);
  });

  it('goes on with the next path when one has nothing to resume', async () => {
    await leave('b');
    origin.set({ rate: Infinity });
    const run = await resume('nothing', 'b', '--json');
    expectStatus(run, 12);
    expectSameContent(inDir('b'), SEED, SIZE);
    expect(run.events[0]).to.include({ type: 'error', path: 'nothing', exitStatus: 12 });
    expect(run.events.at(-2)).to.include({ type: 'done', path: 'b', index: 1 });
  });

  it('P6: refuses what changed on the server, and starts over only when get is told', async () => {
    await leave('x');
    origin.set({ rate: Infinity, seed: SEED + 1 });
    expectStatus(await resume('x'), 8);
    expect(existsSync(inDir('x'))).to.equal(false);
    const again = await runIn(dir(), ['get', origin.url, '-o', 'x', '--on-exists', 'overwrite']);
    expectStatus(again, 0);
    expectSameContent(inDir('x'), SEED + 1, SIZE);
  });

  it('P7: refuses without a validator, goes on with --insist', async () => {
    origin.set({ etag: 'none', lastModified: null });
    await leave('x');
    origin.set({ rate: Infinity });
    const refused = await resume('x');
    expectStatus(refused, 12);
    expect(refused.stderr).to.contain('--insist');
    expectStatus(await resume('x', '--insist'), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
  });

  it('another URL does not take over an unfinished download', async () => {
    await leave('x');
    const other = origin.server.url('/other');
    expectStatus(await runIn(dir(), ['get', other, '-o', 'x']), 11);
    origin.set({ rate: Infinity });
    expectStatus(await resume('x'), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
  });

  /** What somebody may do to the files while nothing runs. */
  const HARM: Record<string, (part: string, journal: string) => void> = {
    'the part is cut': (part) => truncateSync(part, 100_000),
    'the part is emptied': (part) => truncateSync(part, 0),
    'the part is edited': (part) => flip(part, 50_000),
    'the part is longer': (part) => appendFileSync(part, 'more'),
    'the part is replaced by zeros': (part) => {
      rmSync(part);
      writeFileSync(part, Buffer.alloc(SIZE));
    },
    'the part is a copy of itself': (part) => {
      copyFileSync(part, `${part}-copy`);
      renameSync(`${part}-copy`, part);
    },
    'the end of the journal is cut': (_, journal) =>
      truncateSync(journal, statSync(journal).size - 3),
    'the journal ends in rubbish': (_, journal) => appendFileSync(journal, 'rubbish'),
    'a bit of the journal is flipped near its end': (_, journal) =>
      flip(journal, statSync(journal).size - 5),
  };

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    it(`P1: never a wrong file after ${signal}, whatever was done to the files`, async () => {
      const cases = Object.entries(HARM).map(([what, harm], index) => ({ what, harm, index }));
      const names = cases.map(({ index }) => `x${index}`);
      await leaveAll(names, signal);
      for (const { harm, index } of cases) harm(inDir(`x${index}.part`), inDir(`x${index}.sluice`));
      origin.set({ rate: Infinity });
      const run = await resume(...names, '-n', '2', '--json');
      for (const { what, index } of cases) {
        const last = run.events.find(
          (event) => event.type === 'done' && event.path === names[index],
        );
        expect(last, `${what}\n${run.stdout}${run.stderr}`).not.to.equal(undefined);
        expectSameContent(inDir(`x${index}`), SEED, SIZE);
      }
      expectStatus(run, 0);
      expect(filesIn(dir())).to.deep.equal(names);
    });
  }

  it('uses the bytes of a copied part: a device may change its number between boots', async () => {
    await leave('x', 'SIGKILL');
    HARM['the part is a copy of itself']?.(inDir('x.part'), '');
    const info = await runIn(dir(), ['info', 'x', '--json']);
    const known = claimed(inDir('x'));
    expect(JSON.parse(info.stdout)).to.include({ bytes: bytesIn(known) });
    origin.set({ rate: Infinity });
    const before = origin.requests.length;
    expectStatus(await resume('x', '-n', '2'), 0);
    expectNotAsked(origin.requests.slice(before), known, 'a copied part');
  });

  it('a damaged journal is refused by resume (12), and replaced by get when told', async () => {
    await leave('x');
    flip(inDir('x.sluice'), 20);
    expectStatus(await resume('x'), 12);
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'x']), 12);
    origin.set({ rate: Infinity });
    const again = await runIn(dir(), ['get', origin.url, '-o', 'x', '--on-exists', 'overwrite']);
    expectStatus(again, 0);
    expectSameContent(inDir('x'), SEED, SIZE);
  });

  it('a journal of another version is refused by resume and get alike (12)', async () => {
    await leave('x');
    const journal = readFileSync(inDir('x.sluice'));
    journal.writeUInt32LE(3, 8);
    writeFileSync(inDir('x.sluice'), journal);
    const run = await resume('x');
    expectStatus(run, 12);
    expect(run.stderr).to.contain('format 3');
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'x']), 12);
    expect(statSync(inDir('x.part')).size).to.equal(SIZE);
  });

  it('P4: a run that died with the name in place is finished without asking anything', async function () {
    if (findProgram('strace') === null) return this.skip();
    origin.set({ rate: Infinity });
    for (const onExists of ['fail', 'overwrite', 'rename'] as const) {
      const name = `x-${onExists}`;
      const final = onExists === 'rename' ? `${name}.1` : name;
      if (onExists !== 'fail') writeFileSync(inDir(name), 'old');
      const args = [
        'get',
        origin.url,
        '-o',
        inDir(name),
        '--on-exists',
        onExists,
        '--sync',
        'full',
      ];
      const run = await runIn(dir(), args, {
        env: { UV_USE_IO_URING: '0' },
        prefix:
          onExists === 'overwrite'
            ? killedAfter('rename', `${name}.part`)
            : killedAfter('link', final),
      });
      expect(run.signal, `${name}\n${run.stderr}`).to.equal('SIGKILL');
      expect(existsSync(inDir(`${name}.sluice`))).to.equal(true);
      const from = origin.requests.length;
      const again = onExists === 'fail' ? ['resume', name] : args;
      expectStatus(await runIn(dir(), again), 0);
      expect(origin.requests).to.have.length(from);
      expectSameContent(inDir(final), SEED, SIZE);
    }
    expect(filesIn(dir())).to.deep.equal(['x-fail', 'x-overwrite', 'x-rename', 'x-rename.1']);
  });

  it('P2: a name that was given to bytes that were lost with the power is taken back', async () => {
    await leave('x', 'SIGKILL');
    const read = readJournal(inDir('x.sluice'));
    const journal = await Journal.reopen(inDir('x.sluice'), read);
    const record = { size: SIZE, mode: 'fail', synced: false, bootId: 'earlier', digests: {} };
    await journal.markPublish({ ...record, mode: 'fail' }, true);
    await journal.close();
    linkSync(inDir('x.part'), inDir('x'));
    origin.set({ rate: Infinity });
    expectStatus(await resume('x'), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
    expect(filesIn(dir())).to.deep.equal(['x']);
  });

  it('P1: the journal of another file does not make a wrong one', async () => {
    await leave('x');
    origin.route('/other', { seed: SEED + 1 });
    await leaveFrom(origin.server.url('/other'), 'y', 'SIGINT');
    copyFileSync(inDir('y.sluice'), inDir('x.sluice'));
    origin.set({ rate: Infinity });
    origin.route('/other', { seed: SEED + 1, rate: Infinity });
    expectStatus(await resume('x', '-n', '2'), 0);
    expectSameContent(inDir('x'), SEED + 1, SIZE);
  });

  it('a journal without its part, and a part without its journal', async () => {
    await leave('x');
    rmSync(inDir('x.part'));
    const refused = await resume('x');
    expectStatus(refused, 12);
    expect(refused.stderr).to.contain('no x.part');
    origin.set({ rate: Infinity });
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'x']), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
    origin.set({ rate: SLOW });
    await leave('y');
    rmSync(inDir('y.sluice'));
    expectStatus(await resume('y'), 12);
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'y']), 11);
    expect(statSync(inDir('y.part')).size).to.equal(SIZE);
  });
});
