/**
 * What the user has set for hosts. It is looked up for the host that is really asked: what is sent, whom
 * TLS trusts and which proxy is used follow each redirect, and nothing of one host's goes to another (P11).
 */
import { sameOrigin } from '../http/redirect.js';
import { PER_HOST } from '../limits.js';
import { urlParts } from '../net/endpoint.js';
import type { HostSection, HostValues } from './host-values.js';
import type { RequestOptions } from './options.js';

/** Where something is asked. */
interface Place {
  host: string;
  port: number;
}

/** The sections for a host, the closest first: with its port, by its name, then by the longest part of it. */
export function sectionsFor<Section extends Pick<HostSection, 'pattern'>>(
  sections: readonly Section[],
  { host, port }: Place,
): Section[] {
  const name = host.includes(':') ? `[${host}]` : host;
  const rank = ({ pattern }: Section): number => {
    if (pattern === `${name}:${port}`) return Infinity;
    if (pattern === name || pattern === host) return MOST_NAME;
    if (pattern === '*') return 1;
    const isBelow = pattern.startsWith('*.') && host.endsWith(pattern.slice(1));
    return isBelow ? pattern.length : 0;
  };
  return sections
    .map((section) => ({ section, rank: rank(section) }))
    .filter((each) => each.rank > 0)
    .sort((a, b) => b.rank - a.rank)
    .map(({ section }) => section);
}

/** Longer than any pattern with a star (RFC 1035 section 2.3.4). */
const MOST_NAME = 1000;

/**
 * The values for a host: each from the closest section that has it.
 * @throws SluiceError TLS_FILES, USAGE
 */
export function valuesFor(sections: readonly HostSection[], place: Place): HostValues {
  if (sections.length === 0) return NOTHING;
  const all = sectionsFor(sections, place).map(({ values }) => values());
  return all.reduceRight<HostValues>((below, own) => {
    const merged: HostValues = { ...below, ...own };
    if (below.headers && own.headers) merged.headers = withoutSame(own.headers, below.headers);
    if (below.tls && own.tls) merged.tls = { ...below.tls, ...own.tls };
    if (below.options && own.options) merged.options = { ...below.options, ...own.options };
    if (below.deadlines && own.deadlines)
      merged.deadlines = { ...below.deadlines, ...own.deadlines };
    return merged;
  }, NOTHING);
}

const NOTHING: HostValues = {};

/** The same for the host of a URL. */
export const valuesForUrl = (sections: readonly HostSection[], url: URL): HostValues =>
  sections.length === 0 ? NOTHING : valuesFor(sections, urlParts(url));

/**
 * What is sent to a host that nobody named: a redirect, which may be a stranger's, decides who is asked, so
 * that is done over https only. Who is sent there, and whom TLS trusts, is the host's own business.
 */
export function sentTo(
  sections: readonly HostSection[],
  owner: URL,
  url: URL,
): Pick<HostValues, 'headers' | 'referer' | 'user' | 'bearer'> {
  if (!sameOrigin(owner, url) && url.protocol !== 'https:') return NOTHING;
  return valuesForUrl(sections, url);
}

/** Header lines, and those of the others whose names are not among them. */
function withoutSame(lines: readonly string[], others: readonly string[]): string[] {
  const names = new Set(lines.map(fieldName));
  return [...lines, ...others.filter((line) => !names.has(fieldName(line)))];
}

const fieldName = (line: string): string => (/^[^:;]*/.exec(line)?.[0] ?? '').toLowerCase();

/** The sections without what a download says itself: that beats what is set. */
export function sectionsWithout(
  sections: readonly HostSection[],
  leave: (values: HostValues) => HostValues,
): HostSection[] {
  return sections.map(({ pattern, values }) => ({ pattern, values: () => leave(values()) }));
}

/** Leaves out how many connections there are. */
export const noConnections = ({ options, ...values }: HostValues): HostValues => {
  const { connections: _, ...others } = options ?? {};
  return { ...values, options: others };
};

/** Leaves out what the program calls itself. */
export const noUserAgent = ({ userAgent: _, ...values }: HostValues): HostValues => values;

/** Leaves out the proxies. */
export const noProxies = ({ proxies: _, ...values }: HostValues): HostValues => values;

/** Leaves out whether certificates are verified. */
export const noVerify = ({ tls, ...values }: HostValues): HostValues => {
  const { verify: _, ...others } = tls ?? {};
  return { ...values, tls: others };
};

/**
 * The options of a download with what is set for the host of its URL.
 * @throws SluiceError TLS_FILES, USAGE
 */
export function withHostOptions<Options extends RequestOptions>(options: Options): Options {
  const { sections, url, deadlines } = options;
  if (sections.length === 0 || !URL.canParse(url)) return options;
  const own = valuesForUrl(sections, new URL(url));
  const { lowSpeed: given, ...before } = deadlines;
  const { lowSpeed: set, ...times } = own.deadlines ?? {};
  const lowSpeed = set === undefined ? given : set;
  return {
    ...options,
    ...own.options,
    deadlines: { ...before, ...times, ...(lowSpeed && { lowSpeed }) },
  };
}

/** Connections to a host at most, and whether none is opened beside them, not even for a moment. */
interface HostBound {
  perHost: number;
  isStrict: boolean;
}

/** How many connections a host may have by what is set for it: a number of them, or as many as one file may have. */
export function hostBounds(
  sections: readonly HostSection[],
): ((place: Place) => HostBound | null) | undefined {
  if (sections.length === 0) return undefined;
  return (place) => {
    const { perHost, options } = valuesFor(sections, place);
    if (perHost !== undefined) return { perHost, isStrict: true };
    const own = Number(options?.connections) || 0;
    return own > PER_HOST ? { perHost: own, isStrict: false } : null;
  };
}
