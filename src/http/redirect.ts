/** Redirects (RFC 9110 §15.4): where they lead, and where they may not. */
import { SluiceError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { ResponseHead } from './head.js';
import { redactUrl } from './redact.js';
import { excerpt } from './syntax.js';
import { MAX_URL_CHARS, mostCharacters } from './url.js';

/** Most redirects that are followed for one request (P11). */
export const MAX_REDIRECTS = 10;

/**
 * Whether an answer is followed. 304 is an answer in itself; so is 300, unless it names one of its
 * choices (RFC 9110 §15.4.1).
 */
export function isRedirect({ status, fields }: ResponseHead): boolean {
  return [301, 302, 303, 307, 308].includes(status) || (status === 300 && fields.has('location'));
}

/**
 * The URL that a redirect leads to: never with userinfo, for credentials are not taken from a
 * server; with the fragment of `from` unless Location has its own (RFC 9110 §10.2.2). Bytes above
 * 0x7F are percent-encoded as they are, so a Location in raw UTF-8 keeps its meaning.
 * @throws SluiceError REDIRECT_INVALID without one valid http or https Location; REDIRECT_DOWNGRADE
 *   from https to http, unless that is allowed.
 */
export function resolveRedirect(
  from: URL,
  head: ResponseHead,
  opts: { allowDowngrade: boolean },
): URL {
  const fail = (code: ErrorCode, message: string, more: { next?: string } = {}): SluiceError =>
    new SluiceError(code, message, {
      url: redactUrl(from),
      httpStatus: head.status,
      next: 'Check the URL, or ask whoever runs the server: the redirect does not lead to a file.',
      ...more,
    });
  const [location, ...others] = new Set(head.fields.getAll('location'));
  if (location === undefined || location === '') {
    // S3 says only in which region the bucket is.
    const region = /^[a-z0-9-]{1,64}$/.exec(head.fields.get('x-amz-bucket-region') ?? '')?.[0];
    if (region !== undefined)
      throw fail('REDIRECT_INVALID', `the bucket is in another region: ${region}`, {
        next: `Set AWS_REGION=${region} for the command.`,
      });
    throw fail('REDIRECT_INVALID', 'the server redirects, but does not say where to');
  }
  const tooLong = (most: number): SluiceError =>
    fail('REDIRECT_INVALID', `the redirect leads to a URL of more than ${most} characters`);
  if (location.length > mostCharacters(location)) throw tooLong(mostCharacters(location));
  if (others.length > 0) throw fail('REDIRECT_INVALID', 'the server redirects to several places');
  if (/[\x00-\x1f\x7f]/.test(location)) {
    throw fail('REDIRECT_INVALID', 'the redirect has a control character in its Location');
  }
  const to = parse(percentEncodeBytes(location), from);
  if (to === null) throw fail('REDIRECT_INVALID', 'the Location of the redirect is not a URL');
  // A relative one is as long as what it is relative to, and longer with each redirect.
  if (to.href.length > MAX_URL_CHARS) throw tooLong(MAX_URL_CHARS);
  if (to.protocol !== 'http:' && to.protocol !== 'https:') {
    throw fail(
      'REDIRECT_INVALID',
      `the redirect leads to ${excerpt(to.protocol)}, which is not http(s)`,
    );
  }
  if (from.protocol === 'https:' && to.protocol === 'http:' && !opts.allowDowngrade) {
    throw fail('REDIRECT_DOWNGRADE', `the redirect leads from https to ${excerpt(redactUrl(to))}`, {
      next: 'Ask for a URL that stays on https, or take the risk with --allow-downgrade.',
    });
  }
  to.username = '';
  to.password = '';
  if (!location.includes('#')) to.hash = from.hash;
  return to;
}

/** Whether two http(s) URLs have the same scheme, host and port (RFC 9110 §4.3.1). */
export function sameOrigin(a: URL, b: URL): boolean {
  return a.protocol === b.protocol && a.host === b.host;
}

/**
 * Whether what was given for one URL may be sent to another: to the same origin, and from http to https of
 * the same host on the usual ports, which is the same server under a better lock.
 */
export function isForOwner(owner: URL, target: URL): boolean {
  if (sameOrigin(owner, target)) return true;
  const isUpgrade = owner.protocol === 'http:' && target.protocol === 'https:';
  return isUpgrade && owner.hostname === target.hostname && owner.port === '' && target.port === '';
}

function percentEncodeBytes(latin1: string): string {
  return latin1.replace(
    /[\x80-\xff]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function parse(reference: string, base: URL): URL | null {
  try {
    return new URL(reference, base);
  } catch {
    return null;
  }
}
