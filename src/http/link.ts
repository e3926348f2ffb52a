/** Mirrors that a server names in Link fields (RFC 8288, RFC 6249 section 2). Pure. */
import type { ResponseHead } from './head.js';

/** Links that are read of one head at most. */
const MAX_LINKS = 64;

/** The priority of a link that has none (RFC 6249 section 3.1). */
const LAST = 999_999;

const PRIORITY = /^\d{1,6}$/;

interface Link {
  href: string;
  /** Names in lower case, values without quotes. */
  parameters: Map<string, string>;
}

/**
 * Mirrors of the same file, best first. Links to other protocols than http and https, and from https
 * to http, are passed over.
 * @param from the URL that answered
 */
export function duplicates({ fields }: ResponseHead, from: URL): URL[] {
  const value = fields.get('link');
  if (value === undefined) return [];
  const found: Array<{ url: URL; priority: number }> = [];
  for (const { href, parameters } of readLinks(value)) {
    const relations = (parameters.get('rel') ?? '').toLowerCase().split(/\s+/);
    if (!relations.includes('duplicate') || !URL.canParse(href, from.href)) continue;
    const url = new URL(href, from);
    const isUsable =
      url.protocol === 'https:' || (url.protocol === 'http:' && from.protocol === 'http:');
    if (!isUsable) continue;
    url.username = url.password = url.hash = '';
    const pri = parameters.get('pri') ?? '';
    found.push({ url, priority: PRIORITY.test(pri) ? Number(pri) : LAST });
  }
  return found.sort((a, b) => a.priority - b.priority).map(({ url }) => url);
}

/** The links of a field's value; what is not a link ends the reading. */
function readLinks(value: string): Link[] {
  const links: Link[] = [];
  let at = 0;
  while (links.length < MAX_LINKS) {
    while (at < value.length && ' \t,'.includes(value[at] as string)) at++;
    if (value[at] !== '<') return links;
    const close = value.indexOf('>', at);
    if (close < 0) return links;
    const end = endOfLink(value, close + 1);
    const parameters = readParameters(value.slice(close + 1, end));
    links.push({ href: value.slice(at + 1, close).trim(), parameters });
    at = end;
  }
  return links;
}

/** Where the comma behind a link is; those in quoted strings are none. */
function endOfLink(value: string, from: number): number {
  let isQuoted = false;
  for (let at = from; at < value.length; at++) {
    const char = value[at];
    if (isQuoted && char === '\\') at++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (char === ',' && !isQuoted) return at;
  }
  return value.length;
}

/** The first of each name counts (RFC 8288 section 3.3 for rel). */
function readParameters(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const name = part.slice(0, equals).trim().toLowerCase();
    const value = part.slice(equals + 1).trim();
    const bare = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    if (!found.has(name)) found.set(name, bare);
  }
  return found;
}
