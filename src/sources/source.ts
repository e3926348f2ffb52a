/** What a kind of source is: it turns what the user wrote into requests over http. */

/** One file of a source. */
export interface SourceFile {
  url: string;
  /** Safe components of a path below the directory of the download; null for the name that the URL has. */
  path: string[] | null;
  /** What the user should know of it. */
  warning?: string;
  /** Where it belongs in the cache of the hub; absent unless that was asked for. */
  cached?: CachedFile;
}

/** What the cache of a hub knows a file by. All of it is safe as components of a path. */
export interface CachedFile {
  /** Of the cache, as the user's environment says; absolute. */
  directory: string;
  /** Of the repository in it. */
  folder: string;
  commit: string;
  /** Components of the name of the branch or the tag that was asked for; null for a commit. */
  ref: string[] | null;
  /** Its name there, which is a digest: the SHA-256 of what is in the large storage, else the id of a git object. */
  blob: string;
  /** Length in bytes; null where the hub does not say. */
  size: number | null;
}

/** How a store is asked; the surroundings say what is absent. None of it is secret: the journal keeps it. */
export interface StoreSettings {
  /** URL of the service. */
  endpoint?: string;
  region?: string;
  /** Nothing is signed, and no token is sent. */
  anonymous?: boolean;
  /** Who asks pays for the transfer. */
  requesterPays?: boolean;
}

/** The fields that sign one request. */
export type Signer = (url: URL) => Array<[string, string]>;

/** What is known where the command runs. */
export interface Surroundings {
  settings: StoreSettings;
  env: Readonly<Record<string, string | undefined>>;
  /** The home directory. */
  home: string;
  /** A small file of the user's; null when it is not there. `~` is the home directory. */
  read: (path: string) => string | null;
  /** A document, with the credentials of the source. @throws SluiceError */
  fetch: (url: string) => Promise<string>;
  /** A page of a list of objects, in the same way. @throws SluiceError */
  objects: (url: string) => Promise<{ keys: string[]; next: string | null }>;
}

/** Which of several files are wanted. */
export interface Wanted {
  /** The reference is a prefix, and all objects below it are wanted. */
  recursive: boolean;
  include: readonly string[];
  exclude: readonly string[];
  /** Into the cache that the hub's own programs have. */
  cache: boolean;
}

/** A kind of source: one file of this directory has one. */
export interface SourceKind {
  /** As in `scheme://`. */
  scheme: string;
  /** Whether it lists what is below a prefix. */
  listsPrefixes?: boolean;
  /** Whether its own programs have a cache. */
  hasCache?: boolean;
  /**
   * The token for an origin, if the surroundings have one; null for none. Asked with each URL that is
   * downloaded: it must hand out a token only for its own service.
   */
  bearerFor(url: URL, around: Surroundings): string | null;
  /** What signs each request for a URL of its service; null for nothing. */
  signerFor?(url: URL, around: Surroundings): Promise<Signer | null>;
  /** The settings with what the surroundings add, as far as the URLs of its files depend on it. */
  settled?(around: Surroundings): StoreSettings;
  /**
   * The files that a reference names.
   * @throws SluiceError URL_INVALID, and those of fetching
   */
  files(reference: string, wanted: Wanted, around: Surroundings): Promise<SourceFile[]>;
}
