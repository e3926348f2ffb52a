/** The table of SECURITY.md: what comes in, what bounds it, and a test that is there for each. And who runs them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { CHECKOUT } from '../helpers/run-sluice.js';

const HEADING = '## What comes in, and what bounds it';

describe('security/audit', () => {
  const [, section = ''] = readFileSync(path.join(CHECKOUT, 'SECURITY.md'), 'utf8').split(HEADING);
  const rows = section
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, what = '', bound = '', tests = '']) => ({ what, bound, tests }))
    .filter(({ what }) => !what.startsWith('**'));
  const named = rows.map(({ what, tests }) => ({
    what,
    tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  }));

  it('P15, P26: each way in has a bound and a test, and the test is there', () => {
    expect(rows.length).above(25);
    for (const { what, bound } of rows) expect(bound, what).not.equal('');
    for (const { what, tests } of named) {
      expect(tests, what).not.deep.equal([]);
      for (const test of tests) {
        expect(test, what).match(/^test\/.*\.test\.ts$/);
        expect(existsSync(path.join(CHECKOUT, test)), `${what}: ${test}`).equal(true);
      }
    }
  });

  it('P25: each test that a normal user runs as well is there', () => {
    const text = readFileSync(path.join(CHECKOUT, '.mocharc.user.json'), 'utf8');
    const { spec } = JSON.parse(text) as { spec: string[] };
    expect(spec).not.deep.equal([]);
    const sources = spec.map((file) => file.replace(/^dist\//, '').replace(/js$/, 'ts'));
    for (const file of sources) expect(existsSync(path.join(CHECKOUT, file)), file).equal(true);
  });

  it('P15, P26: each test of this directory has its place in the table', () => {
    const all = new Set(named.flatMap(({ tests }) => tests));
    const here = readdirSync(path.join(CHECKOUT, 'test/security'))
      .filter((name) => name.endsWith('.test.ts') && name !== 'audit.test.ts')
      .map((name) => `test/security/${name}`);
    expect(here.filter((name) => !all.has(name))).deep.equal([]);
  });
});
