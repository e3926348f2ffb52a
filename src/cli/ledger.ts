/** Which files have begun and not yet ended, so that each ends exactly once. */
import type { DownloadEvent } from '../transfer/events.js';
import type { DisplayHandle } from './display.js';

/** A file that has begun. */
export interface OpenFile {
  url: string;
  /** The final path; the name may become known only with the first answer. */
  path: string;
  handle?: DisplayHandle;
  /** Whether an event has told the path; until then it may change. */
  named?: boolean;
}

const ends = ({ type }: DownloadEvent): boolean => type === 'done' || type === 'error';

/**
 * Follows files through their events. A file is open from `begin`, or from its first event, to
 * its first `done` or `error`; what comes later for it is refused, unless a `start` opens it anew.
 */
export class Ledger {
  readonly #open: OpenFile[] = [];
  readonly #ended = new Set<string>();

  begin(handle: DisplayHandle): void {
    const { url, path } = handle.snapshot();
    this.#ended.delete(key({ url, path }));
    this.#open.push({ url, path, handle });
  }

  /** The file that the event belongs to, or null when that file has ended. */
  admit(event: DownloadEvent): OpenFile | null {
    let file = this.#find(event);
    if (!file) {
      if (event.type !== 'start' && this.#ended.has(key(event))) return null;
      file = { url: event.url, path: event.path };
      this.#open.push(file);
    }
    if (event.path !== '') Object.assign(file, { path: event.path, named: true });
    if (ends(event)) {
      this.#open.splice(this.#open.indexOf(file), 1);
      this.#ended.add(key(event));
    }
    return file;
  }

  /** The files that have not ended, in the order in which they began. */
  unfinished(): readonly OpenFile[] {
    return [...this.#open];
  }

  /** Several downloads may share a URL; the path tells them apart once it is known. */
  #find({ url, path }: DownloadEvent): OpenFile | undefined {
    const same = this.#open.filter((file) => file.url === url);
    return (
      same.find((file) => file.path === path) ??
      // The name that `--on-exists rename` chose comes with the end.
      same.find((file) => file.handle?.snapshot().path === path) ??
      (this.#ended.has(key({ url, path })) ? undefined : same.find((file) => !file.named))
    );
  }
}

const key = ({ url, path }: { url: string; path: string }): string => JSON.stringify([url, path]);
