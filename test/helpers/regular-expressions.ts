/** Every regular expression of the source, and attacks on the time that one takes. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import ts from 'typescript';
import { Dice } from './dice.js';

/** A regular expression as it stands in the source. */
export interface Literal {
  /** `src/http/head.ts:12`. */
  where: string;
  expression: RegExp;
}

/** What an expression took longest for. */
export interface Attack {
  /** What is repeated, and what stands around it. */
  text: string;
  /** Milliseconds. */
  ms: number;
  /** How much longer that took than a text a quarter as long: 4 is linear, 16 is quadratic. */
  growth: number;
}

/** The literals of all TypeScript and JavaScript files below some directories of the checkout. */
export function literalsOf(checkout: string, directories: readonly string[]): Literal[] {
  return directories.flatMap((directory) =>
    readdirSync(path.join(checkout, directory), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[cm]?[jt]s$/.test(name))
      .flatMap((name) => literalsOfFile(checkout, path.posix.join(directory, name))),
  );
}

function literalsOfFile(checkout: string, name: string): Literal[] {
  const text = readFileSync(path.join(checkout, name), 'utf8');
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const found: Literal[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      const end = node.text.lastIndexOf('/');
      const expression = new RegExp(node.text.slice(1, end), node.text.slice(end + 1));
      found.push({ where: `${name}:${line + 1}`, expression });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Characters of the texts that are tried: a few for what is exponential, many for what is quadratic. */
const LENGTHS = [26, 400, 16_000] as const;

/** A linear expression needs less for the longest by two orders of magnitude. */
const SUSPICIOUS_MS = 20;

/** Texts that an expression may choke on: one of its own matches with a piece repeated, and an end that spoils it. */
interface Shape {
  before: string;
  pump: string;
  after: string;
}

const ENDS = ['', '\0', '\r\0', '\n/'];
const PUMPS = [...' \t0aA:/.-=,%\n\r"\\', 'a '];

/**
 * The longest that an expression takes for the texts that are tried: a quadratic one takes some 100 ms, and
 * a linear one well below 1 ms. The growth is of the slowest text alone.
 */
export function attack(expression: RegExp, seed = 1): Attack {
  let worst: Attack = { text: 'none', ms: 0, growth: 1 };
  for (const shape of shapes(expression, new Dice(seed))) {
    for (const length of LENGTHS) {
      const ms = time(expression, textOf(shape, length));
      if (ms <= worst.ms) continue;
      worst = { text: JSON.stringify(shape), ms, growth: 1 };
      if (ms < SUSPICIOUS_MS) continue;
      // On a busy machine anything may take that long once: the quickest of some tries counts.
      worst.ms = quickest(expression, textOf(shape, length));
      worst.growth = worst.ms / quickest(expression, textOf(shape, length / 4));
      if (isSuperLinear(worst)) return worst;
    }
  }
  return worst;
}

/** Halfway between linear (4) and quadratic (16), of a time that no linear expression needs. */
export const isSuperLinear = ({ ms, growth }: Attack): boolean => ms > SUSPICIOUS_MS && growth > 8;

function* shapes(expression: RegExp, dice: Dice): Generator<Shape> {
  for (const pump of PUMPS) for (const after of ENDS) yield { before: '', pump, after };
  for (const match of matches(expression)) {
    for (let tries = 0; tries < 8; tries++) {
      const at = dice.int(0, match.length);
      const own = match.slice(at, at + dice.int(1, 3));
      const pump = own === '' || dice.chance(0.3) ? dice.pick(PUMPS) : own;
      const after = dice.chance(0.5) ? dice.pick(ENDS) : match.slice(at) + dice.pick(ENDS);
      yield { before: match.slice(0, at), pump, after };
    }
  }
}

/** What fast-check takes the characters of a negated class from. */
const PRINTABLE = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('');

/**
 * The source with a character for each class that leaves out all of {@link PRINTABLE}: fast-check would look for
 * one there without an end.
 */
const makeable = (source: string, flags: string): string =>
  source.replace(/\[\^(?:[^\\\]]|\\.)*\]/g, (negated) =>
    new RegExp(negated, flags).test(PRINTABLE) ? negated : '\u00e9',
  );

/** Some texts that match; none where they cannot be made (look-behind, properties of Unicode). */
function matches({ source, flags }: RegExp): string[] {
  try {
    const other = flags.replace(/[giy]/g, '');
    const plain = new RegExp(makeable(source, other), other);
    return fc.sample(fc.stringMatching(plain, { maxLength: 120 }), { numRuns: 12, seed: 7 });
  } catch {
    return [];
  }
}

const textOf = ({ before, pump, after }: Shape, length: number): string =>
  before.slice(0, 200) + pump.repeat(Math.ceil(length / pump.length)) + after;

function quickest(expression: RegExp, text: string): number {
  return Math.min(time(expression, text), time(expression, text), time(expression, text));
}

/** As the source uses them: all matches of a global one, else the first. */
function time(expression: RegExp, text: string): number {
  const started = performance.now();
  if (expression.global) text.replace(expression, '');
  else expression.exec(text);
  return performance.now() - started;
}
