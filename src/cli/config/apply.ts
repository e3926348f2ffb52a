/** A configuration as values of flags, and as what is set for hosts. */
import { readPemFiles } from '../../app/pem.js';
import { parsePins } from '../../app/pins.js';
import { proxyRules } from '../../app/proxies.js';
import { splitUser } from '../../app/users.js';
import { SluiceError } from '../../errors.js';
import type { HostSection, HostValues } from '../../app/host-sections.js';
import type { DownloadOptions } from '../../transfer/options.js';
import { parseConnections, parseLowSpeed, parseMaxTime, parseTime } from '../options.js';
import type { Settings } from '../options.js';
import { scopeOf, togetherWith } from './keys.js';
import type { Key, Saying } from './keys.js';
import type { Configuration, Entries, FlagValue } from './load.js';

/** Hosts that are reached without a proxy, where that is said, and who says it. */
interface NoProxy {
  text: string | undefined;
  from: string;
}

type Said = ReadonlyMap<string, Saying>;

/** What a value is called in messages. */
const nameIn = (key: Key, where: string): string => `"${key}" in ${where}`;

/** The values of the flags with what is set for all hosts, and what is set for each. */
export function applied<Values>(
  values: Values,
  said: Said,
  configuration: Configuration,
): Settings & { values: Values } {
  const { general, path } = configuration;
  const set: Record<string, FlagValue> = {};
  for (const [key, { value }] of general)
    if (scopeOf(key) === 'general' && !isSaid(said, key)) set[key] = value;
  const noProxy = 'no-proxy' in set ? nameIn('no-proxy', path) : '--no-proxy';
  return {
    values: { ...values, ...set },
    sections: sectionsOf(configuration, said, {
      text: (set['no-proxy'] ?? (values as { 'no-proxy'?: string })['no-proxy']) as string,
      from: noProxy,
    }),
    names: { proxy: '--proxy', noProxy },
  };
}

/** Whether the command line or the environment say it, or what it goes together with. */
export const isSaid = (said: Said, key: string): boolean =>
  togetherWith(key).some((each) => said.has(each));

/** The sections of hosts, and what is set for all of them as one of `*`. */
function sectionsOf(
  { general, sections, path }: Configuration,
  said: Said,
  noProxy: NoProxy,
): HostSection[] {
  const all = [...sections, { pattern: '*', entries: general }];
  return all.map(({ pattern, entries }): HostSection => {
    const reader = new SectionReader(pattern, entries, said, path, noProxy);
    let known: HostValues | null = null;
    return { pattern, values: () => (known ??= reader.values()) };
  });
}

class SectionReader {
  constructor(
    private readonly pattern: string,
    private readonly entries: Entries,
    private readonly said: Said,
    private readonly where: string,
    private readonly noProxy: NoProxy,
  ) {}

  /** @throws SluiceError TLS_FILES, USAGE, CONFIG_INVALID */
  values(): HostValues {
    const headers = this.list('header');
    const userAgent = this.text('user-agent');
    const referer = this.text('referer');
    const proxy = this.text('proxy');
    const perHost = this.value('per-host');
    const user = this.secret('user');
    const bearer = this.secret('bearer');
    return {
      ...(headers !== undefined && { headers }),
      ...(userAgent !== undefined && { userAgent }),
      ...(referer !== undefined && { referer }),
      ...(user !== undefined && { user: splitUser(user, nameIn('user', this.where)) }),
      ...(bearer !== undefined && { bearer }),
      ...(proxy !== undefined && { proxies: this.proxies(proxy) }),
      ...(typeof perHost === 'number' && { perHost }),
      tls: this.tls(),
      options: this.options(),
      deadlines: this.deadlines(),
    };
  }

  private value(key: Key): FlagValue | undefined {
    return isSaid(this.said, key) ? undefined : this.entries.get(key)?.value;
  }

  private text(key: Key): string | undefined {
    const value = this.value(key);
    return typeof value === 'string' ? value : undefined;
  }

  private list(key: Key): string[] | undefined {
    const value = this.entries.get(key)?.value;
    return Array.isArray(value) ? value : undefined;
  }

  /** The value itself, or that of the variable that is named. The flag's is for the host of the URL alone. */
  private secret(key: 'user' | 'bearer'): string | undefined {
    const own = this.entries.get(key)?.value;
    if (typeof own === 'string') return own;
    const variable = this.entries.get(`${key}-env`);
    if (typeof variable?.value !== 'string') return undefined;
    const value = process.env[variable.value];
    if (value !== undefined && value !== '') return value;
    // Whoever says who one is needs no variable.
    if (this.said.has('user') || this.said.has('bearer')) return undefined;
    throw new SluiceError(
      'CONFIG_INVALID',
      `line ${variable.line} of the configuration names the variable ${variable.value}, which is not set`,
      { path: this.where, next: `Set it, for instance: export ${variable.value}=...` },
    );
  }

  private proxies(text: string): DownloadOptions['proxies'] {
    const isForAll = this.pattern === '*';
    // Whoever names a proxy for a host means it, whatever is set for others; the command line alone beats that.
    const counts = isForAll || this.said.has('no-proxy');
    const names = { proxy: nameIn('proxy', this.where), noProxy: this.noProxy.from };
    const noProxy = counts ? this.noProxy.text : undefined;
    return proxyRules({ proxy: text, noProxy }, isForAll ? process.env : {}, names);
  }

  private tls(): NonNullable<HostValues['tls']> {
    const ca = this.text('cacert') ?? null;
    const cert = this.text('cert') ?? null;
    const pems = readPemFiles({ ca, cert, key: this.text('key') ?? null });
    const insecure = this.value('insecure');
    const minVersion = this.text('tls-min');
    const pins = isSaid(this.said, 'pinned-sha256') ? undefined : this.list('pinned-sha256');
    return {
      ...(ca !== null && { ca: pems.ca }),
      ...(cert !== null && { cert: pems.cert, key: pems.key }),
      ...(typeof insecure === 'boolean' && { verify: !insecure }),
      ...(minVersion !== undefined && { minVersion: minVersion as '1.2' | '1.3' }),
      ...(pins !== undefined && { pins: parsePins(pins) }),
    };
  }

  private options(): NonNullable<HostValues['options']> {
    const connections = this.text('connections');
    const maxTime = this.text('max-time');
    const retries = this.value('retries');
    return {
      ...(connections !== undefined && {
        connections: parseConnections(connections, 'connections'),
      }),
      ...(maxTime !== undefined && { maxTimeMs: parseMaxTime(maxTime, 'max-time') }),
      ...(typeof retries === 'number' && { retries }),
    };
  }

  private deadlines(): NonNullable<HostValues['deadlines']> {
    const connect = this.text('connect-timeout');
    const stall = this.text('stall-timeout');
    const lowSpeed = this.text('low-speed');
    const stallMs = stall === undefined ? null : parseTime(stall, 'stall-timeout');
    return {
      ...(connect !== undefined && { connectMs: parseTime(connect, 'connect-timeout') }),
      ...(stallMs !== null && { firstByteMs: stallMs, stallMs }),
      ...(lowSpeed !== undefined && { lowSpeed: parseLowSpeed(lowSpeed, 'low-speed') }),
    };
  }
}
