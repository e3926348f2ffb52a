/** Completion of commands, flags and values, for three shells. */
import { SHELLS, type Shell } from './shells.js';
import { commandRows, helpSubjects, spellings } from './table.js';
import type { CommandRow, CommandShapes, FlagRow } from './table.js';

/** The script of a shell. */
export function completion(shell: Shell, commands: CommandShapes): string {
  const rows = commandRows(commands);
  const subjects = helpSubjects(commands);
  const lines = { bash: bashLines, zsh: zshLines, fish: fishLines }[shell](rows, subjects);
  return `${lines.join('\n')}\n`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** What a shell shows beside a name has one line. */
const brief = (text: string): string => text.split(/[;(]|, (?:else|also) /, 1)[0]?.trim() ?? '';

/** Words that a command line begins with. */
const names = (rows: readonly CommandRow[]): string => rows.map(({ name }) => name).join(' ');

// In bash `=` and `:` part words, so the flag may stand two words before the value.
function bashLines(rows: readonly CommandRow[], subjects: readonly string[]): string[] {
  return [
    '# Completion of sluice for bash; made by the build.',
    '_sluice() {',
    '  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=get word i',
    '  COMPREPLY=()',
    '  if [[ $cur == = ]]; then cur=',
    '  elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}',
    '  fi',
    '  if ((COMP_CWORD == 1)) && [[ $cur != -* ]]; then',
    `    COMPREPLY=($(compgen -W ${quoted(names(rows))} -- "$cur"))`,
    '    return',
    '  fi',
    '  word=${COMP_WORDS[1]}',
    `  [[ " ${names(rows)} " == *" $word "* ]] && command=$word`,
    '  case "$command $prev" in',
    ...rows.flatMap((row) => row.flags.flatMap((flag) => bashValue(row, flag))),
    '  esac',
    '  if [[ $cur == -* ]]; then',
    '    case $command in',
    ...rows.map(
      ({ name, flags }) =>
        `      ${name}) COMPREPLY=($(compgen -W ${quoted([...flags.flatMap(spellings), '--help'].join(' '))} -- "$cur")) ;;`,
    ),
    '    esac',
    '    return',
    '  fi',
    '  case $command in',
    ...rows.map(({ name, operands }) => `    ${name}) ${bashOperands(operands, subjects)} ;;`),
    '  esac',
    '}',
    'complete -F _sluice sluice',
  ];
}

const BASH_FILES = 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))';

function bashValue({ name }: CommandRow, flag: FlagRow): string[] {
  if (flag.kind === 'none') return [];
  const patterns = spellings(flag).map((each) => `"${name} ${each}"`);
  const action = {
    choice: `COMPREPLY=($(compgen -W ${quoted(flag.choices.join(' '))} -- "$cur"))`,
    directory: 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur"))',
    file: BASH_FILES,
    text: ':',
  }[flag.kind];
  return [`    ${patterns.join('|')}) ${action}; return ;;`];
}

function bashOperands(operands: CommandRow['operands'], subjects: readonly string[]): string {
  if (operands === 'file') return BASH_FILES;
  if (operands === 'text') return ':';
  const words = operands === 'shell' ? SHELLS : subjects;
  return `COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$cur"))`;
}

function zshLines(rows: readonly CommandRow[], subjects: readonly string[]): string[] {
  return [
    '#compdef sluice',
    '# Completion of sluice for zsh; made by the build.',
    '_sluice() {',
    '  local context state state_descr line command',
    '  typeset -A opt_args',
    '  local -a commands=(',
    ...rows.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`),
    '  )',
    '  if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then',
    "    _describe -t commands 'command' commands",
    '    return',
    '  fi',
    '  command=get',
    `  if [[ " ${names(rows)} " == *" $words[2] "* ]]; then`,
    '    command=$words[2]',
    '    shift words',
    '    ((CURRENT--))',
    '  fi',
    '  case $command in',
    ...rows.flatMap((row) => [
      `    ${row.name})`,
      '      _arguments -S -s \\',
      ...row.flags.flatMap(zshFlag).map((spec) => `        ${quoted(spec)} \\`),
      `        ${quoted(zshOperands(row.operands, subjects))}`,
      '      ;;',
    ]),
    '  esac',
    '}',
    // Autoloaded from fpath the file is the function; sourced, it names it.
    'if [[ $funcstack[1] == _sluice ]]; then _sluice "$@"; else compdef _sluice sluice; fi',
  ];
}

function zshFlag(flag: FlagRow): string[] {
  const all = spellings(flag);
  const text = brief(flag.description).replace(/[[\]\\:]/g, '\\$&');
  const isNone = flag.kind === 'none';
  const others = flag.multiple ? '*' : `(${all.join(' ')})`;
  const actions = {
    choice: `(${flag.choices.join(' ')})`,
    directory: '_files -/',
    file: '_files',
    text: '',
    none: '',
  };
  const value = isNone
    ? ''
    : `:${(flag.value ?? '').replace(/[\\:]/g, '\\$&')}:${actions[flag.kind]}`;
  return all.map((each) => {
    const sign = isNone ? '' : each.startsWith('--') ? '=' : '+';
    return `${others}${each}${sign}[${text}]${value}`;
  });
}

function zshOperands(operands: CommandRow['operands'], subjects: readonly string[]): string {
  if (operands === 'file') return '*:file or URL:_files';
  if (operands === 'shell') return `1:shell:(${SHELLS.join(' ')})`;
  return operands === 'topic' ? `1:subject:(${subjects.join(' ')})` : '*:URL:_urls';
}

function fishLines(rows: readonly CommandRow[], subjects: readonly string[]): string[] {
  const all = names(rows);
  return [
    '# Completion of sluice for fish; made by the build.',
    'complete -c sluice -f',
    ...rows.map(
      ({ name, summary }) =>
        `complete -c sluice -n '__fish_use_subcommand' -a ${name} -d ${fish(summary)}`,
    ),
    ...rows.flatMap((row) => {
      // What is no command is a URL of get's.
      const seen =
        row.name === 'get'
          ? `not __fish_seen_subcommand_from ${all.replace('get ', '')}`
          : `__fish_seen_subcommand_from ${row.name}`;
      return [
        ...row.flags.map((flag) => fishFlag(seen, flag)),
        ...fishOperands(seen, row.operands, subjects),
      ];
    }),
  ];
}

const fish = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fishFlag(seen: string, flag: FlagRow): string {
  const spelled = spellings(flag).map((each) =>
    each.startsWith('--') ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`,
  );
  const value = {
    none: '',
    choice: ` -x -a ${fish(flag.choices.join(' '))}`,
    directory: " -x -a '(__fish_complete_directories)'",
    file: ' -r -F',
    text: ' -x',
  }[flag.kind];
  const text = fish(brief(flag.description));
  return `complete -c sluice -n ${fish(seen)} ${spelled.join(' ')}${value} -d ${text}`;
}

function fishOperands(
  seen: string,
  operands: CommandRow['operands'],
  subjects: readonly string[],
): string[] {
  if (operands === 'text') return [];
  if (operands === 'file') return [`complete -c sluice -n ${fish(seen)} -F`];
  const words = operands === 'shell' ? SHELLS : subjects;
  return [`complete -c sluice -n ${fish(seen)} -a ${fish(words.join(' '))}`];
}
