/** Man pages, in the macros of man(7): sluice(1), and one for each command. */
import { FILES, TOPICS, statuses, topicLines, variables } from '../topics.js';
import { flagRows } from './table.js';
import type { CommandShape, CommandShapes, FlagRow } from './table.js';

/** A page by its file name, `sluice-get.1`. */
export type Pages = Record<string, string>;

/** When the form of the pages was last changed; a build has no date of its own, so that it can be repeated. */
const DATE = '2026-11-30';

/** @param version of the program, for the pages' feet */
export function manPages(commands: CommandShapes, about: string, version: string): Pages {
  const pages: Pages = { 'sluice.1': mainPage(commands, about, version) };
  for (const [name, command] of Object.entries(commands))
    pages[`sluice-${name}.1`] = commandPage(name, command, version, commands);
  return pages;
}

/** Text of a line: nothing in it is a request, an escape, or a dash that is not what it looks like. */
function plain(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('`', '');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

const heading = (title: string): string => `.SH "${title}"`;

/** The page: a paragraph begins by itself behind a heading. */
const page = (lines: readonly string[]): string =>
  lines
    .filter((line, at) => line !== '.PP' || !/^\.S[HS]/.test(lines[at - 1] ?? ''))
    .map((line) => `${line}\n`)
    .join('');

function begin(name: string, version: string, summary: string): string[] {
  const first = summary.charAt(0).toLowerCase() + summary.slice(1).replace(/\.$/, '');
  return [
    `.TH "${name.toUpperCase()}" "1" "${DATE}" "sluice ${version}" "User Commands"`,
    heading('NAME'),
    `${plain(name)} \\- ${plain(first)}`,
  ];
}

/** Lines as they are, in a fixed width. */
const verbatim = (lines: readonly string[]): string[] => ['.PP', '.nf', ...lines.map(plain), '.fi'];

const term = (name: string, text: string): string[] => [
  '.TP',
  `\\fB${plain(name)}\\fR`,
  plain(text),
];

/** Paragraphs, parted by empty lines. */
const paragraphs = (text: string): string[] =>
  text.split(/\n+/).flatMap((each) => ['.PP', plain(each)]);

function mainPage(commands: CommandShapes, about: string, version: string): string {
  const lines = [
    ...begin('sluice', version, 'Download very large files, many of them at once'),
    heading('SYNOPSIS'),
    ...Object.values(commands).flatMap((command) => synopsis(command)),
    heading('DESCRIPTION'),
    ...paragraphs(about),
    heading('COMMANDS'),
    ...Object.entries(commands).flatMap(([name, { summary = '' }]) =>
      term(`sluice ${name}`, `${summary} See sluice-${name}(1).`),
    ),
    ...term('sluice help [COMMAND|TOPIC]', `Topics: ${Object.keys(TOPICS).join(', ')}.`),
    heading('EXIT STATUS'),
    ...statuses().flatMap(([status, what, curl]) =>
      term(status, curl === '' || status === '0' ? what : `${what} (curl: ${curl})`),
    ),
    heading('ENVIRONMENT'),
    ...variables(commands).flatMap(([name, what]) => term(name, what)),
    heading('FILES'),
    ...FILES.flatMap(([name, what]) => term(name, what)),
    heading('CONFIGURATION'),
    ...verbatim(topicLines('configuration', commands).slice(1)),
    ...seeAlso(Object.keys(commands).map((name) => `sluice-${name}`)),
  ];
  return page(lines);
}

function commandPage(
  name: string,
  command: CommandShape,
  version: string,
  commands: CommandShapes,
): string {
  const { summary = '', description = '', flags } = command;
  // The statuses are those of sluice(1), where they have more columns.
  const [text = ''] = description.split('\nEXIT STATUS');
  const rows = flagRows(flags);
  const groups = [...new Set(rows.map(({ group }) => group))];
  const others = Object.keys(commands).filter((each) => each !== name);
  const lines = [
    ...begin(`sluice-${name}`, version, summary),
    heading('SYNOPSIS'),
    ...synopsis(command),
    heading('DESCRIPTION'),
    ...paragraphs(text.trim() === '' ? summary : text.trim()),
    ...(rows.length === 0 ? [] : [heading('OPTIONS')]),
    ...groups.flatMap((group) => [
      ...(group === '' ? [] : [`.SS "${plain(group)}"`]),
      ...rows.filter((row) => row.group === group).flatMap(option),
    ]),
    ...examples(command),
    ...(name === 'completion'
      ? []
      : [
          heading('EXIT STATUS'),
          'See \\fBsluice\\fR(1).',
          heading('ENVIRONMENT'),
          'See \\fBsluice\\fR(1).',
        ]),
    ...seeAlso(['sluice', ...others.map((each) => `sluice-${each}`)]),
  ];
  return page(lines);
}

const seeAlso = (pages: readonly string[]): string[] => [
  heading('SEE ALSO'),
  pages.map((page) => `\\fB${plain(page)}\\fR(1)`).join(', '),
];

const synopsis = ({ usage = [] }: CommandShape): string[] =>
  (Array.isArray(usage) ? usage : [usage]).flatMap((each, at) => [
    ...(at === 0 ? ['.PP'] : ['.br']),
    plain(`sluice ${each}`),
  ]);

function option(row: FlagRow): string[] {
  const { name, char, aliases, negated, value, description, env } = row;
  const names = [
    ...(char === null ? [] : [`-${char}`]),
    ...[name, ...aliases].map((each) => `--${each}`),
  ];
  const shown = names.map((each) => `\\fB${plain(each)}\\fR`).join(', ');
  const of = value === null ? '' : ` \\fI${plain(value)}\\fR`;
  const more = [
    ...(row.multiple ? ['May be given again.'] : []),
    ...(row.default === null ? [] : [`Default: ${row.default}.`]),
    ...(env === null ? [] : [`Variable: ${env}.`]),
    ...(negated === null ? [] : [`--${negated} takes it back.`]),
  ];
  return ['.TP', `${shown}${of}`, plain([`${description}.`, ...more].join(' '))];
}

function examples({ examples: given = [] }: CommandShape): string[] {
  if (given.length === 0) return [];
  const command = (text: string): string[] =>
    verbatim(
      text
        .replaceAll('<%= config.bin %>', 'sluice')
        .split('\n')
        .map((line) => `  $ ${line}`),
    );
  return [
    heading('EXAMPLES'),
    ...given.flatMap((each) =>
      typeof each === 'string'
        ? command(each)
        : [...paragraphs(each.description), ...command(each.command)],
    ),
  ];
}
