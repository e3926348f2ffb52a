/** What is sent beside a request, left out where it is for somebody else (P11). */
import type { DownloadOptions, MirrorAccess } from '../transfer/options.js';

/** The options without anything that is for the origin of the user's URL. */
export function withoutCredentials(base: DownloadOptions): DownloadOptions {
  const tls = { ...base.tls, cert: null, key: null };
  const environment = { user: null, bearer: null };
  // What is for every machine is for those that the user names.
  const netrc = base.netrc?.filter(({ machine }) => machine !== null) ?? null;
  return {
    ...base,
    sign: null,
    store: null,
    headers: [],
    referer: null,
    user: null,
    bearer: null,
    environment,
    netrc,
    tls,
  };
}

/** What a mirror of a store is asked with, as long as nothing of its own is known. */
export function ownAccess(base: DownloadOptions): MirrorAccess['asked'] {
  const { sign, headers, referer, user, bearer, environment, netrc, tls } =
    withoutCredentials(base);
  // A pinned key is of the server of the user's URL.
  const own = {
    sign,
    headers,
    referer,
    user,
    bearer,
    environment,
    netrc,
    tls: { ...tls, pins: null },
  };
  return { ...own, credentialsFor: null };
}
