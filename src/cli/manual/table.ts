/** The commands as man pages and completions need them, made from the classes that oclif parses by. */
import type { FlagInput } from '@oclif/core/interfaces';
import { TOPICS } from '../topics.js';

/** What is told of a command; the classes of `src/commands` have it. */
export interface CommandShape {
  summary?: string | undefined;
  description?: string | undefined;
  usage?: string | string[] | undefined;
  examples?: ReadonlyArray<string | { description: string; command: string }>;
  args: object;
  flags: FlagInput;
}

export type CommandShapes = Readonly<Record<string, CommandShape>>;

/** What the words of a value are. */
export type ValueKind = 'none' | 'choice' | 'file' | 'directory' | 'text';

export interface FlagRow {
  name: string;
  char: string | null;
  aliases: string[];
  /** The other way to say it: `no-netrc`. */
  negated: string | null;
  description: string;
  kind: ValueKind;
  /** What help calls the value; null where there is none. */
  value: string | null;
  choices: readonly string[];
  multiple: boolean;
  env: string | null;
  default: string | null;
  group: string;
}

export interface CommandRow {
  name: string;
  summary: string;
  /** What stands behind the command: files, the name of a command or of a shell, or a text. */
  operands: 'file' | 'topic' | 'shell' | 'text';
  flags: FlagRow[];
}

/** Of the flags of oclif. */
interface Shape {
  type: 'boolean' | 'option';
  char?: string;
  aliases?: string[];
  allowNo?: boolean;
  description?: string;
  options?: readonly string[];
  helpValue?: string;
  multiple?: boolean;
  env?: string;
  default?: unknown;
  helpGroup?: string;
  hidden?: boolean;
}

/** The rows of the flags, as help has them. */
export function flagRows(flags: FlagInput): FlagRow[] {
  return Object.entries(flags).flatMap(([name, flag]) => {
    const shape = flag as unknown as Shape;
    return shape.hidden === true ? [] : [rowOf(name, shape)];
  });
}

function rowOf(name: string, shape: Shape): FlagRow {
  const { type, options = [], helpValue, default: value } = shape;
  const isSaid = typeof value === 'string' || typeof value === 'number';
  return {
    name,
    char: shape.char ?? null,
    aliases: shape.aliases ?? [],
    negated: shape.allowNo === true ? `no-${name}` : null,
    description: shape.description ?? '',
    kind: kindOf(shape),
    value: type === 'boolean' ? null : (helpValue ?? (options.join('|') || 'VALUE')),
    choices: options,
    multiple: shape.multiple ?? false,
    env: shape.env ?? null,
    default: isSaid ? String(value) : null,
    group: shape.helpGroup ?? '',
  };
}

function kindOf({ type, options = [], helpValue = '' }: Shape): ValueKind {
  if (type === 'boolean') return 'none';
  if (options.length > 0) return 'choice';
  if (helpValue === 'DIR') return 'directory';
  return /FILE|PATH$|OUT/.test(helpValue) ? 'file' : 'text';
}

const OPERANDS: Readonly<Record<string, CommandRow['operands']>> = {
  resume: 'file',
  info: 'file',
  completion: 'shell',
};

/** All commands, help among them. */
export function commandRows(commands: CommandShapes): CommandRow[] {
  const own = Object.entries(commands).map(([name, { summary = '', flags }]): CommandRow => ({
    name,
    summary,
    operands: OPERANDS[name] ?? 'text',
    flags: flagRows(flags),
  }));
  return [
    ...own,
    { name: 'help', summary: 'Tell what there is, in more words.', operands: 'topic', flags: [] },
  ];
}

/** What `sluice help` takes. */
export const helpSubjects = (commands: CommandShapes): string[] => [
  ...Object.keys(commands),
  ...Object.keys(TOPICS),
];

/** How a flag may be written, the short way first. */
export const spellings = ({ name, char, aliases, negated }: FlagRow): string[] => [
  ...(char === null ? [] : [`-${char}`]),
  ...[name, ...aliases, ...(negated === null ? [] : [negated])].map((each) => `--${each}`),
];
