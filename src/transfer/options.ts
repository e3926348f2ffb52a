/** What a download is told. The command line and the library fill it in. */
import type { ChecksumList } from '../formats/checksum-list.js';
import type { RateLimit } from '../engine/rate-limit.js';
import type { NetrcEntry } from '../formats/netrc.js';
import type { WantedPart } from '../http/part-of-file.js';
import type { Preallocation } from '../disk/preallocate.js';
import type { ChecksumSpec } from '../verify/checksum.js';
import type { Pieces } from '../verify/pieces.js';
import type { TlsSettings } from '../net/endpoint.js';
import type { Override } from '../net/overrides.js';
import type { ProxyRules } from '../net/proxies.js';
import type { Deadlines } from '../lease/task.js';
import type { Cookies } from './cookies.js';

/** What to do when the target exists and is not this very download. */
export type OnExists = 'fail' | 'overwrite' | 'rename' | 'skip';

/**
 * When the file is forced to disk before it gets its name. `auto` does so when the download took
 * long enough that its loss would hurt; the journal is always synced in order (P3).
 */
export type SyncPolicy = 'auto' | 'full' | 'none';

export interface DownloadOptions {
  url: string;
  /** Gives a link that is good now, where the one in `url` may expire; null when it is good for ever. */
  freshUrl: (() => Promise<string>) | null;
  /** The part of the file that is wanted, which becomes a file of its own; null for all of it. */
  range: WantedPart | null;
  /**
   * The fields that sign one request for a URL, made anew for each; null for none. They go to the origin of
   * the URL only (P11).
   */
  sign: ((url: URL) => Array<[string, string]>) | null;
  /** Further URLs of the same file, in the order in which they are tried when one fails for good. */
  mirrors: string[];
  /**
   * URL whose origin the credentials, header lines and client certificate are for (P11); null for
   * `url` itself.
   */
  credentialsFor: string | null;
  /** Path of the file; null to take the name from the server or the URL. */
  output: string | null;
  /** Directory for server-given names and relative outputs; null for the current one. */
  dir: string | null;
  connections: number | 'auto';
  /** Worker threads; null for as many as pay, 0 for none: leases run in the calling thread. */
  threads: number | null;
  checksums: ChecksumSpec[];
  /** Whether digests that the server gives are verified. */
  serverDigests: boolean;
  /** Lists in which the file must have a line; it is looked up by the file's name. */
  checksumLists: ChecksumList[];
  /** Length in bytes that the file must have; null when nobody says. */
  size: number | null;
  /** What each piece of the file must be; null when nobody says. */
  pieces: Pieces | null;
  /** What the user is told as soon as the download begins. */
  warnings: string[];
  /** The user's header lines, `Name: value`. */
  headers: string[];
  userAgent: string | null;
  referer: string | null;
  user: { user: string; password: string } | null;
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
  tls: TlsSettings;
  /** Addresses to use instead of asking the resolver. */
  resolve: Override[];
  /** Proxies, and the hosts that are reached without one. */
  proxies: ProxyRules;
  /** The only family of addresses to use; null for both. */
  family: 4 | 6 | null;
  /** Whether a redirect may lead from https to http. */
  allowDowngrade: boolean;
  deadlines: Deadlines;
  /** The rate of all downloads of the run together; null for none. */
  rateLimit: RateLimit | null;
  /** Milliseconds for the whole download; null for no bound. */
  maxTimeMs: number | null;
  /** Failures in a row, without a byte between them, after which the download gives up. */
  retries: number;
  onExists: OnExists;
  /** Only if the server has something newer than the file that is there, which it then replaces; with its time of change. */
  timestamping: boolean;
  sync: SyncPolicy;
  /** What space the part gets before its first byte. */
  preallocate: Preallocation;
  /** `resume` never starts over by itself; `get` does, and says so. */
  mode: 'get' | 'resume';
  /** With `resume`: the URL may be another one than the kept bytes are from, and has to prove itself (P7). */
  freshLink: boolean;
  /** Continue although nothing proves that the kept bytes belong to what the server has now (P7). */
  insist: boolean;
}
