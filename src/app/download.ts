/** Use case: download files, one after the other. */
import { ERROR_CODES, SluiceError } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import { redactUrl } from '../http/redact.js';
import { Download } from '../transfer/download.js';
import { StreamDownload } from '../transfer/stream.js';
import type { Output } from '../transfer/stream.js';
import type { DoneEvent, DownloadEvent, DownloadSnapshot, ErrorEvent } from '../transfer/events.js';
import type { DownloadOptions } from '../transfer/options.js';
import { logWithout } from './without.js';

/** Who watches the downloads. */
export interface Watcher {
  /** A download begins; its snapshot may be read until its last event. */
  begin(handle: { snapshot(): DownloadSnapshot }): void;
  event(event: DownloadEvent): void;
}

/** A download to come. Its options are looked up when its turn comes, and may turn out to be none. */
export interface Planned {
  /** Where it goes, as far as the user said. */
  path: string | null;
  /** @throws SluiceError */
  options: () => DownloadOptions;
  /** Where the bytes go in order, and how far ahead of it they are fetched; else they go to a file. */
  stream?: { output: Output; windowBytes: number };
}

/** Several downloads, and the way to stop them. */
export class Downloads {
  private current: Download | StreamDownload | null = null;
  private stopped: SluiceError | null = null;

  constructor(
    private readonly watcher: Watcher,
    private readonly log: Log = silentLog,
  ) {}

  /** Stops the one that runs and starts no further one; what is durable is kept. */
  stop(error: SluiceError): void {
    this.stopped ??= error;
    this.current?.stop(error);
  }

  /**
   * Runs the downloads in turn. A failed one does not keep the next from running.
   * @returns the exit status of the first that failed, or 0
   */
  async run(list: readonly Planned[]): Promise<ExitStatus> {
    let status: ExitStatus = 0;
    const off = logWithout(this.log);
    try {
      for (const planned of list) {
        if (this.stopped !== null) break;
        const last = await this.runOne(planned);
        if (last.type === 'error' && status === 0) status = ERROR_CODES[last.code];
      }
    } finally {
      off();
    }
    return this.stopped === null ? status : this.stopped.exitStatus;
  }

  private async runOne({
    path,
    options: settle,
    stream,
  }: Planned): Promise<DoneEvent | ErrorEvent> {
    const emit = (event: DownloadEvent): void => this.watcher.event(event);
    let url = '';
    try {
      const options = settle();
      url = options.url;
      const hooks = { emit, log: this.log };
      const download =
        stream === undefined
          ? new Download(options, hooks)
          : new StreamDownload(options, stream.output, stream.windowBytes, hooks);
      this.current = download;
      this.watcher.begin(download);
      return await download.run();
    } catch (thrown) {
      const event = refusedEvent(SluiceError.from(thrown), url, path);
      emit(event);
      return event;
    } finally {
      this.current = null;
    }
  }
}

/** The last event of a download that could not even begin. */
function refusedEvent(error: SluiceError, url: string, path: string | null): ErrorEvent {
  const { next } = error.details;
  return {
    type: 'error',
    url: url === '' ? '' : redactUrl(url),
    path: path ?? '',
    code: error.code,
    exitStatus: error.exitStatus,
    message: error.message,
    ...(next === undefined ? {} : { next }),
  };
}
