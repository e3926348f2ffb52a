/** Names to addresses. */
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { SluiceError } from '../errors.js';
import { calledOff, onAbort, throwIfCalledOff } from './calling-off.js';
import { deadline } from './deadline.js';
import type { Address } from './endpoint.js';
import { failed } from './errors.js';

/** Alternates between the families, beginning with the resolver's first choice (RFC 8305 section 4). */
export function interleave(addresses: Address[]): Address[] {
  const first = addresses[0]?.family;
  const preferred = addresses.filter(({ family }) => family === first);
  const others = addresses.filter(({ family }) => family !== first);
  const mixed: Address[] = [];
  for (let i = 0; i < Math.max(preferred.length, others.length); i++) {
    const a = preferred[i];
    const b = others[i];
    if (a) mixed.push(a);
    if (b) mixed.push(b);
  }
  return mixed;
}

/** The most addresses of one name that are ever tried. */
const MAX_ADDRESSES = 32;

/**
 * Addresses of a host, best first. A literal address is its own answer.
 * @param timeoutMs how long the resolver may take
 * @param signal calls it off: nobody waits for the resolver then, which cannot be stopped
 * @throws SluiceError NAME_NOT_FOUND when the name does not exist or has no address of the family,
 * NAME_LOOKUP_FAILED when the resolver did not answer (worth a retry); the signal's reason
 */
export async function resolveHost(
  host: string,
  timeoutMs: number,
  family: 4 | 6 | null = null,
  signal: AbortSignal | null = null,
): Promise<Address[]> {
  throwIfCalledOff(signal);
  return ofFamily(host, await lookUp(host, timeoutMs, signal), family);
}

/**
 * Those of the addresses that are of the family; all of them when it is null.
 * @throws SluiceError NAME_NOT_FOUND when there is none
 */
export function ofFamily(host: string, addresses: Address[], family: 4 | 6 | null): Address[] {
  if (family === null) return addresses;
  const fitting = addresses.filter((each) => each.family === family);
  if (fitting.length > 0) return fitting;
  const message = `the host ${host} has no IPv${family} address`;
  throw new SluiceError('NAME_NOT_FOUND', message, { next: `Try it without -${family}.` });
}

function lookUp(host: string, timeoutMs: number, signal: AbortSignal | null): Promise<Address[]> {
  const literal = isIP(host);
  if (literal !== 0) return Promise.resolve([{ address: host, family: literal as 4 | 6 }]);
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => {
      endDeadline();
      reject(calledOff(signal));
    });
    const endDeadline = deadline(timeoutMs, () => {
      forget();
      reject(
        new SluiceError(
          'NAME_LOOKUP_FAILED',
          `looking up ${host} took over ${timeoutMs / 1000} s`,
          {
            next: 'Check the name server, or give more time with --connect-timeout.',
          },
        ),
      );
    });
    lookup(host, { all: true, verbatim: true }, (error, found) => {
      forget();
      endDeadline();
      if (error) reject(lookupError(host, error));
      else resolve(interleave(found.slice(0, MAX_ADDRESSES) as Address[]));
    });
  });
}

function lookupError(host: string, error: NodeJS.ErrnoException): SluiceError {
  const errno = error.code ?? 'unknown';
  if (errno === 'ENOTFOUND' || errno === 'ENODATA') {
    const message = `the host ${host} has no address`;
    return new SluiceError('NAME_NOT_FOUND', message, {
      errno,
      next: 'Check the spelling of the host and the network connection.',
    });
  }
  const message = failed(`looking up ${host}`, errno);
  return new SluiceError('NAME_LOOKUP_FAILED', message, {
    errno,
    next: 'Check the network connection and the name server, and try again.',
  });
}
