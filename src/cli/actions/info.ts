/** What `info` does. */
import { inspectPath, inspectUrl } from '../../app/inspect.js';
import { SluiceError } from '../../errors.js';
import { safeJson } from '../escape.js';
import { hasUserinfo } from '../../http/redact.js';
import type { SharedValues } from '../flags.js';
import { openLog } from '../log.js';
import { downloadOptions } from '../options.js';
import { reportLines } from '../report.js';

/** Tells what a URL or a path has. */
export async function info(values: SharedValues, subject: string): Promise<void> {
  // `user:secret@host` is a URL that lacks its scheme; that is told without the secret.
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(subject) || hasUserinfo(subject);
  const log = await openLog({ file: values['log-file'], verbose: values.verbose });
  const report = isUrl
    ? await inspectUrl({ ...downloadOptions(values), url: subject }, log)
    : inspectPath(subject);
  log.close();
  const lines = values.json ? [safeJson(report)] : reportLines(report);
  await print(lines.map((line) => `${line}\n`).join(''));
}

/**
 * Here the text is the result: when it is lost the command has failed. A reader that has seen enough
 * (`| head -1`) is no failure.
 */
async function print(text: string): Promise<void> {
  const lost = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) =>
    process.stdout.write(text, resolve),
  );
  if (!lost || lost.code === 'EPIPE') return;
  throw new SluiceError(
    lost.code === 'ENOSPC' ? 'DISK_FULL' : 'DISK_IO',
    `standard output cannot be written: ${lost.code ?? lost.message}`,
    { next: 'Check where the output goes.' },
  );
}
