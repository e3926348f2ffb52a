/** What journals and receipts know a source by. */
import { downloadId } from '../http/part-of-file.js';
import type { DownloadOptions } from './options.js';

/** A link that expires is known without its query: that is another one each time, and a secret besides. */
export function sourceIdOf(
  url: URL,
  { range, freshUrl }: Pick<DownloadOptions, 'range' | 'freshUrl'>,
): string {
  return downloadId(freshUrl === null ? url.href : `${url.origin}${url.pathname}`, range);
}
