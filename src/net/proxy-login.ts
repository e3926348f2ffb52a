/**
 * Who one is at an http proxy: Basic at once, and Digest (RFC 7616) as soon as it asks for that. Each thread has
 * challenges of its own, so that no two of them count the requests with one nonce.
 */
import { basicCredentials } from '../http/auth.js';
import { chooseDigest, digestCredentials, parseChallenges } from '../http/challenge.js';
import type { DigestChallenge } from '../http/challenge.js';
import type { ResponseHead } from '../http/head.js';
import { proxyName } from './endpoint.js';
import type { ProxyHop } from './endpoint.js';

interface Session {
  challenge: DigestChallenge;
  cnonce: string;
  count: number;
}

/** The last challenge of each proxy, by its name and user. */
const sessions = new Map<string, Session>();

const keyOf = (proxy: Pick<ProxyHop, 'kind' | 'host' | 'port' | 'user'>): string =>
  JSON.stringify([proxyName(proxy), proxy.user]);

/**
 * The value of Proxy-Authorization for one request; null without credentials.
 * @param uri the request target, as it is sent
 */
export function proxyAuthorization(proxy: ProxyHop, method: string, uri: string): string | null {
  const { user: login } = proxy;
  if (login === null) return null;
  const session = sessions.get(keyOf(proxy));
  if (session === undefined) return basicCredentials(login.user, login.password);
  const { challenge, cnonce } = session;
  return digestCredentials(challenge, {
    ...login,
    method,
    uri,
    cnonce,
    count: ++session.count,
    hash,
  });
}

/** Whether the proxy has asked for Digest, so that each request needs a value of its own. */
export const asksDigest = (proxy: ProxyHop): boolean => sessions.has(keyOf(proxy));

/**
 * Takes up what a 407 asks for.
 * @param tries challenges that were taken up for this request already
 * @returns whether the request is worth being sent again
 */
export function takesChallenge(
  proxy: ProxyHop,
  { status, fields }: ResponseHead,
  tries: number,
): boolean {
  if (status !== 407 || proxy.user === null || tries > 1) return false;
  const challenge = chooseDigest(parseChallenges(fields.getAll('proxy-authenticate')));
  // The answer to a nonce that it had just given was not taken: the password is wrong.
  if (challenge === null || (tries === 1 && !challenge.isStale)) return false;
  const cnonce = process.getBuiltinModule('node:crypto').randomBytes(16).toString('hex');
  sessions.set(keyOf(proxy), { challenge, cnonce, count: 0 });
  return true;
}

/** Node's crypto takes 4 ms to load, and hardly any proxy needs it. */
function hash(algorithm: string, text: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash(algorithm).update(text, 'utf8').digest('hex');
}
