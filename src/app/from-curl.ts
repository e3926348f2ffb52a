/** A copied curl command as a download. */
import { SluiceError } from '../errors.js';
import { parseCurl } from '../formats/curl.js';
import { parseHeaderFlag } from '../http/request.js';
import { noProxies, noUserAgent, noVerify, sectionsWithout } from '../open/host-sections.js';
import type { HostValues } from '../open/host-values.js';
import type { DownloadOptions } from '../transfer/options.js';
import { readCookies } from './credential-files.js';
import type { Fetching } from './documents.js';
import { textOf } from './documents.js';
import { allOf } from './input-list.js';
import { proxyRules } from './proxies.js';
import { splitUser } from './users.js';

/**
 * The download that a command says. What `base` says beats it, and its own header lines join the command's.
 * @param text the command, or `-` for the standard input
 * @throws SluiceError USAGE, CREDENTIALS_FILE
 */
export async function curlDownload(
  text: string,
  base: DownloadOptions,
  input: AsyncIterable<Uint8Array>,
  { signal }: Fetching,
): Promise<DownloadOptions> {
  const command = text === '-' ? await readAll(input, signal) : text;
  const said = parseCurl(command);
  const given = new Set(base.headers.map(nameOf));
  const isProxied = said.proxy !== null && base.proxies.http?.from !== '--proxy';
  const leave = (values: HostValues): HostValues => {
    const agent = said.userAgent === null ? values : noUserAgent(values);
    const proxied = said.proxy === null ? agent : noProxies(agent);
    return said.insecure ? noVerify(proxied) : proxied;
  };
  return {
    ...base,
    url: said.url,
    sections: sectionsWithout(base.sections, leave),
    headers: [...said.headers.filter((line) => !given.has(nameOf(line))), ...base.headers],
    userAgent: base.userAgent ?? said.userAgent,
    referer: base.referer ?? said.referer,
    user: base.user ?? (said.user === null ? null : splitUser(said.user, '-u of the curl command')),
    bearer: base.bearer ?? said.bearer,
    ...(said.cookieFile !== null && { cookies: readCookies(said.cookieFile) }),
    tls: said.insecure ? { ...base.tls, verify: false } : base.tls,
    ...(isProxied && {
      proxies: {
        ...proxyRules(
          { proxy: said.proxy ?? '' },
          {},
          { proxy: '-x of the curl command', noProxy: '' },
        ),
        except: base.proxies.except,
      },
    }),
  };
}

const nameOf = (line: string): string => parseHeaderFlag(line).name.toLowerCase();

async function readAll(input: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<string> {
  const pieces = await allOf(input, 'the command on standard input', signal);
  const text = [...textOf(pieces)].join('');
  if (text.trim() === '')
    throw new SluiceError('USAGE', 'there is no command on standard input', {
      next: 'Pipe what "Copy as cURL" has copied: xclip -o | sluice get --from-curl -',
    });
  return text;
}
