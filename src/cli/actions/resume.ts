/** What `resume` does. */
import { findUnfinished, resumeOptions } from '../../app/resume.js';
import type { Fetching } from '../../app/documents.js';
import { SluiceError } from '../../errors.js';
import { hasUserinfo } from '../../http/redact.js';
import type { Settled } from '../config/settle.js';
import type { ManyValues, SharedValues, TraceValues } from '../flags.js';
import { downloadOptions, isSource, storeSettings, withChecksumLists } from '../options.js';
import type { DownloadOptions } from '../../transfer/options.js';
import { runDownloads } from './downloads.js';

/** Values of the flags of `resume`. */
interface ResumeValues extends SharedValues, TraceValues, Pick<ManyValues, 'jobs' | 'per-host'> {
  all: boolean;
  insist: boolean;
  url: string | undefined;
}

/** Goes on with the paths of the arguments, or with everything here. */
export async function resume(
  settled: Settled<ResumeValues>,
  given: readonly string[],
): Promise<void> {
  const { values } = settled;
  const targets: string[] = [];
  await runDownloads(settled, async (fetching) => {
    const paths = values.all ? unfinishedIn(given) : given;
    if (paths.length === 0) throw nothing(values.all, given);
    if (paths.some((path) => /^https?:\/\//i.test(path) || hasUserinfo(path))) throw notUrl();
    const isFresh = values.url !== undefined || values['from-curl'] !== undefined;
    if (isFresh && (values.all || paths.length > 1)) throw oneLink();
    const said = {
      ...(await linkOf(settled, fetching)),
      insist: values.insist,
      freshLink: isFresh,
    };
    const settings = storeSettings(values);
    const { sourceDownload, withTokenOf } = await import('../../app/sources.js');
    const options = isSource(said.url) ? await sourceDownload(said, fetching, settings) : said;
    const base = await withChecksumLists(values, options, [], fetching);
    const { isControlFile, takeOverAria2 } = await import('../../app/take-over.js');
    for (const path of paths)
      targets.push(isControlFile(path) ? await takeOverAria2(path, base) : path);
    return targets.map((path) => ({
      path,
      options: () => withTokenOf(resumeOptions(path, base), fetching, settings),
    }));
  });
  if (process.exitCode !== 0) return;
  const { removeControlFile } = await import('../../app/take-over.js');
  targets.forEach(removeControlFile);
}

/** The fresh link, if one is given: as a URL, or as a copied command with what that sends. */
async function linkOf(
  settled: Settled<ResumeValues>,
  fetching: Fetching,
): Promise<DownloadOptions> {
  const { url, 'from-curl': copied } = settled.values;
  const options = { ...downloadOptions(settled.values, settled), url: url ?? '' };
  if (copied === undefined) return options;
  if (url !== undefined)
    throw new SluiceError('USAGE', '--url and --from-curl both give the link', {
      next: 'Leave one of them out.',
    });
  const { curlDownload } = await import('../../app/from-curl.js');
  return curlDownload(copied, options, process.stdin, fetching);
}

function notUrl(): SluiceError {
  return new SluiceError('USAGE', '`resume` takes the path of a download, not a URL', {
    next: 'Write `sluice get URL`: it continues what is there.',
  });
}

function oneLink(): SluiceError {
  return new SluiceError('USAGE', '--url is a fresh link for one download', {
    next: 'Name that download: `sluice resume PATH --url URL`.',
  });
}

/** What is unfinished in the directories; none given is the current one. */
function unfinishedIn(directories: readonly string[]): string[] {
  return (directories.length === 0 ? ['.'] : directories).flatMap(findUnfinished);
}

function nothing(all: boolean, given: readonly string[]): SluiceError {
  const where = given.length === 0 ? 'this directory' : given.join(', ');
  return all
    ? new SluiceError('NOTHING_TO_RESUME', `there is no unfinished download in ${where}`, {
        next: 'Start one with `sluice get URL`.',
      })
    : new SluiceError('USAGE', 'no path is given', {
        next: 'Write `sluice resume PATH`, or `sluice resume --all` for all of this directory.',
      });
}
