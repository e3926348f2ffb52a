/** Reads a configuration: what is set, each with its line. Everything is checked here, whether it is used or not. */
import { homedir } from 'node:os';
import path from 'node:path';
import { exposedError, parseJson } from '../../app/config-file.js';
import type { ConfigFile, JsonMember, JsonNode } from '../../app/config-file.js';
import { SluiceError } from '../../errors.js';
import { excerpt } from '../../http/syntax.js';
import { nearest } from '../words.js';
import {
  FLAG_KEY_NAMES,
  KEY_NAMES,
  PATH_KEYS,
  isSecret,
  mayStand,
  scopeOf,
  shapeOf,
} from './keys.js';
import type { FlagKey, Key } from './keys.js';
import { checkText } from './values.js';

/** As oclif gives the value of a flag. */
export type FlagValue = string | number | boolean | string[];

export interface Entry {
  value: FlagValue;
  /** From 1. */
  line: number;
}

export type Entries = ReadonlyMap<Key, Entry>;

/** What is set for one host. */
export interface ConfigSection {
  pattern: string;
  line: number;
  entries: Entries;
}

export interface Configuration {
  path: string;
  general: Entries;
  sections: ConfigSection[];
}

/** A document that an editor uses to complete and check. */
const IGNORED = '$schema';

/** @throws SluiceError CONFIG_INVALID */
export function loadConfig({ path: where, text, isReadable }: ConfigFile): Configuration {
  const reader = new ConfigReader(where);
  const configuration = reader.read(parseJson(text, (line, what) => reader.wrong(line, what)));
  const secret = isReadable ? firstSecret(configuration) : null;
  if (secret !== null) throw exposedError(where, secret);
  return configuration;
}

function firstSecret({ general, sections }: Configuration): string | null {
  for (const entries of [general, ...sections.map((section) => section.entries)])
    for (const [key, { value }] of entries) if (isSecret(key, value)) return `"${key}"`;
  return null;
}

class ConfigReader {
  constructor(private readonly where: string) {}

  wrong(line: number, what: string, next = SEE): SluiceError {
    return new SluiceError('CONFIG_INVALID', `the configuration is wrong: line ${line}: ${what}`, {
      path: this.where,
      next,
    });
  }

  read(document: JsonNode): Configuration {
    const members = this.membersOf(document, 'the document');
    const hosts = members.find(({ key }) => key === 'hosts');
    const others = members.filter(({ key }) => key !== 'hosts' && key !== IGNORED);
    return {
      path: this.where,
      general: this.entries(others, null),
      sections: hosts === undefined ? [] : this.sections(hosts),
    };
  }

  private sections({ node }: JsonMember): ConfigSection[] {
    const seen = new Set<string>();
    return this.membersOf(node, '"hosts"').map(({ key, line, node: section }) => {
      const pattern = this.pattern(key, line);
      if (seen.has(pattern)) throw this.wrong(line, `the host ${excerpt(key)} is there twice`);
      seen.add(pattern);
      const members = this.membersOf(section, `the section of ${excerpt(key)}`);
      return { pattern, line, entries: this.entries(members, key) };
    });
  }

  private pattern(key: string, line: number): string {
    if (PATTERN.test(key)) return key.toLowerCase();
    const isUrl = key.includes('://') || key.includes('/');
    throw this.wrong(
      line,
      `${isUrl ? 'a URL' : excerpt(key)} is no host`,
      'Write "example.org", "example.org:8443" or "*.example.org".',
    );
  }

  private entries(members: readonly JsonMember[], host: string | null): Map<Key, Entry> {
    return new Map(members.map((member) => this.entry(member, host)));
  }

  private entry({ key, line, node }: JsonMember, host: string | null): [Key, Entry] {
    if (scopeOf(key) === undefined) throw this.unknown(key, line, host);
    const known = key as Key;
    if (!mayStand(known, host !== null)) throw this.misplaced(known, line);
    const value = isFlag(known) ? this.flagValue(known, node) : this.variable(known, node);
    return [known, { value, line }];
  }

  private unknown(key: string, line: number, host: string | null): SluiceError {
    const names = KEY_NAMES.filter((name) => mayStand(name, host !== null));
    const near = nearest(key, host === null ? [...names, 'hosts'] : names);
    const next = near === null ? SEE : `Did you mean "${near}"?`;
    return this.wrong(line, `there is no key "${excerpt(key)}"`, next);
  }

  private misplaced(key: Key, line: number): SluiceError {
    return scopeOf(key) === 'host'
      ? this.wrong(
          line,
          `"${key}" is for one host only`,
          `Write it in the section of that host: {"hosts": {"example.org": {"${key}": ...}}}.`,
        )
      : this.wrong(line, `"${key}" is for all hosts`, 'Write it outside of "hosts".');
  }

  private flagValue(key: FlagKey, node: JsonNode): FlagValue {
    const shape = shapeOf(key);
    const { line } = node;
    if (shape.type === 'boolean') {
      if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
      throw this.wrong(line, `"${key}" takes true or false`);
    }
    if (key === 'header' && node.kind === 'object')
      return node.members.map(({ key: name, node: value }) =>
        this.checked(key, `${name}: ${this.text(value, key)}`, value.line),
      );
    if (shape.multiple) {
      const nodes = node.kind === 'array' ? node.items : [node];
      return nodes.map((each) => this.checked(key, this.text(each, key), each.line));
    }
    const text = this.text(node, key);
    if (shape.options !== undefined && !shape.options.includes(text))
      throw this.wrong(line, `"${key}" takes ${shape.options.join(', ')}, not ${excerpt(text)}`);
    if (shape.min !== undefined) return this.number(key, text, line, shape.min, shape.max);
    return this.checked(key, PATH_KEYS.has(key) ? this.path(text) : text, line);
  }

  private number(key: string, text: string, line: number, min: number, most?: number): number {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (number >= min && number <= (most ?? Infinity)) return number;
    throw this.wrong(line, `"${key}" takes ${min} to ${most ?? 'any number'}`);
  }

  private variable(key: Key, node: JsonNode): string {
    const name = this.text(node, key);
    if (/^[A-Za-z_]\w*$/.test(name)) return name;
    throw this.wrong(node.line, `"${key}" takes the name of a variable of the environment`);
  }

  /** A number says what its digits say. */
  private text(node: JsonNode, key: string): string {
    if (node.kind === 'scalar' && ['string', 'number'].includes(typeof node.value))
      return String(node.value);
    throw this.wrong(node.line, `"${key}" takes a text`);
  }

  private checked(key: FlagKey, text: string, line: number): string {
    try {
      checkText(key, text);
      return text;
    } catch (thrown) {
      const { message, details } = SluiceError.from(thrown);
      throw this.wrong(line, message.replace(`--${key}`, `"${key}"`), details.next);
    }
  }

  private path(text: string): string {
    const whole = text.startsWith('~/') ? path.join(homedir(), text.slice(2)) : text;
    return path.resolve(path.dirname(path.resolve(this.where)), whole);
  }

  private membersOf(node: JsonNode, what: string): JsonMember[] {
    if (node.kind === 'object') return node.members;
    throw this.wrong(node.line, `${what} has to be an object: {...}`);
  }
}

const SEE = 'See `sluice help configuration`.';

/** A name or an address with or without a port, or what begins with `*.`. */
const PATTERN = /^(?:\*\.)?[\w-]+(?:\.[\w-]+)*(?::\d{1,5})?$|^\[[\da-fA-F:.]+\](?::\d{1,5})?$/;

const isFlag = (key: Key): key is FlagKey => (FLAG_KEY_NAMES as readonly string[]).includes(key);
