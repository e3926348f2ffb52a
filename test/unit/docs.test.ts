/** The pages name files of this repository; each of them exists. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { ERROR_CODES } from '../../src/errors.js';
import { VERSION } from '../../src/version.js';
import { COMMANDS } from '../../src/commands/index.js';
import { FILES, statuses, variables } from '../../src/cli/topics.js';
import { KEY_NAMES, VARIABLE_KEYS, scopeOf, shapeOf } from '../../src/cli/config/keys.js';

const PAGES = [
  ...['ARCHITECTURE.md', 'README.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join('docs', name)),
];

const FOLDERS = ['src', 'test', 'workers', 'bench', 'scripts', 'bin', 'docs', '.ci'];
const IN_FOLDER = new RegExp(`^(?:${FOLDERS.join('|')})/\\S*$`);
/** A file without its folder, as in "`src/http/auth.ts` and `redirect.ts`". */
const ALONE = /^[\w.-]+\.(?:ts|js|cjs|md)$/;

/** `src/{http,net}/` is two paths; what has a `*` in it is as long as the folder before it exists. */
function pathsIn(code: string): string[] {
  const [word = ''] = code.split(' ');
  if (ALONE.test(word)) return [word];
  if (!IN_FOLDER.test(word)) return [];
  const [plain = ''] = word.split('*');
  const braces = /^(.*)\{([^}]*)\}(.*)$/.exec(plain);
  if (braces === null) return [plain];
  const [, before = '', middle = '', after = ''] = braces;
  return middle.split(',').map((each) => before + each + after);
}

/** Targets of links that lead to this repository, from its root. */
function* linksIn(page: string, text: string): Generator<string> {
  for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
    if (!/^[a-z]+:/.test(target)) yield path.posix.join(path.posix.dirname(page), target);
}

/** Paths in backticks, links, and the rooms of ARCHITECTURE.md, with the line that they are on. */
function* namedPaths(page: string): Generator<{ line: number; name: string }> {
  for (const [at, text] of readFileSync(page, 'utf8').split('\n').entries()) {
    const line = at + 1;
    for (const [, code = ''] of text.matchAll(/`([^`]+)`/g))
      for (const name of pathsIn(code)) yield { line, name };
    for (const name of linksIn(page, text)) yield { line, name };
    // In a block of code a line begins with what it is about.
    for (const name of pathsIn(text)) yield { line, name };
  }
}

/** Cells of the table that begins with this heading, row by row. */
function tableIn(page: string, heading: string): string[][] {
  const lines = readFileSync(page, 'utf8').split('\n');
  const begin = lines.findIndex((line) => new RegExp(`^\\| ${heading} +\\|`).test(line));
  const rows = lines.slice(begin + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end < 0 ? rows.length : end).map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\', '')),
  );
}

describe('the tables of the pages', () => {
  it('docs/configuration.md has every key, where it may stand, and what help says of it', () => {
    const places = { general: 'all', any: 'all, host', host: 'host' } as const;
    const isVariable = (key: string): key is keyof typeof VARIABLE_KEYS =>
      Object.hasOwn(VARIABLE_KEYS, key);
    const rows = KEY_NAMES.map((key) => [
      `\`${key}\``,
      places[scopeOf(key) ?? 'any'],
      isVariable(key) ? VARIABLE_KEYS[key] : shapeOf(key).description,
    ]);
    expect(tableIn('docs/configuration.md', 'key')).deep.equal(rows);
  });

  it('src/version.ts has the version of package.json', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(VERSION).equal(version);
  });

  it('docs/environment.md has the variables and files of help', () => {
    const code = ([name, what]: readonly [string, string]): string[] => [`\`${name}\``, what];
    expect(tableIn('docs/environment.md', 'variable')).deep.equal(variables(COMMANDS).map(code));
    expect(tableIn('docs/environment.md', 'file')).deep.equal(FILES.map(code));
  });

  it('docs/troubleshooting.md and docs/exit-statuses.md have every error code, and no other', () => {
    for (const name of ['troubleshooting', 'exit-statuses']) {
      const rows = readFileSync(`docs/${name}.md`, 'utf8').match(/^\|.*\|$/gm) ?? [];
      const codes = rows.join('\n').match(/`[A-Z][A-Z_]+`/g) ?? [];
      expect(codes, name).to.have.members(Object.keys(ERROR_CODES).map((code) => `\`${code}\``));
    }
  });

  it('docs/flags.md names every flag of get and resume', () => {
    const page = readFileSync('docs/flags.md', 'utf8');
    const missing = [COMMANDS.get, COMMANDS.resume].flatMap(({ flags }) =>
      Object.entries(flags)
        .filter(([, { hidden }]) => hidden !== true)
        .filter(([name, { char }]) => {
          const names = char === undefined ? `--${name}` : `(?:--${name}|-${char})`;
          return !new RegExp(`(?<![\\w-])${names}(?![\\w-])`).test(page);
        })
        .map(([name]) => name),
    );
    expect(missing).deep.equal([]);
  });

  it('docs/coming-from.md and docs/exit-statuses.md have the statuses of help', () => {
    expect(tableIn('docs/coming-from.md', 'sluice')).deep.equal(statuses());
    const rows = tableIn('docs/exit-statuses.md', 'status').map(([status, what]) => [status, what]);
    expect(rows).deep.equal(statuses().map(([status, what]) => [status, what]));
  });
});

describe('the pages', () => {
  const names = new Set(
    FOLDERS.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      .concat(readdirSync('.'))
      .map((name) => path.basename(name)),
  );
  const isThere = (name: string): boolean =>
    ALONE.test(name) ? names.has(name) : existsSync(name);

  for (const page of PAGES)
    it(`${page} names only files that exist`, () => {
      const missing = [...namedPaths(page)]
        .filter(({ name }) => !isThere(name))
        .map(({ line, name }) => `${page}:${line} ${name}`);
      expect(missing).deep.equal([]);
    });

  it('are seen to name files at all', () => {
    const named = (page: string): string[] => [...namedPaths(page)].map(({ name }) => name);
    expect(named('ARCHITECTURE.md')).include.members([
      'src/schedule/scheduler.ts',
      'workers/',
      'src/lease/task.ts',
      'src/schedule/',
      'docs/journal.md',
    ]);
    expect(named('docs/promises.md')).include.members(['src/schedule/ledger.ts', 'redirect.ts']);
    expect(named('docs/exit-statuses.md')).not.deep.equal([]);
    expect(pathsIn('src/{http,net}/url.ts')).deep.equal(['src/http/url.ts', 'src/net/url.ts']);
    expect(pathsIn('bench/results/*.json')).deep.equal(['bench/results/']);
    expect(pathsIn('npm run bench')).deep.equal([]);
    expect(isThere('ramp.ts') || isThere('src/plan/ledger.ts')).equal(false);
  });
});

describe('the library reference', () => {
  // Whether its texts are those of the docstrings, `npm run release:check` looks.
  it('has every name that the library exports', () => {
    const index = readFileSync('src/index.ts', 'utf8');
    const names = [...index.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(
      ([, list = '']) => list.match(/\w+/g) ?? [],
    );
    const page = readFileSync('docs/library-reference.md', 'utf8');
    const told = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    expect(names).to.include.members(['download', 'LibraryOptions']);
    expect(told).to.include.members(names);
  });
});

describe('the charts', () => {
  it('are those of the results that they name', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/charts.js', '--check']);
    expect(status, String(stderr)).equal(0);
    const figures = /<rect[^>]* width="[\d.]+"/g;
    for (const name of ['speed', 'cost'])
      expect(readFileSync(`docs/charts/${name}.svg`, 'utf8').match(figures)).length.above(10);
  });
});

describe('the promises', () => {
  /** The numbers that stand before the colon of a test's title: `P2, P9: ...`. */
  const TITLES = /\b(?:it|describe)\(\s*['"`]((?:P\d+(?:, | and )?)+): /g;

  it('each has a test that names it, and no test names another', () => {
    const page = readFileSync('docs/promises.md', 'utf8');
    const promised = [...page.matchAll(/^## (P\d+)$/gm)].map(([, number]) => number);
    const shown = readdirSync('test', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .flatMap((name) => [...readFileSync(path.join('test', name), 'utf8').matchAll(TITLES)])
      .flatMap(([, numbers = '']) => numbers.match(/P\d+/g) ?? []);
    expect(promised).length.above(20);
    expect(new Set(shown)).deep.equal(new Set(promised));
  });
});
