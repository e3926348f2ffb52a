/** No regular expression takes more than a time that is linear in its text. */
import path from 'node:path';
import { expect } from 'chai';
import { ESLint } from 'eslint';
import { attack, isSuperLinear, literalsOf } from '../helpers/regular-expressions.js';
import { CHECKOUT } from '../helpers/run-sluice.js';

/** What the source had, and how each was found: by an attack, or by the lint rules alone. */
const BAD = [
  /^(\\?)([0-9A-Fa-f]{32,128})(?:[ \t]+\*?(.*))?$/,
  /\S*(?::\/\/|@)\S*/g,
  /[ \t]*,[ \t]*/,
  /^[a-z][a-z0-9+.-]*:\/\/|^[^/]*:[^/]*@/i,
  /^https?:\/\/|^[^/]*:[^/]*@/i,
  /\s+$/,
  /(a+)+b/,
];

const RULES = [
  'regexp/no-super-linear-backtracking',
  'regexp/no-super-linear-move',
  'no-restricted-syntax',
];

describe('security/regular-expressions', () => {
  const literals = literalsOf(CHECKOUT, ['src', 'workers', 'bin']);

  it('P26: the attack finds those that the source once had', () => {
    for (const expression of BAD) {
      const found = attack(expression);
      expect(isSuperLinear(found), `${String(expression)} ${JSON.stringify(found)}`).equal(true);
    }
  });

  it('an attack ends where no printable character of ASCII matches', () => {
    for (const expression of [/[^\x00-\x7f]/, /[^ -~]+$/, /[^\p{ASCII}]/u])
      expect(isSuperLinear(attack(expression))).equal(expression.source.endsWith('+$'));
  });

  it('P26: every one of the source is linear in what it is given', () => {
    expect(literals.length).above(80);
    const bad = literals
      .map(({ where, expression }) => ({ where, expression, ...attack(expression) }))
      .filter(isSuperLinear);
    expect(bad.map((each) => ({ ...each, expression: String(each.expression) }))).deep.equal([]);
  });

  it('P26: the lint rules that refuse another one hold for every file of the source', async () => {
    const eslint = new ESLint({ cwd: CHECKOUT });
    const files = ['src/formats/xml.ts', 'workers/lease.ts', 'bin/run.js', 'src/index.ts'];
    for (const file of files) {
      const config = (await eslint.calculateConfigForFile(path.join(CHECKOUT, file))) as {
        rules: Record<string, [severity: number, ...options: unknown[]]>;
      };
      for (const rule of RULES) expect(config.rules[rule]?.[0], `${rule} of ${file}`).equal(2);
    }
  });
});
