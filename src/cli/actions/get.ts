/** What `get` does. */
import { SluiceError } from '../../errors.js';
import type { DownloadOptions, OnExists } from '../../transfer/options.js';
import type { GetValues } from '../flag-table.js';
import { downloadOptions } from '../options.js';
import { runDownloads } from './downloads.js';

/** Downloads the URLs of the arguments and of `--url`. */
export async function run(values: GetValues, argv: string[]): Promise<void> {
  await runDownloads(values, () => {
    const urls = [...argv, ...(values.url ?? [])];
    if (urls.length === 0) throw usage('no URL is given', 'Write `sluice get URL`.');
    if (urls.length > 1 && values.output !== undefined) {
      throw usage('--output names one file, but several URLs are given', 'Use --dir instead.');
    }
    const base: DownloadOptions = {
      ...downloadOptions(values),
      output: values.output ?? null,
      dir: values.dir ?? null,
      onExists: values['on-exists'] as OnExists,
    };
    return urls.map((url) => ({ path: base.output, options: () => ({ ...base, url }) }));
  });
}

function usage(message: string, next: string): SluiceError {
  return new SluiceError('USAGE', message, { next });
}
