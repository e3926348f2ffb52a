/** What `info` does. */
import { inspectPath, inspectUrl } from '../../app/inspect.js';
import { safeJson } from '../escape.js';
import type { InfoValues } from '../flag-table.js';
import { openLog } from '../log.js';
import { downloadOptions } from '../options.js';
import { reportLines } from '../report.js';

/** Tells what the URL or the path of the argument has. */
export async function run(values: InfoValues, argv: string[]): Promise<void> {
  const subject = argv[0] ?? '';
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(subject);
  const log = await openLog({ file: values['log-file'], verbose: values.verbose });
  const report = isUrl
    ? await inspectUrl({ ...downloadOptions(values), url: subject }, log)
    : inspectPath(subject);
  log.close();
  const lines = values.json ? [safeJson(report)] : reportLines(report);
  for (const line of lines) process.stdout.write(`${line}\n`);
}
