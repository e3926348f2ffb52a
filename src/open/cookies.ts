/**
 * The cookies of a run: those of the user's file, and those that servers set on the way. Each goes to
 * the hosts, paths and schemes that it is for (RFC 6265), and none is kept beyond the run. The package
 * that knows the public suffixes is loaded when there is a cookie, not before.
 */
import type * as Package from 'tough-cookie';
import type { Cookie, CookieJar } from 'tough-cookie';
import type { FileCookie } from '../formats/cookie-file.js';
import type { ResponseHead } from '../http/head.js';

/** Cookies that one answer may set, as for curl. */
export const MAX_OF_ANSWER = 50;

/** Characters of a Set-Cookie that is looked at (RFC 6265 section 6.1). */
export const MAX_COOKIE_CHARS = 4096;

/** Cookies that servers may set in a run. */
export const MAX_SET = 1000;

/** Characters of the field Cookie; what goes beyond is left out, as curl does. */
export const MAX_FIELD_CHARS = 8190;

/** What a field may have (RFC 9110 section 5.5). */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

export class Cookies {
  private jar: Promise<CookieJar> | null = null;
  private set = 0;

  /** @param given of the user's file */
  constructor(private readonly given: readonly FileCookie[] = []) {}

  /**
   * The value of Cookie for a URL: what the user says to send there, then what is not named in it.
   * @param own the user's own value for that URL, if any
   */
  async valueFor(url: URL, own: string | null): Promise<string | null> {
    if (this.jar === null && this.given.length === 0) return own;
    const jar = await (this.jar ??= this.fill());
    const named = new Set((own ?? '').split(';').map((pair) => pair.split('=', 1)[0]?.trim()));
    let value = own ?? '';
    for (const cookie of jar.getCookiesSync(url.href)) {
      const pair = cookie.cookieString();
      const longer = value === '' ? pair : `${value}; ${pair}`;
      if (named.has(cookie.key) || longer.length > MAX_FIELD_CHARS) continue;
      value = longer;
    }
    return value === '' ? own : value;
  }

  /** Takes the cookies that an answer sets; what is not for its host, or not well-formed, is passed over. */
  async hear(url: URL, head: ResponseHead): Promise<void> {
    const lines = head.fields.getAll('set-cookie').slice(0, MAX_OF_ANSWER);
    if (lines.length === 0) return;
    const jar = await (this.jar ??= this.fill());
    const { Cookie } = await load();
    for (const line of lines) {
      if (line.length > MAX_COOKIE_CHARS || !SENDABLE.test(line)) continue;
      const cookie = Cookie.parse(line);
      // Over http whoever is on the way would set what https trusts.
      if (cookie === undefined || (cookie.secure && url.protocol !== 'https:')) continue;
      if (this.set < MAX_SET && put(jar, cookie, url.href)) this.set++;
    }
  }

  private async fill(): Promise<CookieJar> {
    const { Cookie, CookieJar } = await load();
    const jar = new CookieJar(undefined, {
      rejectPublicSuffixes: true,
      allowSecureOnLocal: false,
    });
    for (const each of this.given) {
      const { domain, isHostOnly, path, isSecure, isHttpOnly, expiresMs, name, value } = each;
      const cookie = new Cookie({
        key: name,
        value,
        // Without one it is for the host that it is set for.
        domain: isHostOnly ? null : domain,
        path,
        secure: isSecure,
        httpOnly: isHttpOnly,
        expires: expiresMs === null ? 'Infinity' : new Date(expiresMs),
      });
      put(jar, cookie, `${isSecure ? 'https' : 'http'}://${domain}${encodeURI(path)}`);
    }
    return jar;
  }
}

/** Whether the jar took it: not for a public suffix, another site, or with a prefix that it has no right to. */
function put(jar: CookieJar, cookie: Cookie, url: string): boolean {
  try {
    return jar.setCookieSync(cookie, url) !== undefined;
  } catch {
    return false;
  }
}

function load(): Promise<typeof Package> {
  return import('tough-cookie');
}
