/** What the requests for a file depend on. */
import type { ChecksumList } from '../formats/checksum-list.js';
import type { NetrcEntry } from '../formats/netrc.js';
import type { Deadlines } from '../lease/task.js';
import type { TlsSettings } from '../net/endpoint.js';
import type { Override } from '../net/overrides.js';
import type { ProxyRules } from '../net/proxies.js';
import type { ChecksumSpec } from '../verify/checksum.js';
import type { Pieces } from '../verify/pieces.js';
import type { Cookies } from './cookies.js';
import type { HostSection } from './host-values.js';

export interface RequestOptions {
  url: string;
  /**
   * The fields that sign one request for a URL, made anew for each; null for none. They go to the origin of
   * the URL only (P11).
   */
  sign: ((url: URL) => Array<[string, string]>) | null;
  /**
   * URL whose origin the credentials, header lines and client certificate are for (P11); null for
   * `url` itself.
   */
  credentialsFor: string | null;
  /** Path of the file; null to take the name from the server or the URL. */
  output: string | null;
  /** Connections at once, 1 to 64, or as many as pay. */
  connections: number | 'auto';
  /** Digests that the file must have before it gets its name. */
  checksums: ChecksumSpec[];
  /** Whether digests that the server gives are verified. */
  serverDigests: boolean;
  /** Lists in which the file must have a line; it is looked up by the file's name. */
  checksumLists: ChecksumList[];
  /** What each piece of the file must be; null when nobody says. */
  pieces: Pieces | null;
  /** The user's header lines, `Name: value`. */
  headers: string[];
  /** The value of User-Agent, for every server; null for sluice's own. */
  userAgent: string | null;
  /** The value of Referer; null for none. */
  referer: string | null;
  /** Credentials for Basic or Digest (RFC 7617, RFC 7616). */
  user: { user: string; password: string } | null;
  /** A bearer token (RFC 6750). */
  bearer: string | null;
  /** Of the user's file and of servers; all downloads of a run share them. */
  cookies: Cookies;
  /** What the environment says, which all that is given beats. */
  environment: {
    /** The host, or HOST:PORT, that it is for. */
    user: { user: string; password: string; host: string } | null;
    bearer: { token: string; host: string } | null;
  };
  /** Entries of a netrc file, each for its host; null when it is not used. */
  netrc: NetrcEntry[] | null;
  /** What is trusted, and what is shown to the server. */
  tls: TlsSettings;
  /** What is set for hosts, each for itself. */
  sections: readonly HostSection[];
  /** Addresses to use instead of asking the resolver. */
  resolve: Override[];
  /** Proxies, and the hosts that are reached without one. */
  proxies: ProxyRules;
  /** The only family of addresses to use; null for both. */
  family: 4 | 6 | null;
  /** Whether a redirect may lead from https to http. */
  allowDowngrade: boolean;
  deadlines: Deadlines;
}
