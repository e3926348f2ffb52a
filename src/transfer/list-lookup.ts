/** Finds the file's digests in the lists that the user gave, as soon as its name is known. */
import { basename } from 'node:path';
import { findInList, notInList } from '../formats/checksum-list.js';
import type { Wanted } from '../formats/checksum-list.js';
import type { ResponseHead } from '../http/head.js';
import { chooseName, nameFromUrl } from '../http/names.js';
import type { Job } from './job.js';

export class ListLookup {
  constructor(private readonly job: Job) {}

  /**
   * Before anything is asked: takes what the name in the URL leads to. Not to be found yet is no
   * error, for the server may give another name.
   * @throws SluiceError CHECKSUM_LIST_INVALID when lines disagree
   */
  lookAhead(): void {
    const { url } = this.job.asker;
    const wanted = { names: [nameFromUrl(url)], paths: [decodePath(url)] };
    for (const list of this.job.options.checksumLists)
      this.job.verification.addUserDigests(findInList(list, wanted));
  }

  /**
   * Takes the digests of the file from each list: by the names that the server and the URLs give,
   * else by the name that the user gave.
   * @param head of the answer; null when nothing was asked
   * @param url where the answer came from
   * @throws SluiceError CHECKSUM_LIST_INVALID when a list has none, or lines disagree
   */
  require(head: ResponseHead | null, url: URL): void {
    const { asker, options, target, verification } = this.job;
    if (options.checksumLists.length === 0) return;
    const wanted: Wanted = {
      names: [chooseName(head, url), nameFromUrl(asker.url), nameFromUrl(url)],
      paths: [asker.url, url].map(decodePath),
    };
    const given = options.output ?? target;
    for (const list of options.checksumLists) {
      let found = findInList(list, wanted);
      if (found.length === 0 && given !== null)
        found = findInList(list, { ...wanted, names: [basename(given)] });
      if (found.length === 0) throw notInList(list, wanted);
      verification.addUserDigests(found);
    }
  }
}

function decodePath({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}
