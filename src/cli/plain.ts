/**
 * Reads the command lines that need no explanation. What it understands it understands as oclif's
 * parser does (a test compares the two); whatever is unusual or wrong it leaves to oclif, which
 * takes a tenth of a second to load and then says it better.
 */
import type { ArgSpec, FlagSpec, FlagTable } from './flag-table.js';

/** A command line that was understood. */
export interface PlainParse {
  flags: Record<string, unknown>;
  argv: string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Thrown inside this file only: this command line is oclif's. */
const NOT_PLAIN = new Error('not plain');

/**
 * Parses the words after the command's name; null when oclif should look at them.
 * @param env variables that stand in for flags that are not given
 */
export function parsePlain(
  words: readonly string[],
  command: { flags: FlagTable; args: ArgSpec },
  env: Environment,
): PlainParse | null {
  try {
    return new PlainParser(command.flags, env).parse(words, command.args);
  } catch (thrown) {
    if (thrown === NOT_PLAIN) return null;
    throw thrown;
  }
}

class PlainParser {
  private readonly values = new Map<string, unknown>();
  private readonly names = new Map<string, string>();

  constructor(
    private readonly table: FlagTable,
    private readonly env: Environment,
  ) {
    for (const [name, { char, aliases }] of Object.entries(table)) {
      this.names.set(`--${name}`, name);
      if (char !== undefined) this.names.set(`-${char}`, name);
      for (const alias of aliases ?? []) this.names.set(`--${alias}`, name);
    }
  }

  parse(words: readonly string[], args: ArgSpec): PlainParse {
    const argv: string[] = [];
    const left = [...words];
    for (let word = left.shift(); word !== undefined; word = left.shift()) {
      if (word === '' || word === '-') throw NOT_PLAIN;
      if (word === '--') argv.push(...left.splice(0));
      else if (word.startsWith('--')) this.long(word, left);
      else if (word.startsWith('-')) this.short(word, left);
      else argv.push(word);
    }
    if (argv.includes('') || (args.required && argv.length === 0)) throw NOT_PLAIN;
    if (!args.many && argv.length > 1) throw NOT_PLAIN;
    for (const [name, spec] of Object.entries(this.table)) {
      if (!this.values.has(name)) this.fallBack(name, spec);
    }
    return { flags: Object.fromEntries(this.values), argv };
  }

  /** `--name`, `--name value` or `--name=value`. */
  private long(word: string, left: string[]): void {
    const equals = word.indexOf('=');
    const name = this.nameOf(equals < 0 ? word : word.slice(0, equals));
    if (this.specOf(name).type === 'boolean') {
      if (equals >= 0) throw NOT_PLAIN;
      this.values.set(name, true);
    } else {
      this.take(name, equals < 0 ? left.shift() : word.slice(equals + 1));
    }
  }

  /** `-n value`, `-nvalue`, `-n=value`, and letters of booleans run together. */
  private short(word: string, left: string[]): void {
    for (let at = 1; at < word.length; at++) {
      const name = this.nameOf(`-${word[at] ?? ''}`);
      if (this.specOf(name).type !== 'boolean') {
        const rest = word.slice(at + 1);
        this.take(name, rest === '' ? left.shift() : rest.replace(/^=/, ''));
        return;
      }
      this.values.set(name, true);
    }
  }

  private nameOf(flag: string): string {
    const name = this.names.get(flag);
    if (name === undefined) throw NOT_PLAIN;
    return name;
  }

  private specOf(name: string): FlagSpec {
    return this.table[name] as FlagSpec;
  }

  private take(name: string, text: string | undefined): void {
    // A value that looks like a flag is most likely a forgotten value.
    if (text === undefined || text === '' || text.startsWith('-')) throw NOT_PLAIN;
    const spec = this.specOf(name);
    const value = valueOf(spec, text);
    if (spec.type === 'string' && spec.multiple === true) {
      this.values.set(name, [...((this.values.get(name) as unknown[] | undefined) ?? []), value]);
      return;
    }
    if (this.values.has(name)) throw NOT_PLAIN;
    this.values.set(name, value);
  }

  private fallBack(name: string, spec: FlagSpec): void {
    if (spec.type === 'boolean') {
      this.values.set(name, false);
      return;
    }
    const text = spec.env === undefined ? undefined : this.env[spec.env];
    const value = text ? valueOf(spec, text) : spec.default;
    if (value !== undefined) this.values.set(name, value);
  }
}

function valueOf(spec: FlagSpec, text: string): string | number {
  if (spec.type === 'integer') {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= (spec.min ?? 0) && value <= (spec.max ?? value)) return value;
    throw NOT_PLAIN;
  }
  if (spec.type === 'string' && spec.options !== undefined && !spec.options.includes(text)) {
    throw NOT_PLAIN;
  }
  return text;
}
