/** What the words of a command line ask for, before a command's own flags are looked at. Pure. */
import { SluiceError } from '../errors.js';

/** What is to be done. */
export type Order =
  | { kind: 'run'; command: string; words: string[] }
  /** `command` is null for the help of the whole. */
  | { kind: 'help'; command: string | null }
  /** Of what belongs to no command. */
  | { kind: 'topic'; topic: string }
  /** There is no such command. */
  | { kind: 'unknown'; word: string };

const HELP = ['--help', '-h'];

/**
 * Reads the words after the program's name. A URL, whole or not, or a flag in the place of the command is `get`'s.
 * @param commands the names of all commands
 * @param topics what help has beside them
 */
export function readOrder(
  words: readonly string[],
  commands: readonly string[],
  topics: readonly string[] = [],
): Order {
  const [first, ...rest] = words;
  if (first === undefined) return { kind: 'help', command: null };
  if (first === 'help' || HELP.includes(first)) {
    const [subject] = rest.filter((word) => !HELP.includes(word));
    // What stands behind a flag may be its value, and a secret (P12).
    if (subject === undefined || subject.startsWith('-')) return { kind: 'help', command: null };
    if (commands.includes(subject)) return { kind: 'help', command: subject };
    return topics.includes(subject)
      ? { kind: 'topic', topic: subject }
      : { kind: 'unknown', word: subject };
  }
  const named = commands.includes(first);
  // A name has neither dot nor colon nor slash: what has is a URL, though perhaps without its scheme.
  if (!named && !first.startsWith('-') && !/[.:/]/.test(first))
    return { kind: 'unknown', word: first };
  const command = named ? first : 'get';
  const own = named ? rest : [...words];
  const asksHelp = beforeDashes(own).some((word) => HELP.includes(word));
  return asksHelp ? { kind: 'help', command } : { kind: 'run', command, words: own };
}

/** What stands behind `--` are arguments, whatever they look like. */
function beforeDashes(words: readonly string[]): readonly string[] {
  const dashes = words.indexOf('--');
  return dashes < 0 ? words : words.slice(0, dashes);
}

/** The error of a word that is no command. It is repeated only when it looks like a name (P12). */
export function noSuchCommand(
  word: string,
  commands: readonly string[],
  topics: readonly string[] = [],
): SluiceError {
  const isName = /^[\w-]{1,30}$/.test(word);
  const message = isName ? `there is no command ${word}` : 'no command is given';
  const near = isName ? nearest(word, [...commands, ...topics, 'help', 'version']) : null;
  const meant = near !== null && topics.includes(near) ? `help ${near}` : near;
  const next =
    near === null
      ? `Write \`sluice URL\`, or begin with ${commands.join(', ')} or help; see \`sluice help\`.`
      : `Did you mean \`sluice ${meant}\`? All commands: \`sluice help\`.`;
  return new SluiceError('USAGE', message, { next });
}

/** The name that is least keys away; null when all are more than half of a name away. */
export function nearest(word: string, names: readonly string[]): string | null {
  const ranked = names
    .map((name) => ({ name, keys: distance(word.toLowerCase(), name) }))
    .filter(({ name, keys }) => keys <= Math.ceil(name.length / 2))
    .sort((a, b) => a.keys - b.keys);
  return ranked[0]?.name ?? null;
}

/** Keys between two words: one put in, left out or wrong, or two in the wrong order, is one. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      (rows[i] as number[])[j] = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + same,
        swapped ? at(i - 2, j - 2) + 1 : Infinity,
      );
    }
  }
  return at(a.length, b.length);
}
