/** What `info` does. */
import { inspectPath, inspectUrl } from '../../app/inspect.js';
import { SluiceError } from '../../errors.js';
import { writeOut } from '../output.js';
import { safeJson } from '../escape.js';
import { hasUserinfo } from '../../http/redact.js';
import type { Log } from '../../log.js';
import type { DownloadOptions } from '../../transfer/options.js';
import type { Settled } from '../config/settle.js';
import type { SharedValues } from '../flags.js';
import { logError, openLog } from '../log.js';
import { downloadOptions, isSource, storeSettings } from '../options.js';
import { reportLines } from '../report.js';

/** Values of the flags of `info`. */
interface InfoValues extends SharedValues {
  config: boolean;
  trace: string | undefined;
  html: string | undefined;
}

/** Tells what a URL, a path or a trace has, or what is set. The text is the result: when it is lost the command has failed. */
export async function info(
  settled: Settled<InfoValues>,
  subject: string | undefined,
): Promise<void> {
  const lines = await linesOf(settled, subject);
  const lost = await writeOut(process.stdout, lines.map((line) => `${line}\n`).join(''));
  if (lost !== null) throw lost;
}

async function linesOf(
  settled: Settled<InfoValues>,
  subject: string | undefined,
): Promise<string[]> {
  const { values } = settled;
  const { trace, html } = values;
  if (trace !== undefined && subject === undefined && !values.config)
    return traceOf(trace, html, values.json);
  if (trace !== undefined)
    throw usage(
      '`info` takes a URL, a path, --config or --trace FILE, one of them',
      'Leave the others out.',
    );
  if (html !== undefined)
    throw usage('--html draws a trace, and none is named', 'Name it with --trace FILE.');
  if (values.config) {
    const { configLines, configReport } = await import('../config/show.js');
    const report = configReport(settled, subject ?? null);
    return values.json ? [safeJson(report)] : configLines(report, !values['no-config']);
  }
  const isCopied = values['from-curl'] !== undefined;
  if (isCopied && subject !== undefined)
    throw usage('--from-curl has a URL of its own', 'Leave the other one out.');
  if (subject === undefined && !isCopied)
    throw usage('no URL or path is given', 'Write `sluice info URL`, or a path.');
  // `user:secret@host` is a URL that lacks its scheme; that is told without the secret.
  const isUrl =
    subject === undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(subject) || hasUserinfo(subject);
  const log = await openLog({ file: values['log-file'], verbose: values.verbose });
  try {
    const report = isUrl
      ? await inspectUrl(await optionsFor(settled, subject, log), log)
      : await inspectPath(subject);
    return values.json ? [safeJson(report)] : reportLines(report);
  } catch (thrown) {
    logError(log, thrown);
    throw thrown;
  } finally {
    log.close();
  }
}

async function traceOf(path: string, page: string | undefined, json: boolean): Promise<string[]> {
  const { readTrace, reportTrace } = await import('../../app/trace.js');
  const { traceLines } = await import('../trace-lines.js');
  const traced = await readTrace(path);
  const report = reportTrace(path, traced);
  if (page !== undefined) {
    const { writePage } = await import('../trace-page.js');
    writePage(page, report, traced);
  }
  return json ? [safeJson(report)] : traceLines(report);
}

function usage(message: string, next: string): SluiceError {
  return new SluiceError('USAGE', message, { next });
}

async function optionsFor(
  settled: Settled<SharedValues>,
  url: string | undefined,
  log: Log,
): Promise<DownloadOptions> {
  const { values } = settled;
  const { 'from-curl': copied } = values;
  const options = { ...downloadOptions(values, settled), url: url ?? '' };
  const fetching = { signal: new AbortController().signal, log };
  if (copied !== undefined) {
    const { curlDownload } = await import('../../app/from-curl.js');
    return curlDownload(copied, options, process.stdin, fetching);
  }
  if (!isSource(options.url)) return options;
  const { sourceDownload } = await import('../../app/sources.js');
  return sourceDownload(options, fetching, storeSettings(values));
}
