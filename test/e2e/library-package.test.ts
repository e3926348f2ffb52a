/** What a program gets that imports the package: a few files, its types in one, and nothing of the command. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import ts from 'typescript';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { CHECKOUT } from '../helpers/run-sluice.js';

const run = promisify(execFile);
const LIST_MODULES = new URL('../helpers/list-modules.js', import.meta.url).href;
const SIZE = 1024 * 1024;

describe('e2e/library-package', function () {
  this.timeout(60_000);
  const dir = tempDirPerTest();

  it('is a few files, which load no package before it is needed, and never oclif', async () => {
    const list = path.join(dir(), 'modules');
    const file = path.join(dir(), 'file.bin');
    const program = `import { download } from 'sluice';
      await download(process.argv[1], { output: process.argv[2], connections: 1 }).result;`;
    const origin = await Origin.start({ size: SIZE, seed: 4 });
    try {
      const words = ['--input-type=module', '--import', LIST_MODULES, '-e', program];
      await run(process.execPath, [...words, origin.url, file], {
        cwd: CHECKOUT,
        env: { ...process.env, SLUICE_TEST_MODULES: list, SLUICE_STATE_DIR: dir() },
      });
    } finally {
      await origin.close();
    }
    expectSameContent(file, 4, SIZE);
    const loaded = readFileSync(list, 'utf8')
      .split('\n')
      .filter((url) => url.startsWith('file:'))
      .map((url) => path.relative(CHECKOUT, fileURLToPath(url)))
      .filter((name) => !name.startsWith('dist/test/'));
    expect(loaded).include('dist/bundle/index.js');
    for (const name of loaded) expect(name).match(/^dist\/bundle\/(index|part-\w+)\.js$/);
    const bundled = readdirSync(path.join(CHECKOUT, 'dist/bundle'))
      .filter((name) => name.endsWith('.js'))
      .map((name) => `dist/bundle/${name}`);
    for (const name of [...bundled, 'dist/workers/lease.cjs', 'dist/workers/hash.cjs'])
      expect(readFileSync(path.join(CHECKOUT, name), 'utf8'), name).not.contain('oclif');
  });

  /** What the compiler says of a program that imports the package. */
  function complaints(program: string, options: ts.CompilerOptions): string[] {
    const home = path.join(dir(), 'node_modules', 'sluice');
    mkdirSync(path.join(home, 'dist', 'bundle'), { recursive: true });
    for (const name of ['package.json', 'dist/bundle/index.d.ts'])
      cpSync(path.join(CHECKOUT, name), path.join(home, name));
    writeFileSync(path.join(dir(), 'package.json'), '{ "type": "module" }');
    const file = path.join(dir(), 'program.ts');
    writeFileSync(file, program);
    const built = ts.createProgram([file], {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
      types: [],
      ...options,
    });
    return ts.getPreEmitDiagnostics(built).map(({ messageText, file: where }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, '\n');
      return `${path.basename(where?.fileName ?? '')}: ${text}`;
    });
  }

  const PROGRAM = `
    import { download, inspect, createPool, SluiceError, ERROR_CODES } from 'sluice';
    import type { DownloadEvent, DoneEvent, UrlReport } from 'sluice';
    const running = download('https://example.org/a', { connections: 4, checksums: [] });
    for await (const event of running) { const each: DownloadEvent = event; void each.url; }
    const done: DoneEvent = await running.result;
    const bytes: number = done.bytes;
    const report: UrlReport = await inspect('https://example.org/a');
    const pool = createPool({ perHost: 4 });
    await pool.close();
    const status: number = ERROR_CODES.CHANGED;
    export const all = [bytes, report.size, status, new SluiceError('USAGE', 'no').exitStatus];
  `;

  it('its types need no others: not those of Node, nor of a browser', () => {
    expect(complaints(PROGRAM, {})).deep.equal([]);
    expect(complaints(`${PROGRAM}\nconst wrong: string = done.bytes;`, {})).length(1);
  });

  it('with the types of Node, streams and signals are those of Node', () => {
    const roots = [path.join(CHECKOUT, 'node_modules', '@types')];
    // @types/node itself is not checked here: the rest is.
    const options = { types: ['node'], typeRoots: roots, skipLibCheck: true };
    const uses = `import type { Readable } from 'node:stream';
      const stopping = new AbortController();
      const given = download('https://example.org/a', { signal: stopping.signal });
      export const stream: Readable = given.stream();`;
    expect(complaints(`${PROGRAM}\n${uses}`, options)).deep.equal([]);
    const wrong = complaints(`${PROGRAM}\n${uses}\nconst n: number = given.stream();`, options);
    expect(wrong).length(1);
    expect(wrong[0]).contain('Readable');
  });

  it('is made the same again, passes publint and attw, and keeps its budget', async () => {
    const { stdout } = await run(process.execPath, ['scripts/package-check.js'], { cwd: CHECKOUT });
    expect(stdout).contain('twice').and.contain('publint: 0').and.contain('types: 0');
  });
});
