/** Which files have begun and not yet ended, so that each ends exactly once. */
import type { DownloadEvent } from '../transfer/events.js';
import type { DisplayHandle } from './display.js';

/** A file that has begun. */
export interface OpenFile {
  url: string;
  /** The final path; the name may become known only with the first answer. */
  path: string;
  /** Number of the file in the run. */
  index?: number;
  handle?: DisplayHandle;
}

const ends = ({ type }: DownloadEvent): boolean => type === 'done' || type === 'error';

/**
 * Follows files through their events. A file is open from `begin`, or from its first event, to
 * its first `done` or `error`; what comes later for it is refused, unless it begins anew.
 */
export class Ledger {
  readonly #open = new Set<OpenFile>();
  readonly #numbered = new Map<number, OpenFile>();
  readonly #ended = new Set<string>();

  begin(handle: DisplayHandle, index?: number): void {
    const { url, path } = handle.snapshot();
    this.#add({ url, path, handle, ...(index !== undefined && { index }) });
  }

  /** The file that the event belongs to, or null when that file has ended. */
  admit(event: DownloadEvent): OpenFile | null {
    const file = this.#find(event) ?? this.#firstSeen(event);
    if (file === null) return null;
    if (event.path !== '') file.path = event.path;
    if (ends(event)) {
      this.#open.delete(file);
      if (file.index !== undefined) this.#numbered.delete(file.index);
      this.#ended.add(keyOf(event));
    }
    return file;
  }

  /** The files that have not ended, in the order in which they began. */
  unfinished(): readonly OpenFile[] {
    return [...this.#open];
  }

  #add(file: OpenFile): OpenFile {
    this.#ended.delete(keyOf(file));
    this.#open.add(file);
    if (file.index !== undefined) this.#numbered.set(file.index, file);
    return file;
  }

  #firstSeen(event: DownloadEvent): OpenFile | null {
    if (event.type !== 'start' && this.#ended.has(keyOf(event))) return null;
    const { url, path, index } = event;
    return this.#add({ url, path, ...(index !== undefined && { index }) });
  }

  /** Files without a number may share a URL; the path tells them apart once it is known. */
  #find({ index, url, path }: DownloadEvent): OpenFile | undefined {
    if (index !== undefined) return this.#numbered.get(index);
    const same = [...this.#open].filter((file) => file.index === undefined && file.url === url);
    return (
      same.find((file) => file.path === path) ??
      // The name that `--on-exists rename` chose comes with the end.
      same.find((file) => file.handle?.snapshot().path === path) ??
      (this.#ended.has(keyOf({ url, path })) ? undefined : same.find((file) => file.path === ''))
    );
  }
}

/** The number tells files apart: two may have one URL as it is shown, and no name yet. */
const keyOf = ({ index, url, path }: { index?: number; url: string; path: string }): string =>
  index === undefined ? JSON.stringify([url, path]) : String(index);
