/** The options of the library: filled in and checked before anything is asked. */
import { RateLimit } from '../engine/rate-limit.js';
import { SluiceError } from '../errors.js';
import { referenceScheme } from '../http/url.js';
import { MAX_CONNECTIONS } from '../limits.js';
import type { DownloadOptions, StoreSettings } from '../transfer/options.js';
import { parseChecksum } from '../verify/checksum.js';
import { defaultOptions } from './defaults.js';
import { readCookies, readNetrc } from './credential-files.js';
import { resumeOptions } from './resume.js';
import { partOptions, readPartOption } from './part.js';
import { parsePins } from './pins.js';
import { checkPems } from './pem.js';
import { programsProxies } from './proxies.js';

/** Everything that can be said; undefined stands for the command's default. */
export type GivenOptions = {
  [
    Name in Exclude<
      keyof DownloadOptions,
      | 'url'
      | 'mode'
      | 'freshLink'
      | 'sign'
      | 'store'
      | 'sections'
      | 'tls'
      | 'deadlines'
      | 'warnings'
      | 'rateLimit'
      | 'proxies'
      | 'netrc'
      | 'environment'
      | 'cookies'
      | 'range'
      | 'freshUrl'
      | 'place'
      | 'mirrorAccess'
    >
  ]?: DownloadOptions[Name] | undefined;
} & {
  /** What is trusted, and what is shown to the server. */
  tls?: Partial<DownloadOptions['tls']> | undefined;
  /** How long each phase may take, in milliseconds. */
  deadlines?: Partial<DownloadOptions['deadlines']> | undefined;
  /** Bytes per second of this download, all its connections together; null for no limit. */
  limitRate?: number | null | undefined;
  /** As `--range`: `START-END` (both included), `START-` or `-LAST`. */
  range?: string | undefined;
  /** As `--cookie-file`. */
  cookieFile?: string | undefined;
  /** As `--netrc-file`. */
  netrcFile?: string | undefined;
  /**
   * Goes on with the unfinished download at `output` and never starts over, as `sluice resume PATH --url URL` does:
   * the URL may be a fresh link, which has to prove itself.
   */
  resume?: boolean | undefined;
  /** How `s3://` is asked, as `--s3-endpoint` and the flags beside it. */
  s3?: StoreSettings | undefined;
  /** As `--proxy`. The environment's proxies are the command's alone. */
  proxy?: string | undefined;
  /** As `--no-proxy`. */
  noProxy?: string | undefined;
};

/** Says whether a value is right; `form` is how the message describes what is. */
interface Rule {
  form: string;
  holds: (value: unknown) => boolean;
}

/** Node's timers hold 31 bits. */
const MAX_MS = 0x7fffffff;

const isText = (value: unknown): boolean => typeof value === 'string';
const isWhole = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

const either = (...values: unknown[]): Rule => ({
  form: values.map((value) => JSON.stringify(value)).join(' or '),
  holds: (value) => values.includes(value),
});
const orNull = ({ form, holds }: Rule): Rule => ({
  form: `${form} or null`,
  holds: (value) => value === null || holds(value),
});
const listOf = ({ form, holds }: Rule): Rule => ({
  form: `a list, each ${form}`,
  holds: (value) => Array.isArray(value) && value.every(holds),
});
const whole = (least: number, most: number): Rule => ({
  form: `a whole number from ${least} to ${most}`,
  holds: (value) => isWhole(value, least, most),
});

const text: Rule = { form: 'a text', holds: isText };
const path: Rule = { form: 'a text that is not empty', holds: (v) => isText(v) && v !== '' };
const truth = either(true, false);
const object: Rule = {
  form: 'an object',
  holds: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};
const milliseconds = whole(1, MAX_MS);

const RULES: Record<keyof GivenOptions, Rule> = {
  mirrors: listOf(text),
  credentialsFor: orNull(text),
  output: orNull(path),
  dir: orNull(path),
  connections: {
    form: `1 to ${MAX_CONNECTIONS} or "auto"`,
    holds: (value) => value === 'auto' || isWhole(value, 1, MAX_CONNECTIONS),
  },
  threads: orNull(whole(0, MAX_CONNECTIONS)),
  checksums: listOf(object),
  serverDigests: truth,
  checksumLists: listOf(object),
  size: orNull(whole(0, Number.MAX_SAFE_INTEGER)),
  pieces: orNull(object),
  headers: listOf(text),
  userAgent: orNull(text),
  referer: orNull(text),
  user: orNull({
    form: '{ user, password }',
    holds: (value) => {
      const { user, password } = (value ?? {}) as { user?: unknown; password?: unknown };
      return isText(user) && isText(password);
    },
  }),
  bearer: orNull(text),
  tls: object,
  resolve: listOf(object),
  range: text,
  cookieFile: path,
  netrcFile: path,
  s3: object,
  proxy: text,
  noProxy: text,
  family: orNull(either(4, 6)),
  allowDowngrade: truth,
  deadlines: object,
  limitRate: orNull(whole(1, Number.MAX_SAFE_INTEGER)),
  maxTimeMs: orNull(milliseconds),
  retries: whole(0, 1000),
  onExists: either('fail', 'overwrite', 'rename', 'skip'),
  timestamping: truth,
  sync: either('auto', 'full', 'none'),
  preallocate: either('none', 'sparse', 'full'),
  resume: truth,
  insist: truth,
};

const TLS_RULES: Record<string, Rule> = {
  ca: orNull(text),
  cert: orNull(text),
  key: orNull(text),
  verify: truth,
  minVersion: orNull(either('1.2', '1.3')),
  pins: orNull(listOf(text)),
  system: truth,
};
const DEADLINE_RULES: Record<string, Rule> = {
  connectMs: milliseconds,
  firstByteMs: milliseconds,
  stallMs: milliseconds,
  lowSpeed: {
    form: '{ bytesPerSecond, ms }',
    holds: (value) => {
      const { bytesPerSecond, ms } = (value ?? {}) as { bytesPerSecond?: unknown; ms?: unknown };
      return isWhole(bytesPerSecond, 1, Number.MAX_SAFE_INTEGER) && isWhole(ms, 1, MAX_MS);
    },
  },
};

const STORE_RULES: Record<string, Rule> = {
  endpoint: text,
  region: text,
  anonymous: truth,
  requesterPays: truth,
};

/**
 * The options of a download from what a program gives. An option that is misspelt is refused: one
 * that was to verify or to protect must not be passed over.
 * @throws SluiceError USAGE, TLS_FILES
 */
export function libraryOptions(url: string, given: GivenOptions): DownloadOptions {
  if (typeof url !== 'string') throw usage('the URL is not a text');
  const { proxy, noProxy, netrcFile, cookieFile, limitRate, range, resume, s3, ...others } = check(
    given,
    RULES,
    '',
  );
  const netrc = netrcFile === undefined ? null : readNetrc(netrcFile);
  const proxies = programsProxies({ proxy, noProxy });
  const base = defaultOptions(url);
  const cookies = cookieFile === undefined ? base.cookies : readCookies(cookieFile);
  const settings = { ...base.tls, ...check(given.tls ?? {}, TLS_RULES, 'tls.') };
  const pins = settings.pins ? parsePins(settings.pins) : null;
  const tls = { ...settings, ...checkPems(settings), pins };
  const deadlines = {
    ...base.deadlines,
    ...check(given.deadlines ?? {}, DEADLINE_RULES, 'deadlines.'),
  };
  const checksums = (given.checksums ?? []).map(({ algorithm, hex }) =>
    parseChecksum(`${algorithm}:${hex}`),
  );
  const scheme = referenceScheme(url);
  const asked = check(s3 ?? {}, STORE_RULES, 's3.');
  const rateLimit = limitRate ? new RateLimit(limitRate) : null;
  const options: DownloadOptions = {
    ...base,
    ...said(others),
    tls,
    deadlines,
    checksums,
    rateLimit,
    proxies,
    netrc,
    cookies,
    store: scheme === null ? null : { scheme, settings: asked },
  };
  if (resume === true) return freshOptions(options, range);
  return partOptions(
    options,
    range === undefined ? null : readPartOption(range),
    checksums.length > 0,
  );
}

/** @throws SluiceError USAGE when it is no path of a file */
export function checkTracePath(trace: unknown): void {
  check({ trace }, { trace: path }, '');
}

/** `output` names the download that is gone on with; its journal has the part of `range`. */
function freshOptions(options: DownloadOptions, range: string | undefined): DownloadOptions {
  if (options.output === null) throw usage('the option resume needs output');
  if (range !== undefined) throw usage('the options resume and range exclude each other');
  return resumeOptions(options.output, { ...options, freshLink: true });
}

const POOL_RULES: Record<string, Rule> = {
  connections: RULES.connections,
  perHost: whole(1, MAX_CONNECTIONS),
  limitRate: whole(1, Number.MAX_SAFE_INTEGER),
};

/**
 * The options of a pool.
 * @throws SluiceError USAGE
 */
export function poolOptions<Given extends object>(given: Given): Said<Given> {
  return said(check(given, POOL_RULES, 'pool.'));
}

/** The values that are said, each of which keeps its rule. */
function check<Given extends object>(
  given: Given,
  rules: Record<string, Rule>,
  prefix: string,
): Partial<Given> {
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) throw usage(`there is no option ${prefix}${name}`);
    if (value !== undefined && !rule.holds(value))
      throw usage(`the option ${prefix}${name} takes ${rule.form}`);
  }
  return said(given);
}

type Said<Given> = { [Name in keyof Given]?: Exclude<Given[Name], undefined> };

function said<Given extends object>(given: Given): Said<Given> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Said<Given>;
}

function usage(message: string): SluiceError {
  return new SluiceError('USAGE', message, { next: 'See LibraryOptions in the types of sluice.' });
}
