/** What a start loads. Nothing here looks at the clock: what is not loaded takes no time. */
import { existsSync, readFileSync, readdirSync, statSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { contentDigest } from '../helpers/content.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { CHECKOUT, keepsCode, runSluice, type RunResult } from '../helpers/run-sluice.js';

const LIST_MODULES = new URL('../helpers/list-modules.js', import.meta.url).href;

/** Rooms of src/ that a download needs and nothing else, and workers/. */
const ENGINE =
  /^dist\/(src\/(app|transfer|open|engine|lease|schedule|net|disk|verify|formats)|workers)\//;
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
   * Runs the command; `modules` are paths from the top of the checkout. Measuring coverage keeps it
   * from the bundle, whose parts no hook sees.
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

  /** From the bundle, which is what users run; its parts are seen by no hook. */
  const runBundled = (args: string[]) => run(args, {});

  /** A start reads these; the second one only where Node keeps compiled code. */
  const ENTRY = ['bin/run.js', 'dist/bundle/code-cache.cjs', 'dist/bundle/sluice.cjs'];

  for (const word of ['--version', 'version']) {
    it(`${word} loads bin/run.js and package.json, nothing else`, async () => {
      const { status, stdout, modules } = await runBundled([word]);
      expect(status).to.equal(0);
      expect(stdout).to.match(/^sluice\/\d+\.\d+\.\d+\S* \S+ node-v\d+\.\d+\.\d+\n$/);
      expect(new Set(modules)).to.deep.equal(new Set(['bin/run.js', 'package.json']));
    });
  }

  it('--version says what the help of oclif says', async () => {
    const [{ stdout }, help] = await Promise.all([run(['--version']), run(['help'])]);
    expect(help.stdout).to.include(`VERSION\n  ${stdout}`);
  });

  it('everything else loads one file more, the bundle, unless a package is needed', async () => {
    const origin = await Origin.start({ size: 1_000_000 });
    try {
      for (const args of [
        ['get', '-o', 'f', origin.url],
        ['info', origin.url],
        ['help'],
        ['gte'],
      ]) {
        const { modules } = await runBundled(args);
        expect(modules).to.include('dist/bundle/sluice.cjs');
        expect(modules.filter((file) => !ENTRY.includes(file))).to.deep.equal([]);
      }
      const log = await runBundled(['get', '-v', '-o', 'g', origin.url]);
      expect(log.modules.some((file) => file.startsWith('node_modules/pino/'))).to.equal(true);
    } finally {
      await origin.server.close();
    }
  });

  it('the bundle says what the modules say: a thread, a package and an error', async () => {
    const origin = await Origin.start({ size: 1_000_000 });
    const sum = `crc32c:${contentDigest(origin.seed, 0).slice(0, 8)}`;
    const args = ['get', '--checksum', sum, '-o', 'f', origin.url];
    try {
      const bundled = await runBundled(args);
      const [part] = readdirSync(scratch());
      for (const name of readdirSync(scratch())) rmSync(path.join(scratch(), name));
      const modules = await run(args);
      expect([bundled.status, modules.status, part]).to.deep.equal([9, 9, 'f.part']);
      expect(ownLines(bundled.stderr)).to.equal(ownLines(modules.stderr));
    } finally {
      await origin.server.close();
    }
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

  it('get of a small file loads no package but oclif, and no display', async () => {
    const origin = await Origin.start({ size: 1_000_000 });
    try {
      const { status, stderr, modules } = await run(['get', '-o', 'f', origin.url]);
      expect(status).to.equal(0);
      expect(stderr).to.match(/done: .*, 1 connection\n/);
      expect(modules.some((file) => ENGINE.test(file))).to.equal(true);
      expect(
        modules.filter((file) => /node_modules\/(pino|piscina|sax|hash)/.test(file)),
      ).to.deep.equal([]);
      expect(modules.filter((file) => DISPLAY.test(file))).to.deep.equal([]);
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
});
