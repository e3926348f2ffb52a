/** What a start loads. Nothing here looks at the clock: what is not loaded takes no time. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  readFileSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { contentDigest } from '../helpers/content.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { CHECKOUT, keepsCode, runSluice, type RunResult } from '../helpers/run-sluice.js';

const LIST_ORDER = new URL('../helpers/list-order.js', import.meta.url).href;
const LIST_MODULES = new URL('../helpers/list-modules.js', import.meta.url).href;

/** Rooms of src/ that are the engine, and workers/. */
const ENGINE = /^dist\/(src\/(app|transfer|plan|net|disk|verify|formats)|workers)\//;
/** What draws on a terminal. */
const DISPLAY = /^dist\/src\/cli\/(live|display|frame|bars|width|style)\.js$/;

/** Standard error without what Node says about the loader hook of this test. */
const ownLines = (stderr: string): string => stderr.replace(/^\((node:|Use `node).*\n/gm, '');

/** The same bytes, but for one in the middle. */
function flipped(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  const at = other.length >> 1;
  other[at] = (other[at] ?? 0) ^ 0xff;
  return other;
}

describe('start-up', () => {
  const scratch = tempDirPerTest();
  const notes = tempDirPerTest();
  let runs = 0;

  /**
   * Runs the command; `modules` are paths from the top of the checkout. With `env`, further
   * variables; measuring coverage keeps it from the bundle, whose parts no hook sees.
   */
  async function run(
    args: string[],
    env: Record<string, string> = { NODE_V8_COVERAGE: path.join(notes(), 'coverage') },
  ): Promise<RunResult & { modules: string[] }> {
    const list = path.join(notes(), `modules-${(runs += 1)}`);
    const result = await runSluice(args, {
      cwd: scratch(),
      nodeArgs: ['--import', LIST_MODULES],
      env: { ...env, SLUICE_TEST_MODULES: list },
    });
    const urls = existsSync(list) ? readFileSync(list, 'utf8').trimEnd().split('\n') : [];
    const modules = urls
      .filter((url) => url.startsWith('file:'))
      .map((url) => path.relative(CHECKOUT, fileURLToPath(url)))
      .filter((file) => !file.startsWith('dist/test/'));
    return { ...result, modules };
  }

  const oclif = /node_modules\/@oclif/;

  for (const word of ['--version', 'version']) {
    it(`${word} loads bin/run.js and package.json, nothing else`, async () => {
      const { status, stdout, modules } = await run([word]);
      expect(status).to.equal(0);
      expect(stdout).to.match(/^sluice\/\d+\.\d+\.\d+\S* \S+ node-v\d+\.\d+\.\d+\n$/);
      expect(new Set(modules)).to.deep.equal(new Set(['bin/run.js', 'package.json']));
    });
  }

  it('get reads the bundle of the last build, and no bundle that is older', async () => {
    const bundle = path.join(CHECKOUT, 'dist', 'bundle', 'quick.cjs');
    const build = path.join(CHECKOUT, 'scripts', 'bundle.js');
    const origin = await Origin.start({ size: 1_000_000 });
    const get = (name: string) => run(['get', '--checksum', sum, '-o', name, origin.url], {});
    const sum = `crc32c:${contentDigest(origin.seed, 0).slice(0, 8)}`;
    try {
      expect(spawnSync(process.execPath, [build]).status).to.equal(0);
      const fresh = await get('fresh');
      utimesSync(bundle, 0, 0);
      const stale = await get('stale');
      expect(stale.modules)
        .to.include('dist/src/cli/quick.js')
        .and.not.include('dist/bundle/quick.cjs');
      expect(fresh.modules).to.include('dist/bundle/quick.cjs');
      expect(fresh.modules.filter((file) => file.startsWith('dist/src/'))).to.deep.equal([]);
      // A thread, a package and an error: the same from the bundle as from the modules.
      expect([fresh.status, stale.status]).to.deep.equal([9, 9]);
      expect(ownLines(fresh.stderr).replaceAll('fresh', 'stale')).to.equal(ownLines(stale.stderr));
    } finally {
      spawnSync(process.execPath, [build]);
      await origin.server.close();
    }
  });

  it('--version says what oclif says', async () => {
    const [ours, theirs] = await Promise.all([run(['--version']), run(['--version', '--help'])]);
    expect(theirs.modules.some((file) => oclif.test(file))).to.equal(true);
    expect(ours.stdout).to.equal(theirs.stdout);
  });

  for (const args of [['--help'], ['help'], ['get', '--help'], ['help', 'info'], []]) {
    it(`\`sluice ${args.join(' ')}\` loads nothing of the engine`, async () => {
      const { status, stdout, modules } = await run(args);
      expect(status).to.equal(0);
      expect(stdout).to.include('USAGE');
      expect(modules).to.include('bin/run.js');
      expect(modules.filter((file) => ENGINE.test(file))).to.deep.equal([]);
    });
  }

  it('a mistake in the command line is told without the engine', async () => {
    const { status, stderr, modules } = await run(['get', '--no-such-flag', 'http://x.test/']);
    expect(status).to.equal(2);
    expect(stderr).to.include('--no-such-flag').and.include('USAGE');
    expect(modules.filter((file) => ENGINE.test(file))).to.deep.equal([]);
  });

  it('compiled code is kept where Node does that, and made anew when it is damaged', async function () {
    const origin = await Origin.start({ size: 1000 });
    const code = path.join(notes(), 'sluice', 'code');
    const get = async (name: string): Promise<void> => {
      const args = ['get', '--log-file', 'log', '-n', '2', '-o', name, origin.url];
      const { status, stderr } = await runSluice(args, {
        cwd: scratch(),
        env: { XDG_CACHE_HOME: notes(), NODE_COMPILE_CACHE: undefined },
      });
      expect(status, stderr).to.equal(0);
      expect(stderr)
        .to.match(/done: /)
        .and.not.include('Warning');
    };
    try {
      await get('first');
      if (!keepsCode()) {
        expect(existsSync(code)).to.equal(false);
        return this.skip();
      }
      // A directory for the version of Node, and in it a file for each module: the bundle's is the longest.
      const [version = ''] = readdirSync(code);
      const kept = (): string[] => readdirSync(path.join(code, version)).sort();
      const size = (name: string): number => statSync(path.join(code, version, name)).size;
      const file = kept().sort((a, b) => size(b) - size(a))[0] ?? '';
      const whole = readFileSync(path.join(code, version, file));
      expect(whole.length).above(1000);
      await get('second');
      expect(kept(), 'nothing else is left there').to.include(file);
      for (const damage of [whole.subarray(0, 3), whole.subarray(0, 1000), flipped(whole)]) {
        writeFileSync(path.join(code, version, file), damage);
        await get(`damaged-${damage.length}`);
      }
      expect(size(file)).above(1000);
    } finally {
      await origin.server.close();
    }
  });

  it('get of a small file loads no package and no display', async () => {
    const origin = await Origin.start({ size: 1_000_000 });
    try {
      const { status, stderr, modules } = await run(['get', '-o', 'f', origin.url]);
      expect(status).to.equal(0);
      expect(stderr).to.match(/done: .*, 1 connection\n/);
      expect(modules.some((file) => ENGINE.test(file))).to.equal(true);
      expect(modules.filter((file) => file.includes('node_modules'))).to.deep.equal([]);
      expect(modules.filter((file) => DISPLAY.test(file))).to.deep.equal([]);
    } finally {
      await origin.server.close();
    }
  });

  it('the first connection is dialled before the modules are loaded that it does not need', async () => {
    const origin = await Origin.start({ size: 1000 });
    const list = path.join(notes(), 'order');
    try {
      const { status, stderr } = await runSluice(['get', '-o', 'f', origin.url], {
        cwd: scratch(),
        nodeArgs: ['--import', LIST_ORDER],
        env: { SLUICE_TEST_MODULES: list },
      });
      expect(status, stderr).to.equal(0);
      const order = readFileSync(list, 'utf8').split('\n');
      expect(order.indexOf('connect')).to.be.above(0);
      expect(order.indexOf('node:crypto')).to.be.above(order.indexOf('connect'));
      expect(order).not.to.include('node:worker_threads');
      expect(order).not.to.include('node:perf_hooks');
    } finally {
      await origin.server.close();
    }
  });

  it('get of a small file waits for no sync, and with --sync full for the part and its name', async function () {
    if (findProgram('strace') === null) this.skip();
    const origin = await Origin.start({ size: 1_000_000 });
    const syncs = async (...args: string[]): Promise<string[]> => {
      const trace = path.join(scratch(), 'trace');
      const strace = ['strace', '-f', '-y', '-qq', '-e', 'trace=fsync,fdatasync', '-o', trace];
      const { status } = await runSluice(['get', ...args, origin.url], {
        cwd: scratch(),
        prefix: strace,
      });
      expect(status).to.equal(0);
      const calls = readFileSync(trace, 'utf8').matchAll(/f(?:data)?sync\(\d+<([^>]*)>/g);
      return [...calls].map((call) => path.basename(call[1] ?? ''));
    };
    try {
      expect(await syncs('-o', 'quick')).to.deep.equal([]);
      const full = await syncs('-o', 'safe', '--sync', 'full');
      expect(full).to.include('safe.part');
      expect(full.at(-1)).to.equal(path.basename(scratch()));
    } finally {
      await origin.server.close();
    }
  });

  it('a get that died before its journal began is no obstacle', async () => {
    const origin = await Origin.start({ size: 1000 });
    try {
      for (const name of ['f.part', 'f.sluice']) writeFileSync(path.join(scratch(), name), '');
      const { status } = await run(['get', '-o', 'f', origin.url]);
      expect(status).to.equal(0);
      expect(readdirSync(scratch()).sort()).to.deep.equal(['f']);
    } finally {
      await origin.server.close();
    }
  });

  it('info of a path loads no package', async () => {
    const { status, modules } = await run(['info', 'nothing.part']);
    expect(status).to.equal(12);
    expect(modules.filter((file) => file.includes('node_modules'))).to.deep.equal([]);
  });

  it('the manifest that is committed is the one of the commands', () => {
    const script = path.join(CHECKOUT, 'scripts', 'manifest.js');
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], {
      encoding: 'utf8',
    });
    expect(stderr).to.equal('');
    expect(status).to.equal(0);
  });
});
