/** Which proxy a URL is reached through: what the user said, read as curl reads it. */
import { SluiceError } from '../errors.js';
import { excerpt } from '../http/syntax.js';
import { urlParts } from './endpoint.js';
import type { Proxy, ProxyKind } from './endpoint.js';
import { exemption } from './no-proxy.js';

/** What the user said, and where. The text may hold a password: it is never shown. */
export interface ProxySetting {
  text: string;
  /** `--proxy`, `--no-proxy`, or a variable of the environment. */
  from: string;
}

/** Proxies by the scheme of the URL, and the hosts that are reached without one. */
export interface ProxyRules {
  http: ProxySetting | null;
  https: ProxySetting | null;
  except: ProxySetting | null;
}

/** The proxy for a URL, or null; and why, for people: null where nobody named any. */
export interface ProxyChoice {
  proxy: Proxy | null;
  why: string | null;
}

/** No proxy for anything. */
export const NO_PROXIES: ProxyRules = { http: null, https: null, except: null };

/** Ports of proxies that are given without one, as curl has them. */
const DEFAULT_PORT: Readonly<Record<ProxyKind, number>> = {
  http: 1080,
  https: 443,
  socks5: 1080,
  socks5h: 1080,
};

/** Most characters of a proxy's address: as of a name and long credentials. */
const MAX_TEXT = 4096;

/**
 * The proxy that a URL is reached through.
 * @throws SluiceError USAGE when what names it cannot be read
 */
export function chooseProxy(rules: ProxyRules, url: URL): ProxyChoice {
  const { scheme, host, port } = urlParts(url);
  const setting = rules[scheme];
  if (setting === null) return { proxy: null, why: null };
  if (setting.text === '') return { proxy: null, why: `${setting.from} is empty` };
  const { except } = rules;
  const entry = except === null ? null : exemption(except.text, host, port);
  if (except !== null && entry !== null)
    return { proxy: null, why: `${except.from} has ${excerpt(entry)}` };
  return { proxy: parseProxy(setting), why: setting.from };
}

/**
 * Parses `[SCHEME://][USER[:PASSWORD]@]HOST[:PORT]`; without a scheme it is an http proxy.
 * @throws SluiceError USAGE, without what may be a secret
 */
export function parseProxy({ text, from }: ProxySetting): Proxy {
  const trimmed = text.trim();
  if (trimmed.length > MAX_TEXT) throw unreadable(from, 'it is too long');
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(trimmed);
  const kind = kindOf(scheme?.[1]?.toLowerCase() ?? 'http', from);
  const [authority = ''] = trimmed.slice(scheme?.[0].length ?? 0).split(/[/?#]/, 1);
  const at = authority.lastIndexOf('@');
  const [, name = '', digits] =
    /^(\[[^[\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(authority.slice(at + 1)) ?? [];
  const host = hostOf(name);
  const port = digits === undefined ? DEFAULT_PORT[kind] : Number(digits);
  if (host === null || port < 1 || port > 65535)
    throw unreadable(from, 'it has no valid host and port');
  const user = at < 0 ? null : userOf(authority.slice(0, at));
  if (user !== null) checkUser(user, kind, from);
  return { kind, host, port, user, from };
}

function kindOf(scheme: string, from: string): ProxyKind {
  switch (scheme) {
    case 'http':
    case 'https':
    case 'socks5':
    case 'socks5h':
      return scheme;
    default:
      throw unreadable(from, `the scheme ${excerpt(scheme)} is not supported`);
  }
}

/** The host as URLs have it: lower case, ASCII, without brackets. */
function hostOf(text: string): string | null {
  if (text === '' || !URL.canParse(`http://${text}/`)) return null;
  const { hostname, pathname, username } = new URL(`http://${text}/`);
  return pathname === '/' && username === '' ? hostname.replace(/^\[|\]$/g, '') : null;
}

function userOf(userinfo: string): Proxy['user'] {
  const colon = userinfo.indexOf(':');
  const [user, password] =
    colon < 0 ? [userinfo, ''] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)];
  return { user: decoded(user), password: decoded(password) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What the handshakes have no room for is told before anything is asked. */
function checkUser({ user, password }: NonNullable<Proxy['user']>, kind: ProxyKind, from: string) {
  if (kind === 'http' || kind === 'https') {
    if (user.includes(':')) throw unreadable(from, 'a user name for Basic cannot have a colon');
    if (/[\x00-\x1f\x7f]/.test(user + password))
      throw unreadable(from, 'the user name or the password has a control character');
    return;
  }
  // RFC 1929 section 2: one byte each for their lengths.
  const lengths = [user, password].map((each) => Buffer.byteLength(each));
  if (lengths.some((bytes) => bytes < 1 || bytes > 255))
    throw unreadable(from, 'SOCKS5 takes a user name and a password of 1 to 255 bytes each');
}

function unreadable(from: string, why: string): SluiceError {
  return new SluiceError('USAGE', `the proxy in ${from} cannot be used: ${why}`, {
    next: 'Write it as http://HOST:PORT; https, socks5 and socks5h are the other schemes.',
  });
}
