/**
 * Digest authentication (RFC 7616) of one download: the challenges of the origins that it asks, and the
 * values that answer them. The count of requests with a nonce is kept here, in the main thread, and each
 * lease gets its value when it is made: a server may refuse a count that it has seen, whatever the cnonce.
 */
import { chooseDigest, digestCredentials, parseChallenges } from '../http/challenge.js';
import type { DigestChallenge } from '../http/challenge.js';
import type { ResponseHead } from '../http/head.js';
import { requestTarget } from '../http/request.js';

/** Who one is on a server. */
export interface Login {
  user: string;
  password: string;
}

interface Session {
  challenge: DigestChallenge;
  cnonce: string;
  count: number;
  /** The server did not take the answer to a nonce that it had just given: the password is wrong. */
  isRefused: boolean;
}

export class Logins {
  private readonly sessions = new Map<string, Session>();

  /** @param loginFor who one is for a URL; null when nobody said */
  constructor(private readonly loginFor: (url: URL) => Login | null) {}

  /** The value of Authorization for one more request; null where no Digest was asked for. */
  valueFor(url: URL): string | null {
    const session = this.sessions.get(url.origin);
    const login = this.loginFor(url);
    if (session === undefined || login === null) return null;
    return digestCredentials(session.challenge, {
      ...login,
      method: 'GET',
      uri: requestTarget(url),
      cnonce: session.cnonce,
      count: ++session.count,
      hash,
    });
  }

  /**
   * Takes up what a 401 asks for.
   * @param tries challenges that were taken up for this request already
   * @returns whether the request is worth being sent again
   */
  take(url: URL, { status, fields }: ResponseHead, tries: number): boolean {
    if (status !== 401 || tries > 1 || this.loginFor(url) === null) return false;
    const challenge = chooseDigest(parseChallenges(fields.getAll('www-authenticate')));
    if (challenge === null) return false;
    const known = this.sessions.get(url.origin);
    if (known !== undefined && tries === 1 && !challenge.isStale) known.isRefused = true;
    if (known?.isRefused === true) return false;
    if (known?.challenge.nonce === challenge.nonce && !challenge.isStale) return false;
    const cnonce = process.getBuiltinModule('node:crypto').randomBytes(16).toString('hex');
    this.sessions.set(url.origin, { challenge, cnonce, count: 0, isRefused: false });
    return true;
  }
}

/** Node's crypto takes 4 ms to load, and hardly any download needs it here. */
function hash(algorithm: string, text: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash(algorithm).update(text, 'utf8').digest('hex');
}
