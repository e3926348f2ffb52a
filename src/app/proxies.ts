/** Proxies from the command line and the environment, as curl reads both. */
import { NO_PROXIES, parseProxy } from '../net/proxies.js';
import type { ProxyRules, ProxySetting } from '../net/proxies.js';

export { parseProxy as readProxy } from '../net/proxies.js';

/** Variables of the environment. */
type Variables = Readonly<Record<string, string | undefined>>;

/** What the command line says of proxies; undefined where it says nothing. */
export interface GivenProxies {
  proxy?: string | undefined;
  noProxy?: string | undefined;
}

/**
 * The proxies to use. What is given beats the environment; given and empty, it says that there is none.
 * @throws SluiceError USAGE when the given proxy cannot be read; that of a variable is read when it is needed
 */
export function proxyRules(
  given: GivenProxies,
  env: Variables,
  names: { proxy: string; noProxy: string } = { proxy: '--proxy', noProxy: '--no-proxy' },
): ProxyRules {
  const { proxy: text, noProxy } = given;
  const except =
    noProxy === undefined
      ? variable(env, 'no_proxy', 'NO_PROXY')
      : { text: noProxy, from: names.noProxy };
  if (text === undefined) {
    const all = variable(env, 'all_proxy', 'ALL_PROXY');
    return {
      // In a CGI script HTTP_PROXY is what a stranger sent as the field Proxy.
      http: variable(env, 'http_proxy') ?? all,
      https: variable(env, 'https_proxy', 'HTTPS_PROXY') ?? all,
      except,
    };
  }
  const setting = { text, from: names.proxy };
  if (text !== '') parseProxy(setting);
  return { http: setting, https: setting, except };
}

/** Proxies that a program gives; the environment says nothing. */
export function programsProxies(given: GivenProxies): ProxyRules {
  if (given.proxy === undefined && given.noProxy === undefined) return NO_PROXIES;
  const names = { proxy: 'the option proxy', noProxy: 'the option noProxy' };
  return proxyRules({ proxy: '', ...given }, {}, names);
}

/** The first of the variables that is set and not empty. */
function variable(env: Variables, ...names: string[]): ProxySetting | null {
  for (const from of names) {
    const text = env[from];
    if (text !== undefined && text !== '') return { text, from };
  }
  return null;
}
