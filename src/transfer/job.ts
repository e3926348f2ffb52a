/** What is known of one download while it runs. The driver's parts share it; nobody else sees it. */
import { MAX_MESSAGE, shortened } from '../errors.js';
import type { SluiceError } from '../errors.js';
import type { Log } from '../log.js';
import type { JournalIdentity } from '../disk/journal.js';
import { nameFromUrl } from '../http/names.js';
import { redactUrl } from '../http/redact.js';
import type { Validators } from '../http/validators.js';
import type { Ledger } from '../schedule/ledger.js';
import type { Slots } from '../lease/task.js';
import { Ladder } from '../open/ladder.js';
import { Asker } from '../open/ask.js';
import type { Asked } from '../open/ask.js';
import type { Dispatcher } from '../engine/dispatcher.js';
import type { DownloadEvent, DownloadSnapshot } from './events.js';
import { LocalExecutor } from '../engine/executors.js';
import type { LimitedBy } from '../schedule/types.js';
import type { Offer } from '../open/offer.js';
import type { DownloadOptions, StoreOrigin } from './options.js';
import type { Endpoint } from '../net/endpoint.js';
import type { Session } from './session.js';
import { sourceIdOf } from './source-id.js';
import { cutOf, partName } from '../http/part-of-file.js';
import type { Cut } from '../http/part-of-file.js';
import { SOURCES_AT_ONCE, maxConnections } from './most.js';
import { Defects } from '../engine/defects.js';
import { Patience } from '../engine/patience.js';
import { Suspects } from './suspects.js';
import { Verification } from './verification.js';
import type { Workspace } from '../disk/workspace.js';

/** The file and the connections of a download whose answer is in. */
export interface Work {
  offer: Offer;
  /** The answer whose body is still to be read; null once a dispatcher has it. */
  asked: Asked | null;
  ledger: Ledger;
  slots: Slots;
}

/** What a representation is known by. */
export interface Known {
  validators: Validators;
  /** Length in bytes; null while the server has not told and the body has not ended. */
  total: number | null;
  /** It is a web page itself. */
  isPage?: boolean;
}

/** A server may name mirrors until there are so many sources. */
const MAX_NAMED_SOURCES = 16;

export class Job {
  readonly local: LocalExecutor;
  /** The URL as it may be shown. */
  readonly shownUrl: string;
  /** Number of the first of its connections; no other file of the process has them. */
  readonly firstConnection: number;
  private readonly askers: Asker[];
  private readonly makeAsker: (options: DownloadOptions) => Asker;
  private first = 0;
  private turn = 0;
  readonly verification: Verification;
  /** Who has the names that it takes: a run knows that for good, and must not keep all of its downloads for it. */
  readonly taker = {};
  /** Which source brought which bytes. */
  readonly suspects = new Suspects(() => this.sources);
  /** Where bodies fell silent. */
  readonly patience = new Patience();
  readonly defects = new Defects();
  /** How the present source is asked. */
  ladder = new Ladder();
  readonly abort = new AbortController();
  readonly startedMs = performance.now();
  phase: DownloadSnapshot['phase'] = 'asking';
  workspace: Workspace | null = null;
  /** The file's path, once it is settled. */
  target: string | null = null;
  /** The path that the file got in the end. */
  published: string | null = null;
  work: Work | null = null;
  dispatcher: Dispatcher | null = null;
  /** What held the last transfer back. */
  limitedBy: LimitedBy = 'unknown';
  known: Known | null = null;
  identity: Omit<JournalIdentity, 'part'> | null = null;
  /** Comparing what an unclean run left with what it wrote; resolves to what differs. */
  claims: Promise<Array<{ start: number; end: number }>> | null = null;
  /** Bytes that an earlier run left. */
  resumed = 0;
  /** Body bytes received in this run. */
  fetched = 0;
  /** The most connections that received at once. */
  peak = 0;
  /** Bytes that stay on disk for a later run, after a failure. */
  kept = 0;
  /** What an earlier run left, as long as nothing is done with it; `size` in bytes, where it is known. */
  left: { bytes: number; size: number | null } | null = null;
  /** What is in the part is proven by its pieces, whichever source it came from. */
  proven = false;
  /** Ranges that the digests of the pieces found wrong; null while that is not known. */
  bad: Array<{ start: number; end: number }> | null = null;
  /**
   * The most bytes of the present source that were in place when the work ended. What has to be
   * fetched again because no two answers belong together is no progress a second time.
   */
  private furthest = 0;
  /** All that is verified next was left by an earlier run, and no server was asked yet. */
  unasked = false;
  /** Why a digest refused what an earlier run left whole; null once the server has answered to that. */
  refusal: SluiceError | null = null;
  /** The server has still what an earlier run left whole. */
  confirmed = false;
  /** Where the file lies in the representation; null while only the length of that can tell. */
  cut: Cut | null;
  /** Length of the representation in bytes, as the present source told it; null while it has not. */
  whole: number | null = null;
  /** Only one answer on one connection can be believed, or had. */
  alone = false;
  /** Who the last answer says it came through ({@link onTheWay}); what is odd about the bytes may be their doing. */
  way = '';
  /** The user knows that mirrors do not work at the same time, and why. */
  toldAlone = false;
  notices: string[] = [];
  /** Tells an event; what it quotes is an excerpt where it is long. */
  readonly emit: (event: DownloadEvent) => void;

  /** @throws SluiceError URL_INVALID, USAGE */
  constructor(
    readonly options: DownloadOptions,
    emit: (event: DownloadEvent) => void,
    readonly log: Log,
    readonly session: Session,
  ) {
    this.shownUrl = redactUrl(options.url);
    const { engine } = session;
    this.local = new LocalExecutor(engine.connections);
    this.firstConnection = engine.numbers(SOURCES_AT_ONCE * maxConnections(options));
    const shared = {
      hosts: session.hosts(options, log),
      asking: (endpoint: Endpoint) => engine.host(endpoint).ask(),
    };
    this.emit = (event) => emit(bounded(event));
    const credentialsFor = options.credentialsFor ?? options.url;
    const mirrors = options.mirrors.map((url) => ({
      ...options,
      url,
      credentialsFor,
      ...options.mirrorAccess.get(url)?.asked,
    }));
    this.makeAsker = (each) => new Asker(each, engine.connections, log, shared);
    this.askers = [options, ...mirrors].map(this.makeAsker);
    this.verification = new Verification(options);
    this.cut = cutOf(options.range);
  }

  /** Number of the present source: the next one by turn that no digest speaks against. */
  get present(): number {
    const { length } = this.askers;
    const order = Array.from({ length }, (_, at) => (this.first + this.turn + at) % length);
    return order.find((source) => !this.suspects.isAside(source)) ?? (order[0] as number);
  }

  /** Who asks the present source. */
  get asker(): Asker {
    return this.askerAt(this.present);
  }

  /** Who asks a source, by its number. */
  askerAt(source: number): Asker {
    return this.askers[source] as Asker;
  }

  /** The URLs that the user gave, the first one first, as a journal keeps them: without userinfo. */
  get givenUrls(): string[] {
    const { mirrors, freshUrl } = this.options;
    // A link that a program gives anew each time is not kept.
    if (freshUrl !== null) return [];
    return this.askers.slice(0, 1 + mirrors.length).map(({ url }) => url.href);
  }

  /** The stores that these are of, null for the first and for those of none; as a journal keeps them. */
  get givenStores(): Array<StoreOrigin | null> {
    const { mirrors, mirrorAccess } = this.options;
    return [null, ...mirrors.map((url) => mirrorAccess.get(url)?.store ?? null)];
  }

  /** The server names mirrors: they are sources like those that the user gave, behind these. */
  addMirrors(urls: readonly URL[]): void {
    const { options } = this;
    const credentialsFor = options.credentialsFor ?? options.url;
    for (const { href: url } of urls) {
      if (this.askers.length >= MAX_NAMED_SOURCES || this.isSource(url)) continue;
      this.askers.push(this.makeAsker({ ...options, url, credentialsFor }));
    }
  }

  /** How many sources may work at the same time. */
  get atOnce(): number {
    return Math.min(SOURCES_AT_ONCE, this.sources);
  }

  /** What journals and receipts know the present source by. */
  get sourceId(): string {
    return this.idOf(this.asker);
  }

  private idOf({ url }: Asker): string {
    return sourceIdOf(url, this.options);
  }

  /** Asks the program for a link that is good now, if it gives such. */
  async refreshLink(): Promise<void> {
    const { freshUrl } = this.options;
    if (freshUrl !== null && this.asker === this.askers[0]) this.asker.moveTo(await freshUrl());
  }

  /** The file's name, from that of the whole. */
  named(name: string): string {
    return partName(name, this.options.range);
  }

  /** Takes note of how many bytes are in place; whether there are more than ever before. */
  reaches(inPlace: number): boolean {
    const isFurther = inPlace > this.furthest;
    this.furthest = Math.max(this.furthest, inPlace);
    return isFurther;
  }

  /** Ends what is being asked, and waits for the leases of this thread. */
  async close(): Promise<void> {
    for (const asker of this.askers) asker.close();
    await this.local.finish();
  }

  /** How many sources there are. */
  get sources(): number {
    return this.askers.length;
  }

  /** Whether what a journal knows a download by is one of the sources. */
  isSource(id: string): boolean {
    return this.askers.some((asker) => this.idOf(asker) === id);
  }

  /** Takes the source first that kept bytes are from; false when it is none of them. */
  beginWith(id: string): boolean {
    const index = this.askers.findIndex((asker) => this.idOf(asker) === id);
    if (index >= 0) this.first = index;
    return index >= 0;
  }

  /** Goes on with another source: number `turn` modulo their number. */
  takeSource(turn: number): void {
    this.turn = turn;
    this.furthest = 0;
    this.whole = null;
    if (this.sources === 1) return;
    this.alone = false;
    this.ladder = new Ladder();
    this.verification.forgetServer();
  }

  /** The file's path as far as it is known. */
  get path(): string {
    return (
      this.published ??
      this.target ??
      this.options.output ??
      this.named(nameFromUrl(this.asker.url))
    );
  }

  /** Fields of every event. */
  get base(): { url: string; path: string } {
    return { url: this.shownUrl, path: this.path };
  }

  /** Tells something that the user should know, and goes on. */
  warn(said: string): void {
    const message = shortened(said, MAX_MESSAGE);
    this.log.warn({}, message);
    this.notices = [message, ...this.notices].slice(0, 3);
    this.emit({ type: 'warning', ...this.base, message });
  }
}

/** The event with its sentences bounded: some are made of several, each with what it quotes. */
function bounded(event: DownloadEvent): DownloadEvent {
  switch (event.type) {
    case 'retry':
      return { ...event, reason: shortened(event.reason, MAX_MESSAGE) };
    case 'start':
      return event.reason === undefined
        ? event
        : { ...event, reason: shortened(event.reason, MAX_MESSAGE) };
    case 'warning':
    case 'error':
      return { ...event, message: shortened(event.message, MAX_MESSAGE) };
    case 'progress':
    case 'done':
      return event;
  }
}
