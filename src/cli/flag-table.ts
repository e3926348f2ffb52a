/**
 * The flags and arguments of every command, as plain data. Two readers share it: oclif, which
 * parses, explains and complains (`oclif.ts`), and the quick way in, which understands well-formed
 * command lines without loading oclif (`plain.ts`).
 */

import { MAX_CONNECTIONS } from '../limits.js';

interface Common {
  /** The letter after a single dash. */
  char?: string;
  /** Other long names. */
  aliases?: readonly string[];
  description?: string;
  /** Not shown by help. */
  hidden?: boolean;
}

/** A flag with a text as its value. */
interface StringSpec extends Common {
  type: 'string';
  helpValue?: string;
  default?: string;
  /** May be given again; each time takes one value. */
  multiple?: boolean;
  /** The only values allowed. */
  options?: readonly string[];
  /** Environment variable that stands in for the flag when the flag is not given. */
  env?: string;
}

/** A flag with a decimal integer as its value. */
interface IntegerSpec extends Common {
  type: 'integer';
  helpValue?: string;
  default?: number;
  min?: number;
  max?: number;
  env?: string;
}

/** A flag without a value. */
interface BooleanSpec extends Common {
  type: 'boolean';
}

export type FlagSpec = StringSpec | IntegerSpec | BooleanSpec;
export type FlagTable = Readonly<Record<string, FlagSpec>>;

/** The arguments of a command. */
export interface ArgSpec {
  name: string;
  description: string;
  required: boolean;
  /** Any number of them, not one at most. */
  many: boolean;
}

type ValueOf<F extends FlagSpec> = F extends { type: 'boolean' }
  ? boolean
  : F extends { type: 'integer' }
    ? F extends { default: number }
      ? number
      : number | undefined
    : F extends { multiple: true }
      ? string[] | undefined
      : F extends { default: string }
        ? string
        : string | undefined;

/** What a command gets for a table: a value for each flag, undefined where nothing says one. */
export type Values<T extends FlagTable> = { [K in keyof T]: ValueOf<T[K]> };

/** How many and how. */
const transferFlags = {
  connections: {
    type: 'string',
    char: 'n',
    aliases: ['num-connections'],
    description: `connections at once, 1 to ${MAX_CONNECTIONS}, or auto`,
    default: 'auto',
    helpValue: 'N|auto',
    env: 'SLUICE_CONNECTIONS',
  },
  threads: {
    type: 'integer',
    description: 'worker threads beside the main one (default: by cores and scheme)',
    min: 1,
    max: MAX_CONNECTIONS,
    helpValue: 'N',
    env: 'SLUICE_THREADS',
  },
  checksum: {
    type: 'string',
    description:
      'digest that the file must have, checked before it gets its name; or a list of such, as sha256sum writes them',
    multiple: true,
    helpValue: 'ALGO:HEX|@FILE|URL',
  },
  sync: {
    type: 'string',
    description: 'force the finished file to disk: always, never, or when losing it would hurt',
    options: ['auto', 'full', 'none'],
    default: 'auto',
    env: 'SLUICE_SYNC',
  },
  preallocate: {
    type: 'string',
    description: 'space for the file before its first byte: none, its length only, or all of it',
    options: ['none', 'sparse', 'full'],
    default: 'sparse',
    env: 'SLUICE_PREALLOCATE',
  },
} as const satisfies FlagTable;

/** What is sent. All but User-Agent goes to the origin of the URL only. */
const requestFlags = {
  header: {
    type: 'string',
    char: 'H',
    description: 'header to send',
    multiple: true,
    helpValue: "'Name: value'",
  },
  'user-agent': {
    type: 'string',
    char: 'A',
    description: 'value of User-Agent, for every server',
    env: 'SLUICE_USER_AGENT',
  },
  referer: { type: 'string', char: 'e', description: 'value of Referer' },
  user: {
    type: 'string',
    char: 'u',
    description: 'credentials for Basic',
    helpValue: 'USER:PASSWORD',
    env: 'SLUICE_USER',
  },
  bearer: {
    type: 'string',
    description: 'bearer token',
    helpValue: 'TOKEN',
    env: 'SLUICE_BEARER',
  },
} as const satisfies FlagTable;

const tlsFlags = {
  cacert: {
    type: 'string',
    description: 'trust these authorities (PEM)',
    helpValue: 'FILE',
    env: 'SLUICE_CACERT',
  },
  cert: {
    type: 'string',
    description: 'client certificate (PEM)',
    helpValue: 'FILE',
    env: 'SLUICE_CERT',
  },
  key: {
    type: 'string',
    description: "client certificate's key (PEM)",
    helpValue: 'FILE',
    env: 'SLUICE_KEY',
  },
  insecure: { type: 'boolean', char: 'k', description: 'accept any certificate' },
  'allow-downgrade': {
    type: 'boolean',
    description: 'follow redirects from https to http; what comes from there is not protected',
  },
} as const satisfies FlagTable;

/** Which addresses are used. */
const addressFlags = {
  resolve: {
    type: 'string',
    description: 'use these addresses for a host and port, without asking the resolver',
    multiple: true,
    helpValue: 'HOST:PORT:ADDRESS[,...]',
  },
  ipv4: { type: 'boolean', char: '4', description: 'use IPv4 addresses only' },
  ipv6: { type: 'boolean', char: '6', description: 'use IPv6 addresses only' },
} as const satisfies FlagTable;

const timeFlags = {
  'connect-timeout': {
    type: 'string',
    description: 'for each of name resolution, TCP and TLS',
    default: '30s',
    helpValue: 'TIME',
    env: 'SLUICE_CONNECT_TIMEOUT',
  },
  'stall-timeout': {
    type: 'string',
    description: 'longest wait for an answer, and longest silence in a body',
    default: '30s',
    helpValue: 'TIME',
    env: 'SLUICE_STALL_TIMEOUT',
  },
  'max-time': {
    type: 'string',
    description: 'for the whole download',
    helpValue: 'TIME',
    env: 'SLUICE_MAX_TIME',
  },
  retries: {
    type: 'integer',
    description: 'failures in a row, without a byte between them, before giving up',
    default: 5,
    min: 0,
    max: 1000,
    helpValue: 'N',
    env: 'SLUICE_RETRIES',
  },
} as const satisfies FlagTable;

/** What is shown. */
const outputFlags = {
  json: { type: 'boolean', description: 'newline-delimited JSON events on standard output' },
  quiet: { type: 'boolean', char: 'q', description: 'only errors' },
  verbose: { type: 'boolean', char: 'v', description: 'the log on standard error' },
  'log-file': {
    type: 'string',
    description: 'append the log to this file',
    helpValue: 'FILE',
    env: 'SLUICE_LOG_FILE',
  },
  'no-progress': { type: 'boolean', description: 'no live display and no progress lines' },
} as const satisfies FlagTable;

const networkFlags = { ...requestFlags, ...tlsFlags, ...addressFlags, ...timeFlags } as const;
const downloadFlags = { ...transferFlags, ...networkFlags, ...outputFlags } as const;

/** Flags of `get`. */
export const getFlags = {
  url: {
    type: 'string',
    description: 'the same as the argument',
    multiple: true,
    helpValue: 'URL',
  },
  metalink: {
    type: 'string',
    description:
      'download the files that a Metalink (3 or 4) names, from the first of its sources that works',
    multiple: true,
    helpValue: 'FILE|URL',
  },
  output: { type: 'string', char: 'o', description: 'path of the file', helpValue: 'PATH' },
  dir: {
    type: 'string',
    char: 'd',
    description: 'directory for the file',
    helpValue: 'DIR',
    env: 'SLUICE_DIR',
  },
  'on-exists': {
    type: 'string',
    description: 'when the target exists and is not this very download',
    options: ['fail', 'overwrite', 'rename', 'skip'],
    default: 'fail',
    env: 'SLUICE_ON_EXISTS',
  },
  ...downloadFlags,
} as const satisfies FlagTable;

/** Flags of `resume`. */
export const resumeFlags = {
  all: { type: 'boolean', description: 'every unfinished download in the current directory' },
  insist: {
    type: 'boolean',
    description:
      'continue although the server gives nothing that proves the kept bytes are of the same file',
  },
  ...downloadFlags,
} as const satisfies FlagTable;

/** Flags of `info`. */
export const infoFlags = {
  ...downloadFlags,
  output: { type: 'string', char: 'o', hidden: true },
} as const satisfies FlagTable;

export const getArgs: ArgSpec = {
  name: 'url',
  description: 'what to download, over http or https',
  required: false,
  many: true,
};

export const resumeArgs: ArgSpec = {
  name: 'path',
  description: 'an unfinished download',
  required: false,
  many: true,
};

export const infoArgs: ArgSpec = {
  name: 'subject',
  description: 'a URL, or the path of an unfinished download',
  required: true,
  many: false,
};

/** Parsed values of the flags that say what is sent, and how long is waited. */
export type NetworkValues = Values<typeof networkFlags>;
/** Parsed values of the flags that every download has, without those of the output. */
export type DownloadValues = Values<typeof transferFlags> & NetworkValues;
/** Parsed values of the output flags. */
export type OutputValues = Values<typeof outputFlags>;
export type GetValues = Values<typeof getFlags>;
export type ResumeValues = Values<typeof resumeFlags>;
export type InfoValues = Values<typeof infoFlags>;
