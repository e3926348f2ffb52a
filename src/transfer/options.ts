/** What a download is told. The command line and the library fill it in. */
import type { RequestOptions } from '../open/options.js';
import type { RateLimit } from '../engine/rate-limit.js';
import type { WantedPart } from '../http/part-of-file.js';
import type { Preallocation } from '../disk/preallocate.js';

/** What to do when the target exists and is not this very download. */
export type OnExists = 'fail' | 'overwrite' | 'rename' | 'skip';

/**
 * When the file is forced to disk before it gets its name. `auto` does so when the download took
 * long enough that its loss would hurt; the journal is always synced in order (P3).
 */
export type SyncPolicy = 'auto' | 'full' | 'none';

/** Where a reference with a scheme of its own leads. It holds no secret. */
export interface StoreOrigin {
  scheme: string;
  settings: StoreSettings;
}

/** How a store is asked; the surroundings say what is absent. */
export interface StoreSettings {
  /** URL of the service. */
  endpoint?: string;
  region?: string;
  /** Nothing is signed, and no token is sent. */
  anonymous?: boolean;
  /** Who asks pays for the transfer. */
  requesterPays?: boolean;
}

/** How a mirror that a store has is asked: with what is the store's own, and nothing that is for the first URL (P11). */
export interface MirrorAccess {
  store: StoreOrigin;
  asked: Partial<RequestOptions>;
}

/** A name through which a file is found whose bytes lie under another. */
export interface Place {
  path: string;
  /** Makes the name lead to the file, which is there and whole. @throws SluiceError of the disk */
  finish: () => void;
}

export interface DownloadOptions extends RequestOptions {
  /** Gives a link that is good now, where the one in `url` may expire; null when it is good for ever. */
  freshUrl: (() => Promise<string>) | null;
  /** The part of the file that is wanted, which becomes a file of its own; null for all of it. */
  range: WantedPart | null;
  /**
   * What a reference with a scheme of its own (`s3://`) was, of which the URL was made; null for a URL over http.
   * The journal keeps it, so that `resume` finds credentials for such downloads only, and asks the same service.
   */
  store: StoreOrigin | null;
  /** Further URLs of the same file, in the order in which they are tried when one fails for good. */
  mirrors: string[];
  /** Which mirrors are of stores, by their URLs, and how these are asked. */
  mirrorAccess: ReadonlyMap<string, MirrorAccess>;
  /** Directory for server-given names and relative outputs; null for the current one. */
  dir: string | null;
  /** Where the user finds the file, when that is not where its bytes are; null when it is. */
  place: Place | null;
  /** Worker threads; null for as many as pay, 0 for none: leases run in the calling thread. */
  threads: number | null;
  /** Length in bytes that the file must have; null when nobody says. */
  size: number | null;
  /** What the user is told as soon as the download begins. */
  warnings: string[];
  /** The rate of all downloads of the run together; null for none. */
  rateLimit: RateLimit | null;
  /** Milliseconds for the whole download; null for no bound. */
  maxTimeMs: number | null;
  /** Failures in a row, without a byte between them, after which the download gives up. */
  retries: number;
  /** What happens when the target exists and is not this very download. */
  onExists: OnExists;
  /** Only if the server has something newer than the file that is there, which it then replaces; with its time of change. */
  timestamping: boolean;
  /** Whether the finished file is forced to disk. */
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
