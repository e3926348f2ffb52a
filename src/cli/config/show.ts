/** What `info --config` tells: every value and where it comes from. Secrets are not told. */
import { configPath } from '../../app/config-file.js';
import { proxyRules, readProxy } from '../../app/proxies.js';
import { SluiceError } from '../../errors.js';
import { redactUrl, showText } from '../../http/redact.js';
import { parseUserUrl } from '../../http/url.js';
import { sectionsFor } from '../../app/host-sections.js';
import { isSaid } from './apply.js';
import { FLAG_KEY_NAMES, isSecret, shapeOf } from './keys.js';
import type { FlagKey, Key } from './keys.js';
import type { Entry, FlagValue } from './load.js';
import type { Settled } from './settle.js';

/** Where a value comes from. */
export type ValueSource = 'flag' | 'environment' | 'host' | 'general' | 'default';

export interface ShownValue {
  name: string;
  /** Null where nothing is set. Secrets are `[redacted]`. */
  value: FlagValue | null;
  source: ValueSource;
  /** The flag, the variable, or the section of the host. */
  from: string | null;
  /** The line of the configuration, from 1. */
  line: number | null;
}

/** `info --config --json` is this object. */
export interface ConfigReport {
  kind: 'config';
  /** The configuration that was read; null for none. */
  file: string | null;
  /** The URL for whose host the values are, redacted; null for those of all hosts. */
  url: string | null;
  values: ShownValue[];
}

const REDACTED = '[redacted]';

/**
 * What counts for a URL, or for all where there is none.
 * @throws SluiceError USAGE when the subject is no URL
 */
export function configReport(settled: Settled<unknown>, subject: string | null): ConfigReport {
  const url = subject === null ? null : urlOf(subject);
  const shower = new Shower(settled, url);
  return {
    kind: 'config',
    file: settled.configuration?.path ?? null,
    url: url === null ? null : redactUrl(url),
    values: FLAG_KEY_NAMES.map((key) => shower.show(key)),
  };
}

function urlOf(subject: string): URL {
  if (/^https?:\/\//i.test(subject)) return parseUserUrl(subject).url;
  throw new SluiceError('USAGE', '--config of `info` takes the URL of a download, or nothing', {
    next: 'Another configuration is read with --config-file FILE.',
  });
}

class Shower {
  constructor(
    private readonly settled: Settled<unknown>,
    private readonly url: URL | null,
  ) {}

  show(key: FlagKey): ShownValue {
    const found =
      this.ofFlag(key) ?? this.ofVariable(key) ?? this.ofConfig(key) ?? this.byDefault(key);
    return { name: key, ...found, value: shown(key, found.value) };
  }

  private ofFlag(key: FlagKey): Found | null {
    const how = this.settled.said.get(key);
    if (how === undefined) return null;
    const value = (this.settled.values as Record<string, FlagValue>)[key] ?? null;
    const from = how === 'flag' ? `--${key}` : (shapeOf(key).env ?? null);
    return { value, source: how, from, line: null };
  }

  /** The variables that are no flag's. */
  private ofVariable(key: FlagKey): Found | null {
    if (key !== 'user' && key !== 'bearer') return null;
    const name = key === 'user' ? 'SLUICE_USER' : 'SLUICE_BEARER';
    const host = process.env[`${name}_HOST`]?.toLowerCase();
    const isFor = this.url === null || host === this.url.hostname || host === this.url.host;
    if (!process.env[name] || !isFor) return null;
    return { value: REDACTED, source: 'environment', from: `${name} for ${host}`, line: null };
  }

  private ofConfig(key: FlagKey): Found | null {
    const { configuration, said } = this.settled;
    if (configuration === null || isSaid(said, key)) return null;
    for (const { pattern, entries } of this.sections()) {
      const entry = entries.get(key) ?? variableOf(entries, key);
      if (entry) return { ...entry, source: 'host', from: `hosts "${pattern}"` };
    }
    const entry = configuration.general.get(key);
    return entry === undefined ? null : { ...entry, source: 'general', from: null };
  }

  private sections() {
    const { url } = this;
    if (url === null) return [];
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    return sectionsFor(this.settled.configuration?.sections ?? [], { host, port });
  }

  private byDefault(key: FlagKey): Found {
    const ofSystem = key === 'proxy' || key === 'no-proxy' ? this.ofSystem(key) : null;
    if (ofSystem !== null) return ofSystem;
    const value = shapeOf(key).default;
    const isValue = ['string', 'number', 'boolean'].includes(typeof value);
    return {
      value: isValue ? (value as FlagValue) : null,
      source: 'default',
      from: null,
      line: null,
    };
  }

  /** What every program is told. */
  private ofSystem(key: 'proxy' | 'no-proxy'): Found | null {
    const { http, https, except } = proxyRules({}, process.env);
    const setting =
      key === 'no-proxy' ? except : this.url?.protocol === 'http:' ? http : (https ?? http);
    if (setting === null) return null;
    return { value: setting.text, source: 'environment', from: setting.from, line: null };
  }
}

type Found = Omit<ShownValue, 'name'>;

/** The variable that has the secret, by its name. */
function variableOf(entries: ReadonlyMap<Key, Entry>, key: FlagKey): Entry | null {
  if (key !== 'user' && key !== 'bearer') return null;
  const entry = entries.get(`${key}-env`);
  return entry === undefined ? null : { ...entry, value: `$${String(entry.value)}` };
}

function shown(key: FlagKey, value: FlagValue | null): FlagValue | null {
  if (key === 'proxy' && typeof value === 'string' && value !== '') return shownProxy(value);
  if (Array.isArray(value) && key === 'header')
    return value.map((line) => `${/^[^:;]*/.exec(line)?.[0] ?? ''}: ${REDACTED}`);
  if (isSecret(key, value) && typeof value === 'string' && !value.startsWith('$')) return REDACTED;
  return value;
}

/** Without its credentials. */
function shownProxy(text: string): string {
  try {
    const { kind, host, port } = readProxy({ text, from: 'proxy' });
    return `${kind}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  } catch {
    return REDACTED;
  }
}

/** The report for people: a line a value. */
export function configLines(report: ConfigReport, isRead: boolean): string[] {
  const none = isRead ? `none (${configPath(process.env)} is not there)` : 'none (--no-config)';
  const rows = report.values.map(({ name, value, source, from, line }) => [
    name,
    value === null ? '-' : Array.isArray(value) ? value.join(', ') : String(value),
    source === 'default' ? source : [from, line && `line ${line}`].filter(Boolean).join(', '),
  ]);
  const widths = [0, 1].map((at) => Math.max(...rows.map((row) => showText(row[at] ?? '').length)));
  return [
    `configuration: ${showText(report.file ?? none)}`,
    ...(report.url === null ? [] : [`for: ${report.url}`]),
    ...rows.map((row) =>
      row
        .map((cell, at) => showText(cell).padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  ];
}
