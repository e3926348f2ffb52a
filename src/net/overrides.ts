/** Addresses that the user gives for a host instead of asking the resolver (`--resolve`). */
import { isIP } from 'node:net';
import { SluiceError } from '../errors.js';
import { redactWords } from '../http/redact.js';
import type { Address } from './endpoint.js';

/** The addresses of one host and port. */
export interface Override {
  /** As a URL has it, without brackets; `*` for every host. */
  host: string;
  port: number;
  addresses: Address[];
}

/**
 * Parses `HOST:PORT:ADDRESS[,ADDRESS]...`, curl's form. IPv6 addresses may be in brackets.
 * @throws SluiceError USAGE
 */
export function parseOverride(text: string): Override {
  const match = /^(\*|\[[^\]]+\]|[^:[\]]+):(\d{1,5}):(.+)$/s.exec(text);
  const host = hostOf(match?.[1] ?? '');
  const port = Number(match?.[2] ?? 0);
  const addresses = (match?.[3] ?? '').split(',').map(addressOf);
  if (host === null || port < 1 || port > 65535 || addresses.includes(null)) {
    throw new SluiceError('USAGE', `--resolve takes HOST:PORT:ADDRESS, not ${redactWords(text)}`, {
      next: 'For instance --resolve example.org:443:192.0.2.1,[2001:db8::1].',
    });
  }
  return { host, port, addresses: addresses as Address[] };
}

/** The addresses that the user gave for a host and port; null when there are none. The last one counts. */
export function overridden(
  overrides: readonly Override[],
  host: string,
  port: number,
): Address[] | null {
  const fits = (each: Override): boolean =>
    each.port === port && (each.host === host || each.host === '*');
  return overrides.findLast(fits)?.addresses ?? null;
}

/** The host in the form that URLs have: lower case, ASCII, without brackets. */
function hostOf(text: string): string | null {
  if (text === '*') return text;
  if (!URL.canParse(`http://${text}/`)) return null;
  const url = new URL(`http://${text}/`);
  const bare = url.username === '' && url.port === '' && url.pathname === '/' && url.search === '';
  return bare && url.hash === '' ? url.hostname.replace(/^\[|\]$/g, '') : null;
}

function addressOf(text: string): Address | null {
  const address = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  const family = isIP(address);
  return family === 0 ? null : { address, family: family as 4 | 6 };
}
