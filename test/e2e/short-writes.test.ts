/**
 * Writes that take less than they were given, for real: a library in front of libc's write and
 * pwrite, compiled here, cuts them short, refuses them, or ends the process between two halves.
 */
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expectClaimsHold } from '../crash/claims.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { contentAt } from '../helpers/content.js';
import { expectSameContent, makeTempDir, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { CHECKOUT, spawnSluice, type RunResult } from '../helpers/run-sluice.js';

const SIZE = 16 * 1024 * 1024;
const SEED = 71;
const ALL = '1 999999999';

describe('e2e/short writes', function () {
  this.timeout(60_000);
  const dir = tempDirPerTest();
  let library: string;
  let origin: Origin;

  before(function () {
    if (process.platform !== 'linux') return this.skip();
    if (findProgram('gcc') === null && !process.env['CI']) return this.skip();
    library = path.join(makeTempDir('sluice-shim-'), 'short-writes.so');
    const source = path.join(CHECKOUT, 'test', 'helpers', 'short-writes.c');
    const args = ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl'];
    const { status, stderr } = spawnSync('gcc', args, { encoding: 'utf8' });
    expect(status, stderr).equal(0);
  });
  after(() => {
    if (library !== undefined) rmSync(path.dirname(library), { recursive: true, force: true });
  });
  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: SEED });
  });
  afterEach(() => origin.close());

  const inDir = (name: string): string => path.join(dir(), name);
  const reference = (start: number, end: number): Buffer => contentAt(SEED, start, end - start);

  const shim = (rules: string): Record<string, string> => ({
    LD_PRELOAD: library,
    SHORT_WRITES: rules,
    SHORT_WRITES_LOG: inDir('spoiled'),
    UV_USE_IO_URING: '0',
  });

  /** Runs with these rules, in a directory of its own for the shim's log. */
  const get = (rules: string, ...args: string[]): Promise<RunResult> =>
    runIn(dir(), ['get', origin.url, '-o', 'x', '-n', '4', '--sync', 'full', ...args], {
      env: shim(rules),
    });

  /** How many writes were spoiled; the trace of it is removed. */
  function spoiled(): number {
    const lines = existsSync(inDir('spoiled')) ? readFileSync(inDir('spoiled'), 'latin1') : '';
    rmSync(inDir('spoiled'), { force: true });
    return lines.split('\n').length - 1;
  }

  async function expectResumable(): Promise<void> {
    expect(existsSync(inDir('x'))).equal(false);
    expectClaimsHold(inDir('x'), null, reference, 'after the failure');
    origin.set({ rate: Infinity });
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'x']), 0);
    expectSameContent(inDir('x'), SEED, SIZE);
    expect(filesIn(dir())).deep.equal(['x']);
  }

  const GONE_ON_WITH: Array<[rules: string, least: number]> = [
    [`x.part half ${ALL}`, 20],
    [`x.part most ${ALL}`, 20],
    ['x.part one 1 200', 200],
    ['x.part EINTR 2 5', 4],
    ['x.part EAGAIN 2 5', 4],
    [`x.sluice half ${ALL}`, 4],
    [`x.sluice one ${ALL}`, 20],
    ['x.sluice EINTR 1 3', 3],
    [`x.part half ${ALL};x.sluice most ${ALL}`, 24],
  ];

  for (const [rules, least] of GONE_ON_WITH) {
    it(`P3, P17: short writes are gone on with: ${rules}`, async () => {
      const run = await get(rules, '--retries', '0');
      expectStatus(run, 0);
      expect(spoiled(), 'writes spoiled').least(least);
      expectSameContent(inDir('x'), SEED, SIZE);
      expect(filesIn(dir())).deep.equal(['x']);
    });
  }

  /** A disk that fills up, or breaks, first takes a part of a write. */
  const FAILURES = [
    `x.part half 4 4;x.part ENOSPC 5 999999999`,
    `x.part one 4 6;x.part EIO 7 999999999`,
    `x.part most 4 4;x.part EDQUOT 5 999999999`,
    `x.part half 4 4;x.part zero 5 999999999`,
    `x.sluice half 2 2;x.sluice ENOSPC 3 999999999`,
    `x.sluice one 2 4;x.sluice EIO 5 999999999`,
    `x.sluice half 2 2;x.sluice zero 3 999999999`,
  ];

  for (const rules of FAILURES) {
    it(`P17: a short write and then a failure is exit status 10: ${rules}`, async () => {
      const run = await get(rules);
      expectStatus(run, 10);
      expect(run.stderr).contain('next: ');
      expect(spoiled()).least(2);
      await expectResumable();
    });
  }

  for (const [rules, what] of [
    ['x.part die 4 4', 'a write to the part'],
    ['x.sluice die 2 2', "the journal's second write"],
    ['x.sluice die 3 3', "the journal's third write"],
  ] as const) {
    it(`P3, P4: SIGKILL between the halves of ${what}, then again`, async () => {
      const run = await get(rules);
      expect(run.signal, run.stderr).equal('SIGKILL');
      expect(spoiled()).equal(1);
      await expectResumable();
    });
  }

  it('P16: a second signal ends it at once, although the disk takes a minute for a sync', async () => {
    origin.set({ rate: 1_000_000 });
    const run = spawnSluice(['get', origin.url, '-o', 'x', '-n', '4'], {
      cwd: dir(),
      env: { ...shim(`x.part slow ${ALL}`), SLUICE_STATE_DIR: inDir('.state') },
    });
    // The first checkpoint waits for the disk now.
    while (
      !existsSync(inDir('spoiled')) ||
      !/ 0 0$/m.test(readFileSync(inDir('spoiled'), 'latin1'))
    )
      await new Promise((done) => setTimeout(done, 20));
    run.kill('SIGINT');
    await run.waitFor(/stopping/);
    const at = performance.now();
    run.kill('SIGTERM');
    const { status, signal } = await run.ended;
    expect({ status, signal }).deep.equal({ status: null, signal: 'SIGTERM' });
    expect(performance.now() - at).below(5000);
    expect(spoiled()).above(0);
    await expectResumable();
  });

  it("P3, P4: SIGKILL between the halves of the journal's first write claims nothing", async () => {
    expect((await get('x.sluice die 1 1')).signal).equal('SIGKILL');
    expect(spoiled()).equal(1);
    // Nobody can tell it from a journal that was in use and is damaged: that is for the user to say.
    const again = await runIn(dir(), ['get', origin.url, '-o', 'x']);
    expectStatus(again, 12);
    expect(again.stderr).match(/Remove what is kept, `rm -f .*\.part .*\.sluice`/);
    for (const name of ['x.part', 'x.sluice']) rmSync(inDir(name), { force: true });
    await expectResumable();
  });
});
