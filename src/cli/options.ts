/** The values of the flags as options of a download. */
import { defaultOptions } from '../app/defaults.js';
import { readPemFiles } from '../app/pem.js';
import { readCookies, readNetrc } from '../app/credential-files.js';
import { parseOverride } from '../app/addresses.js';
import type { Fetching } from '../app/documents.js';
import { parsePins } from '../app/pins.js';
import { RateLimit } from '../engine/rate-limit.js';
import { proxyRules } from '../app/proxies.js';
import { splitUser } from '../app/users.js';
import { SluiceError } from '../errors.js';
import { redactWords } from '../http/redact.js';
import { referenceScheme } from '../http/url.js';
import { MAX_CONNECTIONS } from '../limits.js';
import type { HostSection } from '../app/host-sections.js';
import type { DownloadOptions, StoreSettings } from '../transfer/options.js';
import { isChecksumList, parseChecksum } from '../app/checksums.js';
import type { NetworkValues, SharedValues, StoreValues } from './flags.js';

/** What was said in other places than the command line. */
export interface Settings {
  /** What the configuration says of hosts. */
  sections: readonly HostSection[];
  /** How the proxies are called in messages. */
  names?: { proxy: string; noProxy: string };
}

const NO_SETTINGS: Settings = { sections: [] };

/**
 * The options that the network flags say.
 * @throws SluiceError USAGE, TLS_FILES
 */
export function networkOptions(
  values: NetworkValues,
  { sections, names }: Settings = NO_SETTINGS,
): DownloadOptions {
  // aria2's -x and axel's: no host is called so, and no connection would come of it.
  if (/^\d{1,3}$/.test(values.proxy ?? ''))
    throw usage(
      `-x takes the URL of a proxy, not ${values.proxy}`,
      `The number of connections is \`-n ${values.proxy}\`.`,
    );
  const stallMs = parseTime(values['stall-timeout'], '--stall-timeout');
  const { 'max-time': maxTime, 'cookie-file': cookieFile } = values;
  const lowSpeed = parseLowSpeed(values['low-speed'] ?? NONE, '--low-speed');
  return {
    ...defaultOptions(''),
    headers: values.header ?? [],
    userAgent: values['user-agent'] ?? null,
    referer: values.referer ?? null,
    user: values.user === undefined ? null : splitUser(values.user, '--user'),
    bearer: values.bearer ?? null,
    environment: environmentCredentials(),
    netrc: netrcOf(values),
    ...(cookieFile !== undefined && { cookies: readCookies(cookieFile) }),
    tls: {
      ...readPemFiles({
        ca: values.cacert ?? null,
        cert: values.cert ?? null,
        key: values.key ?? null,
      }),
      verify: !values.insecure,
      minVersion: values['tls-min'] ?? null,
      pins: values['pinned-sha256'] === undefined ? null : parsePins(values['pinned-sha256']),
      system: Boolean(process.env['SSL_CERT_FILE'] ?? process.env['SSL_CERT_DIR']),
    },
    resolve: (values.resolve ?? []).map((text) => parseOverride(text)),
    sections,
    proxies: proxyRules({ proxy: values.proxy, noProxy: values['no-proxy'] }, process.env, names),
    family: parseFamily(values),
    allowDowngrade: values['allow-downgrade'],
    deadlines: {
      connectMs: parseTime(values['connect-timeout'], '--connect-timeout'),
      firstByteMs: stallMs,
      stallMs,
      ...(lowSpeed !== null && { lowSpeed }),
    },
    maxTimeMs: maxTime === undefined ? null : parseMaxTime(maxTime, '--max-time'),
    retries: values.retries,
  };
}

/** Whether it has the scheme of a source of its own, which src/app/sources.ts turns into http. */
export const isSource = (url: string): boolean => referenceScheme(url) !== null;

/** How the flags say that stores are asked; empty where they say nothing. */
export function storeSettings(values: StoreValues): StoreSettings {
  const { 's3-endpoint': endpoint, 's3-anonymous': anonymous, 's3-requester-pays': pays } = values;
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(anonymous && { anonymous }),
    ...(pays && { requesterPays: pays }),
  };
}

/** The options that all flags of a download say. */
export function downloadOptions(
  values: SharedValues,
  settings: Settings = NO_SETTINGS,
): DownloadOptions {
  return {
    ...networkOptions(values, settings),
    connections: parseConnections(values.connections, '--connections'),
    threads: values.threads ?? null,
    serverDigests: !(values.checksum ?? []).includes('none'),
    checksums: (values.checksum ?? [])
      .filter((text) => text !== 'none' && !isChecksumList(text))
      .map((text) => {
        // It may be a URL that took the place of a forgotten checksum.
        if (text.includes('://')) throw usage(`not a checksum: ${redactWords(text)}`);
        return parseChecksum(text);
      }),
    rateLimit: limitOf(values['limit-rate']),
    sync: values.sync,
    preallocate: values.preallocate,
  };
}

/**
 * The options with the lists among the checksums.
 * @param urls what is downloaded, as far as it is known
 */
export async function withChecksumLists(
  values: SharedValues,
  base: DownloadOptions,
  urls: readonly string[],
  fetching: Fetching,
): Promise<DownloadOptions> {
  const lists = (values.checksum ?? []).filter(isChecksumList);
  if (lists.length === 0) return base;
  const { withLists } = await import('../app/documents.js');
  return withLists(lists, base, urls, fetching);
}

/** @param label of the flag, for messages */
export function parseConnections(text: string, label: string): number | 'auto' {
  if (text === 'auto') return 'auto';
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MAX_CONNECTIONS) return count;
  if (text.includes('://'))
    throw usage(
      '-n takes the number of connections, and a URL stands behind it',
      'Write `-n 8` and then the URL, or leave -n out.',
    );
  throw usage(`${label} takes 1 to ${MAX_CONNECTIONS} or auto, not ${redactWords(text)}`);
}

function parseFamily({ ipv4, ipv6 }: NetworkValues): 4 | 6 | null {
  if (ipv4 && ipv6) throw usage('-4 and -6 exclude each other', 'Leave both out to use either.');
  return ipv4 ? 4 : ipv6 ? 6 : null;
}

/** Milliseconds of `1.5`, `90s`, `2m`, `1h`, `500ms`; a bare number is seconds. */
export function parseTime(text: string, flag: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text.trim());
  const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const unit = units[(match?.[2] ?? 's') as keyof typeof units];
  const ms = match === null ? 0 : Math.round(Number(match[1]) * unit);
  // Node's timers hold 31 bits.
  if (ms >= 1 && ms <= 0x7fffffff) return ms;
  throw usage(`${flag} takes a time such as 30, 90s or 2m, not ${redactWords(text)}`);
}

/** Takes back what a configuration or a variable says. */
const NONE = 'none';

/** A time in milliseconds, or `none`. */
export const parseMaxTime = (text: string, flag: string): number | null =>
  text === NONE ? null : parseTime(text, flag);

/** `RATE:TIME`, as `1k:30s`, curl's -Y and -y in one; or `none`. */
export function parseLowSpeed(
  text: string,
  flag: string,
): NonNullable<DownloadOptions['deadlines']['lowSpeed']> | null {
  if (text === NONE) return null;
  const [rate, time, ...more] = text.split(':');
  if (rate === undefined || time === undefined || more.length > 0)
    throw usage(`${flag} takes RATE:TIME such as 1k:30s, not ${redactWords(text)}`);
  const bytesPerSecond = parseSize(rate, flag, 'RATE:TIME with a rate');
  return { bytesPerSecond, ms: parseTime(time, flag) };
}

/** Bytes per second, or `none`. */
export const parseRate = (text: string, flag: string): number | null =>
  text === NONE ? null : parseSize(text, flag, 'bytes per second');

/** Bytes per second; null for no limit. */
export const rateOf = (text: string | undefined): number | null =>
  text === undefined ? null : parseRate(text, '--limit-rate');

function limitOf(text: string | undefined): RateLimit | null {
  const bytesPerSecond = rateOf(text);
  return bytesPerSecond === null ? null : new RateLimit(bytesPerSecond);
}

/** Bytes of `500k`, `5M`, `1.5G`; a bare number is bytes, and units are of 1024 as curl's are. */
export function parseSize(text: string, flag: string, what = 'a number of bytes'): number {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)([kmgt])?(?:i?b)?(?:\/s)?$/i.exec(text.trim());
  const power = 'kmgt'.indexOf((match?.[2] ?? '').toLowerCase() || ' ') + 1;
  const bytes = match === null ? 0 : Math.round(Number(match[1]) * 1024 ** power);
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw usage(`${flag} takes ${what} such as 500k or 5M, not ${redactWords(text)}`);
}

/** Not oclif's `env`: what is given in another way has to beat it. */
function environmentCredentials(): DownloadOptions['environment'] {
  const { SLUICE_USER: user, SLUICE_BEARER: token } = process.env;
  return {
    user: user ? { ...splitUser(user, 'SLUICE_USER'), host: hostFor('SLUICE_USER') } : null,
    bearer: token ? { token, host: hostFor('SLUICE_BEARER') } : null,
  };
}

/** A variable stays set for whatever is downloaded next, so it has to say whom it is for. */
function hostFor(variable: string): string {
  const name = `${variable}_HOST`;
  const host = process.env[name];
  if (host !== undefined && /^[^\s/@,]+$/.test(host)) return host;
  throw usage(
    host ? `${name} is not one host` : `${variable} is set, and nothing says for which host`,
    `Write ${name}=HOST (or HOST:PORT) beside it, or unset ${variable}.`,
  );
}

function netrcOf({ netrc, 'netrc-file': file }: NetworkValues): DownloadOptions['netrc'] {
  return netrc || file !== undefined ? readNetrc(file ?? null) : null;
}

function usage(message: string, next = 'See `sluice help get`.'): SluiceError {
  return new SluiceError('USAGE', message, { next });
}
