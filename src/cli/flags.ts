/** The flags that commands share, and how their texts become options. */
import * as Flags from '@oclif/core/flags';
import { defaultOptions } from '../app/defaults.js';
import { readTextFile } from '../app/files.js';
import { SluiceError } from '../errors.js';
import type { DownloadOptions } from '../transfer/options.js';
import { parseChecksum } from '../app/checksums.js';

/** The most connections of one download. */
const MAX_CONNECTIONS = 64;

/** PEM files are small. */
const MAX_PEM_BYTES = 4 * 1024 * 1024;

/** How many and how. */
const transferFlags = {
  connections: Flags.string({
    char: 'n',
    aliases: ['num-connections'],
    description: 'connections at once, 1 to 64, or auto',
    default: 'auto',
    helpValue: 'N|auto',
    env: 'SLUICE_CONNECTIONS',
  }),
  threads: Flags.integer({
    description: 'worker threads (default: the number of cores)',
    min: 1,
    max: MAX_CONNECTIONS,
    helpValue: 'N',
    env: 'SLUICE_THREADS',
  }),
  checksum: Flags.string({
    description: 'digest that the file must have, checked before it gets its name',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'ALGO:HEX',
  }),
  sync: Flags.string({
    description: 'force the finished file to disk: always, never, or when losing it would hurt',
    options: ['auto', 'full', 'none'],
    default: 'auto',
    env: 'SLUICE_SYNC',
  }),
};

/** What is sent. Each goes to the origin of the URL only. */
const requestFlags = {
  header: Flags.string({
    char: 'H',
    description: 'header to send',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: "'Name: value'",
  }),
  'user-agent': Flags.string({
    char: 'A',
    description: 'value of User-Agent',
    env: 'SLUICE_USER_AGENT',
  }),
  referer: Flags.string({ char: 'e', description: 'value of Referer' }),
  user: Flags.string({
    char: 'u',
    description: 'credentials for Basic',
    helpValue: 'USER:PASSWORD',
    env: 'SLUICE_USER',
  }),
  bearer: Flags.string({ description: 'bearer token', helpValue: 'TOKEN', env: 'SLUICE_BEARER' }),
};

const tlsFlags = {
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
  insecure: Flags.boolean({ char: 'k', description: 'accept any certificate' }),
};

const timeFlags = {
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
  'max-time': Flags.string({
    description: 'for the whole download',
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
};

/** What is shown. */
export const outputFlags = {
  json: Flags.boolean({ description: 'newline-delimited JSON events on standard output' }),
  quiet: Flags.boolean({ char: 'q', description: 'only errors' }),
  verbose: Flags.boolean({ char: 'v', description: 'the log on standard error' }),
  'log-file': Flags.string({
    description: 'append the log to this file',
    helpValue: 'FILE',
    env: 'SLUICE_LOG_FILE',
  }),
  'no-progress': Flags.boolean({ description: 'no live display and no progress lines' }),
};

export const networkFlags = { ...requestFlags, ...tlsFlags, ...timeFlags };
export const downloadFlags = { ...transferFlags, ...networkFlags, ...outputFlags };

/** Parsed values of {@link networkFlags}. */
export interface NetworkValues {
  header?: string[] | undefined;
  'user-agent'?: string | undefined;
  referer?: string | undefined;
  user?: string | undefined;
  bearer?: string | undefined;
  cacert?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  insecure: boolean;
  'connect-timeout': string;
  'stall-timeout': string;
  'max-time'?: string | undefined;
  retries: number;
}

/** Parsed values of {@link downloadFlags}, without the output flags. */
export interface DownloadValues extends NetworkValues {
  connections: string;
  threads?: number | undefined;
  checksum?: string[] | undefined;
  sync: string;
}

/**
 * The options that the network flags say.
 * @throws SluiceError USAGE, TLS_FILES
 */
export function networkOptions(values: NetworkValues): DownloadOptions {
  const stallMs = parseTime(values['stall-timeout'], '--stall-timeout');
  const maxTime = values['max-time'];
  return {
    ...defaultOptions(''),
    headers: values.header ?? [],
    userAgent: values['user-agent'] ?? null,
    referer: values.referer ?? null,
    user: values.user === undefined ? null : parseUser(values.user),
    bearer: values.bearer ?? null,
    tls: {
      ca: pem(values.cacert),
      cert: pem(values.cert),
      key: pem(values.key),
      verify: !values.insecure,
    },
    deadlines: {
      connectMs: parseTime(values['connect-timeout'], '--connect-timeout'),
      firstByteMs: stallMs,
      stallMs,
    },
    maxTimeMs: maxTime === undefined ? null : parseTime(maxTime, '--max-time'),
    retries: values.retries,
  };
}

/** The options that all flags of a download say. */
export function downloadOptions(values: DownloadValues): DownloadOptions {
  return {
    ...networkOptions(values),
    connections: parseConnections(values.connections),
    threads: values.threads ?? null,
    checksums: (values.checksum ?? []).map((text) => parseChecksum(text)),
    sync: values.sync as DownloadOptions['sync'],
  };
}

function parseConnections(text: string): number | 'auto' {
  if (text === 'auto') return 'auto';
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MAX_CONNECTIONS) return count;
  throw usage(`--connections takes 1 to ${MAX_CONNECTIONS} or auto, not ${text}`);
}

/** Milliseconds of `1.5`, `90s`, `2m`, `1h`, `500ms`; a bare number is seconds. */
export function parseTime(text: string, flag: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text.trim());
  const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const unit = units[(match?.[2] ?? 's') as keyof typeof units];
  const ms = match === null ? 0 : Math.round(Number(match[1]) * unit);
  // Node's timers hold 31 bits.
  if (ms >= 1 && ms <= 0x7fffffff) return ms;
  throw usage(`${flag} takes a time such as 30, 90s or 2m, not ${text}`);
}

function parseUser(text: string): { user: string; password: string } {
  const colon = text.indexOf(':');
  if (colon < 0)
    throw usage('--user takes USER:PASSWORD', 'An empty password is written as USER:.');
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function pem(path: string | undefined): string | null {
  if (path === undefined) return null;
  try {
    return readTextFile(path, MAX_PEM_BYTES);
  } catch (error) {
    const message = `the PEM file cannot be read: ${SluiceError.from(error).message}`;
    throw new SluiceError('TLS_FILES', message, {
      path,
      next: 'Check the path and its permissions.',
    });
  }
}

function usage(message: string, next = 'See `sluice help get`.'): SluiceError {
  return new SluiceError('USAGE', message, { next });
}
