/** Options with everything that the caller did not say. */
import { NO_PROXIES } from '../net/proxies.js';
import { Cookies } from '../open/cookies.js';
import type { DownloadOptions } from '../transfer/options.js';

/** What `get URL` does without a flag. */
export function defaultOptions(url: string): DownloadOptions {
  return {
    url,
    range: null,
    freshUrl: null,
    sign: null,
    store: null,
    mirrors: [],
    mirrorAccess: new Map(),
    credentialsFor: null,
    output: null,
    dir: null,
    place: null,
    connections: 'auto',
    threads: null,
    checksums: [],
    serverDigests: true,
    checksumLists: [],
    size: null,
    pieces: null,
    warnings: [],
    headers: [],
    userAgent: null,
    referer: null,
    user: null,
    bearer: null,
    cookies: new Cookies(),
    environment: { user: null, bearer: null },
    netrc: null,
    sections: [],
    tls: { ca: null, cert: null, key: null, verify: true },
    resolve: [],
    proxies: NO_PROXIES,
    family: null,
    allowDowngrade: false,
    rateLimit: null,
    deadlines: { connectMs: 30_000, firstByteMs: 30_000, stallMs: 30_000 },
    maxTimeMs: null,
    retries: 5,
    onExists: 'fail',
    timestamping: false,
    sync: 'auto',
    preallocate: 'sparse',
    mode: 'get',
    freshLink: false,
    insist: false,
  };
}
