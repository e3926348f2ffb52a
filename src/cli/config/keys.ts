/**
 * The keys of the configuration: flags by their long names, so that there is one table of both, and what a
 * flag may be set for.
 */
import type { FlagInput } from '@oclif/core/interfaces';
import { getFlags, resumeFlags } from '../command-flags.js';

const allFlags = { ...resumeFlags, ...getFlags };

/** `general`: for every download. `host`: for one host, in its section. */
export type Scope = 'general' | 'any' | 'host';

/** A value that was said on the command line, or by a variable. */
export type Saying = 'flag' | 'environment';

type FlagName = keyof typeof allFlags;

/**
 * What may be set, and where. What is sent and who one is belongs to a host: a file stays for whatever is
 * downloaded next, and `any` would send a token to all of them.
 */
const FLAG_KEYS = {
  connections: 'any',
  'per-host': 'any',
  jobs: 'general',
  threads: 'general',
  'limit-rate': 'general',
  dir: 'general',
  'on-exists': 'general',
  window: 'general',
  sync: 'general',
  preallocate: 'general',
  header: 'host',
  'user-agent': 'any',
  referer: 'host',
  user: 'host',
  bearer: 'host',
  'cookie-file': 'general',
  netrc: 'general',
  'netrc-file': 'general',
  cacert: 'any',
  cert: 'host',
  key: 'host',
  'pinned-sha256': 'host',
  'tls-min': 'any',
  insecure: 'host',
  resolve: 'general',
  ipv4: 'general',
  ipv6: 'general',
  proxy: 'any',
  'no-proxy': 'general',
  'connect-timeout': 'any',
  'stall-timeout': 'any',
  'low-speed': 'any',
  'max-time': 'any',
  retries: 'any',
  'log-file': 'general',
  lanes: 'general',
  color: 'general',
  's3-endpoint': 'general',
  's3-anonymous': 'general',
  's3-requester-pays': 'general',
} as const satisfies Partial<Record<FlagName, Scope>>;

/** A flag that the configuration may set. */
export type FlagKey = keyof typeof FLAG_KEYS;

/** Keys that are no flags: the variable of the environment in which a secret is. */
export const VARIABLE_KEYS = {
  'user-env': 'the variable of the environment that has USER:PASSWORD',
  'bearer-env': 'the variable of the environment that has the token',
} as const;

export type Key = FlagKey | keyof typeof VARIABLE_KEYS;

/** Where a key may stand; undefined for what is no key. */
export function scopeOf(key: string): Scope | undefined {
  if (Object.hasOwn(VARIABLE_KEYS, key)) return 'host';
  return Object.hasOwn(FLAG_KEYS, key) ? FLAG_KEYS[key as FlagKey] : undefined;
}

export const FLAG_KEY_NAMES = Object.keys(FLAG_KEYS) as FlagKey[];

export const KEY_NAMES: readonly Key[] = [
  ...FLAG_KEY_NAMES,
  ...(Object.keys(VARIABLE_KEYS) as Array<keyof typeof VARIABLE_KEYS>),
];

/** Whether a key may stand in the general section, or in that of a host. */
export function mayStand(key: Key, isHost: boolean): boolean {
  const scope = scopeOf(key);
  return scope === 'any' || scope === (isHost ? 'host' : 'general');
}

/** What oclif is told of a flag. */
export interface FlagShape {
  type: 'boolean' | 'option';
  description: string;
  multiple: boolean;
  options: readonly string[] | undefined;
  /** Both are there for numbers only. */
  min: number | undefined;
  max: number | undefined;
  env: string | undefined;
  default: unknown;
}

export function shapeOf(key: FlagKey): FlagShape {
  const flag = (allFlags as FlagInput)[key] as unknown as Partial<FlagShape>;
  return {
    type: flag.type ?? 'option',
    description: flag.description ?? '',
    multiple: flag.multiple ?? false,
    options: flag.options,
    min: flag.min,
    max: flag.max,
    env: flag.env,
    default: flag.default,
  };
}

/** Paths: `~/` is the home directory, and a relative one counts from the configuration's own directory. */
export const PATH_KEYS: ReadonlySet<string> = new Set<FlagKey>([
  'dir',
  'cookie-file',
  'netrc-file',
  'cacert',
  'cert',
  'key',
  'log-file',
]);

/** What nobody else should read. */
const SECRET_KEYS: ReadonlySet<string> = new Set<Key>(['header', 'user', 'bearer']);

/** Whether a value is a secret; a proxy's is where it has credentials. */
export const isSecret = (key: string, value: unknown): boolean =>
  SECRET_KEYS.has(key) || (key === 'proxy' && typeof value === 'string' && value.includes('@'));

/** Keys that exclude or complete each other: whoever says one of them means none of the others. */
const TOGETHER: ReadonlyArray<readonly Key[]> = [
  ['ipv4', 'ipv6'],
  ['netrc', 'netrc-file'],
  ['cert', 'key'],
];

/** A key and those that it stands for. */
export const togetherWith = (key: string): readonly string[] =>
  TOGETHER.find((each) => (each as readonly string[]).includes(key)) ?? [key];
