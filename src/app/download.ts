/** Use case: download files, some at once. */
import { ERROR_CODES, SluiceError } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { removeUnused } from '../disk/directories.js';
import { PER_HOST } from '../limits.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import type { Trace } from '../trace.js';
import { redactUrl } from '../http/redact.js';
import { Download } from '../transfer/download.js';
import { StreamDownload } from '../transfer/stream.js';
import type { Output } from '../transfer/stream.js';
import type { DownloadEvent, DownloadSnapshot, ErrorEvent } from '../transfer/events.js';
import type { DownloadOptions, Place } from '../transfer/options.js';
import { withHostOptions } from '../open/host-sections.js';
import { Session } from '../transfer/session.js';
import type { SessionOptions } from '../transfer/session.js';
import { logWithout } from './without.js';

/** Who watches the downloads. */
export interface Watcher {
  /** A download begins; its snapshot may be read until its last event. */
  begin(handle: { snapshot(): DownloadSnapshot }, index: number): void;
  event(event: DownloadEvent): void;
}

/** A download to come. Its options are looked up when its turn comes, and may turn out to be none. */
export interface Planned {
  /** Where it goes, as far as the user said. */
  path: string | null;
  /** @throws SluiceError */
  options: () => DownloadOptions | Promise<DownloadOptions>;
  /** Where the bytes go in order, and how far ahead of it they are fetched; else they go to a file. */
  stream?: { output: Output; windowBytes: number };
}

/** How several downloads share the machine and the servers. */
export interface Sharing {
  /** Files at once. */
  jobs: number;
  /** Connections to one host over all files. */
  perHost: number;
  /** What is set for one host. */
  hostBound?: SessionOptions['hostBound'];
  /** The user said so. */
  isStrict: boolean;
}

/** Several downloads, and the way to stop them. */
export class Downloads {
  private readonly running = new Set<Download | StreamDownload>();
  private stopped: SluiceError | null = null;
  /** The first that failed, by its number. */
  private failed: { index: number; status: ExitStatus } | null = null;

  constructor(
    private readonly watcher: Watcher,
    private readonly log: Log = silentLog,
    private readonly sharing: Sharing = { jobs: 1, perHost: PER_HOST, isStrict: false },
    private readonly trace: Trace | null = null,
  ) {}

  /** Stops those that run and starts no further one; what is durable is kept. */
  stop(error: SluiceError): void {
    this.stopped ??= error;
    for (const download of this.running) download.stop(error);
  }

  /**
   * Runs the downloads, some at once, begun in their order. A failed one does not keep others from running.
   * @returns the exit status of the first that failed, by its place in the list, or 0
   */
  async run(list: readonly Planned[]): Promise<ExitStatus> {
    const off = logWithout(this.log);
    const session = new Session({ ...this.sharing, log: this.log });
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < list.length && this.stopped === null) {
        const index = next++;
        await this.runOne(list[index] as Planned, index, session);
      }
    };
    try {
      const jobs = Math.min(this.sharing.jobs, list.length);
      await Promise.all(Array.from({ length: jobs }, work));
    } finally {
      await session.close();
      // A directory for files that the server refused would be all that such a run leaves.
      removeUnused();
      off();
    }
    return this.stopped?.exitStatus ?? this.failed?.status ?? 0;
  }

  private async runOne(
    { path, options: settle, stream }: Planned,
    index: number,
    session: Session,
  ) {
    const trace = this.trace?.file(index) ?? null;
    let place: Place | null = null;
    const emit = (said: DownloadEvent): void => {
      const event = place === null ? said : atPlace(said, place);
      if (event.type === 'error') this.note(event, index);
      logEvent(this.log, event, index);
      // How far it is, samples say.
      if (event.type !== 'progress') trace?.({ type: 'event', event });
      this.watcher.event({ ...event, index });
    };
    let url = '';
    let download: Download | StreamDownload | null = null;
    try {
      const options = withHostOptions(await settle());
      url = options.url;
      ({ place } = options);
      const hooks = { emit, log: this.log, trace, session };
      download =
        stream === undefined
          ? new Download(options, hooks)
          : new StreamDownload(options, stream.output, stream.windowBytes, hooks);
      this.running.add(download);
      // It may have been called off while the options were looked up.
      if (this.stopped !== null) download.stop(this.stopped);
      this.watcher.begin(place === null ? download : seenAt(download, place), index);
      await download.run();
    } catch (thrown) {
      emit(refusedEvent(SluiceError.from(thrown), url, path));
    } finally {
      if (download !== null) this.running.delete(download);
    }
  }

  private note({ code }: ErrorEvent, index: number): void {
    if (this.failed === null || index < this.failed.index)
      this.failed = { index, status: ERROR_CODES[code] };
  }
}

/** The event as it is of the file where the user finds it, which it is once it is whole. */
function atPlace(event: DownloadEvent, place: Place): DownloadEvent {
  const { path } = place;
  if (event.type !== 'done') return { ...event, path };
  try {
    place.finish();
  } catch (thrown) {
    return {
      ...refusedEvent(SluiceError.from(thrown), '', path),
      url: event.url,
      kept: event.path,
    };
  }
  return { ...event, path };
}

/** The download, under the name that it is for. */
function seenAt(
  download: { snapshot(): DownloadSnapshot },
  { path }: Place,
): { snapshot(): DownloadSnapshot } {
  return { snapshot: () => ({ ...download.snapshot(), path }) };
}

/** What began and how it ended; all that is between is logged where it is decided. */
function logEvent(log: Log, event: DownloadEvent, index: number): void {
  if (event.type === 'start') {
    const { url, path, size, resumed, connections, ranges } = event;
    log.info({ index, url, path, size, resumed, connections, ranges }, 'started');
  } else if (event.type === 'done') {
    const { path, outcome, bytes, fetched, seconds, connections, limitedBy } = event;
    log.info({ index, path, outcome, bytes, fetched, seconds, connections, limitedBy }, 'done');
  } else if (event.type === 'error') {
    const { url, path, code, exitStatus, kept, next } = event;
    log.error({ index, url, path, code, exitStatus, kept, next }, event.message);
  }
}

/** The last event of a download that could not even begin. */
function refusedEvent(error: SluiceError, url: string, path: string | null): ErrorEvent {
  const { next, url: shown } = error.details;
  return {
    type: 'error',
    url: shown ?? (url === '' ? '' : redactUrl(url)),
    path: path ?? '',
    code: error.code,
    exitStatus: error.exitStatus,
    message: error.message,
    ...(next === undefined ? {} : { next }),
  };
}
