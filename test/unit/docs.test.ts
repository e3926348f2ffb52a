/** The pages name files of this repository; each of them exists. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

/** Its lists are written by `npm run promises`, from the names of the tests. */
const GENERATED = 'docs/promises.md';

const PAGES = [
  ...['ARCHITECTURE.md', 'README.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join('docs', name)),
].filter((page) => page !== GENERATED);

const ROOMS = /^(?:src|test|workers|bench|scripts|bin|docs|\.ci)\/\S*$/;

/** `src/{http,net}/` is two paths; what has a `*` in it is as long as the folder before it exists. */
function pathsIn(code: string): string[] {
  const [word = ''] = code.split(' ');
  if (!ROOMS.test(word)) return [];
  const [plain = ''] = word.split('*');
  const braces = /^(.*)\{([^}]*)\}(.*)$/.exec(plain);
  if (braces === null) return [plain];
  const [, before = '', middle = '', after = ''] = braces;
  return middle.split(',').map((each) => before + each + after);
}

/** Paths in backticks, with the line that they are on. */
function* namedPaths(page: string): Generator<{ line: number; name: string }> {
  const lines = readFileSync(page, 'utf8').split('\n');
  for (const [at, text] of lines.entries())
    for (const [, code = ''] of text.matchAll(/`([^`]+)`/g))
      for (const name of pathsIn(code)) yield { line: at + 1, name };
}

describe('the pages', () => {
  for (const page of PAGES)
    it(`${page} names only files that exist`, () => {
      const missing = [...namedPaths(page)]
        .filter(({ name }) => !existsSync(name))
        .map(({ line, name }) => `${page}:${line} ${name}`);
      expect(missing).deep.equal([]);
    });

  it('are seen to name files at all', () => {
    const names = [...namedPaths('ARCHITECTURE.md')].map(({ name }) => name);
    expect(names).include('src/schedule/scheduler.ts');
    expect(names).include('workers/protocol.ts');
    expect(pathsIn('src/{http,net}/url.ts')).deep.equal(['src/http/url.ts', 'src/net/url.ts']);
    expect(pathsIn('bench/results/*.json')).deep.equal(['bench/results/']);
    expect(pathsIn('npm run bench')).deep.equal([]);
  });
});
