/**
 * The flags that commands share, in groups as help shows them. With the flags that each command in
 * `src/commands` adds, they are the only table: oclif parses, checks and explains by it.
 */
import * as Flags from '@oclif/core/flags';
import type { AlphabetLowercase, FlagInput, InferredFlags } from '@oclif/core/interfaces';
import { MAX_CONNECTIONS, MAX_JOBS, PER_HOST } from '../limits.js';

/** May be given again; each time takes one value. */
export const REPEATABLE = { multiple: true, multipleNonGreedy: true } as const;

/** A flag without a value. oclif's types know letters only; its parser takes digits as well. */
export function toggle({ char, description }: { char?: string; description: string }) {
  const letter = char === undefined ? {} : { char: char as AlphabetLowercase };
  return Flags.boolean({ ...letter, description, default: false });
}

/** One that the configuration may set, so that there has to be a way to take it back. */
export function setting({ char, description }: { char?: string; description: string }) {
  const letter = char === undefined ? {} : { char: char as AlphabetLowercase };
  return Flags.boolean({ ...letter, description, default: false, allowNo: true });
}

/** The same flags, under a heading of their own in help. */
function group<F extends FlagInput>(helpGroup: string, flags: F): F {
  for (const flag of Object.values(flags)) flag.helpGroup = helpGroup;
  return flags;
}

/** Several files. */
export const manyFlags = group('files', {
  'input-file': Flags.string({
    ...REPEATABLE,
    char: 'i',
    description:
      'download the files of a list, a URL a line (- for standard input); TAB parts mirrors of one file, indented lines below a URL are its options: out=, dir=, header=, checksum=, split=, referer=, user-agent=',
    helpValue: 'FILE',
  }),
  recursive: toggle({
    description:
      'all objects below a prefix (s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://ACCOUNT/CONTAINER/PREFIX)',
  }),
  include: Flags.string({
    ...REPEATABLE,
    description:
      'of a whole repository (hf://OWNER/REPO) or of --recursive, only files whose path fits: * is any text, ? one character',
    helpValue: 'PATTERN',
  }),
  exclude: Flags.string({
    ...REPEATABLE,
    description: 'the same the other way round: no file whose path fits',
    helpValue: 'PATTERN',
  }),
  'hf-cache': toggle({
    description:
      "of hf://, into the cache of Hugging Face's own programs (HF_HUB_CACHE, HF_HOME), where they find it",
  }),
  jobs: Flags.integer({
    char: 'j',
    description: 'files at once',
    default: 3,
    min: 1,
    max: MAX_JOBS,
    helpValue: 'N',
    env: 'SLUICE_JOBS',
  }),
  'per-host': Flags.integer({
    description: `connections to one host (scheme, name and port) over all files; default ${PER_HOST}, or what --connections says`,
    min: 1,
    max: MAX_CONNECTIONS,
    helpValue: 'N',
    env: 'SLUICE_PER_HOST',
  }),
});

/** How stores are asked. */
const storeFlags = group('stores', {
  's3-endpoint': Flags.string({
    description: 'of s3://, the service to ask, by path',
    helpValue: 'URL',
  }),
  's3-anonymous': setting({ description: 'of s3://, without a signature' }),
  's3-requester-pays': setting({ description: 'of s3://, you pay for the transfer' }),
});

/** How many and how. */
const transferFlags = group('transfer', {
  connections: Flags.string({
    char: 'n',
    aliases: ['num-connections'],
    description: `connections at once, 1 to ${MAX_CONNECTIONS}, or auto`,
    default: 'auto',
    helpValue: 'N|auto',
    env: 'SLUICE_CONNECTIONS',
  }),
  threads: Flags.integer({
    description: 'worker threads beside the main one (default: by cores and scheme)',
    min: 1,
    max: MAX_CONNECTIONS,
    helpValue: 'N',
    env: 'SLUICE_THREADS',
  }),
  'limit-rate': Flags.string({
    description:
      'bytes per second of all files and connections together, or none; SIGUSR1 reads it again from the configuration',
    helpValue: 'RATE',
    env: 'SLUICE_LIMIT_RATE',
  }),
  checksum: Flags.string({
    ...REPEATABLE,
    description:
      'digest that the file must have, checked before it gets its name; or a list of such, as sha256sum writes them; none: do not verify what the server gives',
    helpValue: 'ALGO:HEX|@FILE|URL|none',
  }),
  sync: Flags.option({
    description: 'force the finished file to disk: always, never, or when losing it would hurt',
    options: ['auto', 'full', 'none'] as const,
    default: 'auto',
    env: 'SLUICE_SYNC',
  })(),
  preallocate: Flags.option({
    description: 'space for the file before its first byte: none, its length only, or all of it',
    options: ['none', 'sparse', 'full'] as const,
    default: 'sparse',
    env: 'SLUICE_PREALLOCATE',
  })(),
});

/** What is sent. All but User-Agent goes to the origin of the URL only. */
const requestFlags = group('request', {
  header: Flags.string({
    ...REPEATABLE,
    char: 'H',
    description: 'header to send',
    helpValue: "'Name: value'",
  }),
  'user-agent': Flags.string({
    char: 'A',
    description: 'value of User-Agent, for every server',
    env: 'SLUICE_USER_AGENT',
  }),
  referer: Flags.string({ char: 'e', description: 'value of Referer' }),
  user: Flags.string({
    char: 'u',
    description:
      'credentials for Basic or Digest; else from SLUICE_USER, for the host in SLUICE_USER_HOST',
    helpValue: 'USER:PASSWORD',
  }),
  bearer: Flags.string({
    description: 'bearer token; else from SLUICE_BEARER, for the host in SLUICE_BEARER_HOST',
    helpValue: 'TOKEN',
  }),
  'from-curl': Flags.string({
    description:
      'what a browser\'s "Copy as cURL" has copied (bash or cmd): its URL, headers, cookies and proxy; - for standard input',
    helpValue: "'curl ...'|-",
  }),
  'cookie-file': Flags.string({
    char: 'b',
    description: "cookies from this file (Netscape's format), each for its own hosts",
    helpValue: 'FILE',
  }),
  netrc: setting({ description: 'credentials for each host from ~/.netrc' }),
  'netrc-file': Flags.string({
    description: 'the same from this file',
    helpValue: 'FILE',
  }),
});

const tlsFlags = group('TLS', {
  cacert: Flags.string({
    description: 'trust these authorities (PEM)',
    helpValue: 'FILE',
    env: 'SLUICE_CACERT',
  }),
  cert: Flags.string({
    description: 'client certificate (PEM)',
    helpValue: 'FILE',
    env: 'SLUICE_CERT',
  }),
  key: Flags.string({
    description: "client certificate's key (PEM)",
    helpValue: 'FILE',
    env: 'SLUICE_KEY',
  }),
  'pinned-sha256': Flags.string({
    ...REPEATABLE,
    aliases: ['pinnedpubkey'],
    description:
      'the server of the URL must have this public key, or another one that is given; as curl writes it, or in hex',
    helpValue: 'sha256//BASE64',
  }),
  'tls-min': Flags.option({
    description: 'the oldest version of TLS that is accepted (default 1.2)',
    options: ['1.2', '1.3'] as const,
    env: 'SLUICE_TLS_MIN',
  })(),
  insecure: setting({ char: 'k', description: 'accept any certificate' }),
  'allow-downgrade': toggle({
    description: 'follow redirects from https to http; what comes from there is not protected',
  }),
});

/** Which addresses are used. */
const addressFlags = group('address', {
  resolve: Flags.string({
    ...REPEATABLE,
    description: 'use these addresses for a host and port, without asking the resolver',
    helpValue: 'HOST:PORT:ADDRESS[,...]',
  }),
  ipv4: setting({ char: '4', description: 'use IPv4 addresses only' }),
  ipv6: setting({ char: '6', description: 'use IPv6 addresses only' }),
});

const proxyFlags = group('proxy', {
  proxy: Flags.string({
    char: 'x',
    description:
      'reach servers through this proxy: http, https, socks5 or socks5h; also from http_proxy, https_proxy and all_proxy',
    helpValue: '[SCHEME://][USER:PASSWORD@]HOST[:PORT]',
  }),
  'no-proxy': Flags.string({
    description:
      'hosts that are reached without one: domains, addresses, CIDR ranges or *; also from no_proxy',
    helpValue: 'LIST',
  }),
});

const timeFlags = group('time', {
  'connect-timeout': Flags.string({
    description: 'for each of name resolution, TCP and TLS',
    default: '30s',
    helpValue: 'TIME',
    env: 'SLUICE_CONNECT_TIMEOUT',
  }),
  'stall-timeout': Flags.string({
    description: 'longest wait for an answer, and longest silence in a body',
    default: '30s',
    helpValue: 'TIME',
    env: 'SLUICE_STALL_TIMEOUT',
  }),
  'low-speed': Flags.string({
    description:
      'replace a connection that brings less than RATE bytes per second for TIME; give up when all are that slow after the retries',
    helpValue: 'RATE:TIME',
    env: 'SLUICE_LOW_SPEED',
  }),
  'max-time': Flags.string({
    description: 'for the whole download, or none',
    helpValue: 'TIME',
    env: 'SLUICE_MAX_TIME',
  }),
  retries: Flags.integer({
    description: 'failures in a row, without a byte between them, before giving up',
    default: 5,
    min: 0,
    max: 1000,
    helpValue: 'N',
    env: 'SLUICE_RETRIES',
  }),
});

/** What is shown. */
const outputFlags = group('output', {
  json: toggle({ description: 'newline-delimited JSON events on standard output' }),
  print: Flags.option({
    description: 'write the path of each finished file to standard output, a line each',
    options: ['path'] as const,
  })(),
  quiet: toggle({ char: 'q', description: 'only errors' }),
  verbose: toggle({ char: 'v', description: 'the log on standard error' }),
  'log-file': Flags.string({
    description: 'append the log to this file',
    helpValue: 'FILE',
    env: 'SLUICE_LOG_FILE',
  }),
  lanes: setting({
    description: 'a line for each connection in the live display; so has --verbose',
  }),
  color: Flags.option({
    description: 'colours of the terminal: as it and NO_COLOR say, always or never',
    options: ['auto', 'always', 'never'] as const,
    default: 'auto',
    env: 'SLUICE_COLOR',
  })(),
  'no-progress': toggle({ description: 'no live display and no progress lines' }),
});

/** What a run did, for `sluice info --trace`. */
export const traceFlags = group('output', {
  trace: Flags.string({
    description:
      'record what each connection does when in this file; `sluice info --trace FILE` tells and draws it',
    helpValue: 'FILE',
    env: 'SLUICE_TRACE',
  }),
});

/** Where the configuration is; `info` has another use for the short name. */
const configFile = (aliases: string[]) =>
  Flags.string({
    aliases,
    description: 'read this configuration; default config.json in ~/.config/sluice',
    helpValue: 'FILE',
    helpGroup: 'configuration',
    env: 'SLUICE_CONFIG_FILE',
  });

/** The same under curl's name for it as well. */
export const configFileAsCurl = { 'config-file': configFile(['config']) };

const configFlags = group('configuration', {
  'config-file': configFile([]),
  'no-config': toggle({ description: 'read no configuration' }),
});

const networkFlags = { ...requestFlags, ...tlsFlags, ...addressFlags, ...proxyFlags, ...timeFlags };

/** What every command takes. */
export const sharedFlags = {
  ...transferFlags,
  ...networkFlags,
  ...storeFlags,
  ...outputFlags,
  ...configFlags,
};

/** Values of the flags that say what is sent, and how long is waited. */
export type NetworkValues = InferredFlags<typeof networkFlags>;
/** Values of the flags that say how stores are asked. */
export type StoreValues = InferredFlags<typeof storeFlags>;
/** Values of the flags of several files. */
export type ManyValues = Omit<InferredFlags<typeof manyFlags>, 'json'>;
/** Values of the flag of a trace. */
export type TraceValues = Omit<InferredFlags<typeof traceFlags>, 'json'>;
/** Values of the output flags. */
export type OutputValues = InferredFlags<typeof outputFlags>;
/** Values of all flags that every command takes. */
export type SharedValues = InferredFlags<typeof sharedFlags>;
