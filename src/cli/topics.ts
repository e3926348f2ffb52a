/** Topics of help that belong to no command. The pages of docs/ and the man pages have the same tables. */
import type { FlagInput } from '@oclif/core/interfaces';
import { EXIT_STATUSES, type ExitStatus } from '../errors.js';
import { FLAG_KEY_NAMES, VARIABLE_KEYS, mayStand } from './config/keys.js';

/** What topics are told of the commands. */
export type CommandFlags = Readonly<Record<string, { flags: FlagInput }>>;

/** A row: what it is called, and what it is. */
export type Row = readonly [name: string, what: string];

/** What curl ends with where it means the same. */
export const CURL_STATUSES: Partial<Record<ExitStatus, string>> = {
  0: '0',
  2: '2, 3',
  3: '6',
  4: '7, 28, 52, 55, 56',
  5: '35, 58, 60, 77',
  6: '22 (with -f)',
  7: '8, 18, 33, 47',
  10: '23',
  13: '5, 97',
};

/** Variables that are no flag's. */
const OWN_VARIABLES: readonly Row[] = [
  ['SLUICE_USER', 'USER:PASSWORD, for the host in SLUICE_USER_HOST'],
  ['SLUICE_BEARER', 'a bearer token, for the host in SLUICE_BEARER_HOST'],
  ['SLUICE_CONFIG_DIR', 'where config.json is; else $XDG_CONFIG_HOME/sluice or ~/.config/sluice'],
  [
    'SLUICE_CACHE_DIR',
    'notes of servers, compiled code; else $XDG_CACHE_HOME/sluice or ~/.cache/sluice',
  ],
  [
    'SLUICE_STATE_DIR',
    'receipts of finished downloads; else $XDG_STATE_HOME/sluice or ~/.local/state/sluice',
  ],
  ['http_proxy', 'the proxy for http; in lower case only'],
  ['https_proxy, all_proxy', 'the proxy for https, and for both; also in upper case'],
  ['no_proxy', 'hosts that are reached without one; also in upper case'],
  ['SSL_CERT_FILE, SSL_CERT_DIR', 'authorities that are trusted beside those of Node'],
  ['NO_COLOR, FORCE_COLOR', 'no colours, or colours where there is no terminal'],
  ['HF_TOKEN, HF_HOME, HF_ENDPOINT', 'for hf://'],
  ['HF_HUB_CACHE', 'the cache of --hf-cache; else hub in $HF_HOME or in ~/.cache/huggingface'],
  ['AWS_PROFILE, AWS_ACCESS_KEY_ID, ...', 'for s3://, as for the tools of AWS'],
  ['CLOUDSDK_AUTH_ACCESS_TOKEN', 'for gs://'],
  ['AZURE_STORAGE_SAS_TOKEN', 'for az://'],
];

/** Files that are read or written beside a download. */
export const FILES: readonly Row[] = [
  ['NAME.part', 'what has arrived so far; renamed to NAME when all of it is there and proven'],
  ['NAME.sluice', 'the journal by which `sluice resume NAME` goes on'],
  ['NAME.sluice.lock', 'held while a run is at work'],
  ['~/.config/sluice/config.json', 'the configuration: `sluice help configuration`'],
  ['~/.local/state/sluice/finished/', 'receipts, by which a finished file is not fetched again'],
  ['~/.cache/sluice/origins/', 'how many connections a server liked'],
  ['~/.netrc', 'credentials, with --netrc'],
];

/** All variables: those of flags, in the order of the flags, and the others. */
export function variables(commands: CommandFlags): Row[] {
  const found = new Map<string, string>();
  for (const { flags } of Object.values(commands))
    for (const [name, { env }] of Object.entries(flags))
      if (typeof env === 'string') found.set(env, `--${name}`);
  return [...found, ...OWN_VARIABLES];
}

/** Rows of the statuses: what one means, and what curl ends with. */
export function statuses(): Array<readonly [status: string, what: string, curl: string]> {
  return Object.entries(EXIT_STATUSES).map(([status, what]) => [
    status,
    what,
    CURL_STATUSES[Number(status) as ExitStatus] ?? '',
  ]);
}

/** The names of the topics, and what each is about. */
export const TOPICS = {
  configuration: 'what can be set for all downloads, or for one host',
  environment: 'variables and files',
  'exit-statuses': 'what a status means, and what curl ends with',
} as const;

export type Topic = keyof typeof TOPICS;

/** The text of a topic, in lines. */
export function topicLines(topic: Topic, commands: CommandFlags): string[] {
  switch (topic) {
    case 'environment':
      return [
        'VARIABLES',
        '  A flag beats its variable, and a variable beats the configuration.',
        '',
        ...table(variables(commands)),
        '',
        'FILES',
        ...table(FILES),
      ];
    case 'exit-statuses':
      return [
        'EXIT STATUSES',
        '  With several files: that of the first in the list that failed. `--json` and the last line of an',
        '  error have a code that says more.',
        '',
        ...table([['', '', 'curl'], ...statuses()]),
      ];
    case 'configuration':
      return configurationLines();
  }
}

function configurationLines(): string[] {
  const names = (isHost: boolean): string =>
    [...FLAG_KEY_NAMES, ...(isHost ? (Object.keys(VARIABLE_KEYS) as []) : [])]
      .filter((key) => mayStand(key, isHost))
      .join(', ');
  return [
    'CONFIGURATION',
    ...wrapped(
      'config.json in $SLUICE_CONFIG_DIR, $XDG_CONFIG_HOME/sluice or ~/.config/sluice; another one with --config-file, none with --no-config. The keys are the long names of flags.',
    ),
    '',
    '  {',
    '    "connections": 8,',
    '    "hosts": {',
    '      "artifacts.example.org": { "bearer-env": "ARTIFACTS_TOKEN", "cacert": "/etc/ssl/example.pem" },',
    '      "*.example.net": { "proxy": "http://proxy.example.net:3128" }',
    '    }',
    '  }',
    '',
    'FOR ALL HOSTS',
    ...wrapped(names(false)),
    '',
    'FOR ONE HOST, IN ITS SECTION',
    ...wrapped(names(true)),
    '',
    'WHAT COUNTS',
    ...wrapped(
      'A flag, then its variable, then the section of the host, then what is for all hosts, then the default. `sluice info --config [URL]` tells every value and where it comes from. `--no-netrc`, `--limit-rate none` and the like take something back. SIGUSR1 has a running download read limit-rate again.',
    ),
  ];
}

/** Columns side by side, each as wide as its widest cell. */
function table(rows: ReadonlyArray<readonly string[]>): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd(),
  );
}

/** Lines of at most 78 characters. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > 78) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
