/** What `get` and `resume` share: the reporter, the log and the signals around their downloads. */
import { Downloads } from '../../app/download.js';
import type { Fetching } from '../../app/documents.js';
import { SluiceError } from '../../errors.js';
import type { ExitStatus } from '../../errors.js';
import type { Planned } from '../../app/download.js';
import type { OutputValues } from '../flags.js';
import { openLog } from '../log.js';
import type { OpenLog } from '../log.js';
import { chooseReporter } from '../reporter.js';
import type { Reporter } from '../reporter.js';
import { onStop } from '../signals.js';

/** Runs downloads; sets the exit status of the process. */
export async function runDownloads(
  values: OutputValues,
  prepare: (fetching: Fetching) => Promise<Planned[]>,
): Promise<void> {
  const reporter = await chooseReporter({
    json: values.json,
    quiet: values.quiet,
    verbose: values.verbose,
    noProgress: values['no-progress'],
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  });
  try {
    const log = await openLog({
      file: values['log-file'],
      verbose: values.verbose,
      note: (line) => reporter.note(line),
    });
    try {
      process.exitCode = await attend(reporter, log, prepare);
    } finally {
      log.close();
    }
    reporter.end();
  } catch (thrown) {
    const error = SluiceError.from(thrown);
    reporter.end(error);
    process.exitCode = error.exitStatus;
  }
}

async function attend(
  reporter: Reporter,
  log: OpenLog,
  prepare: (fetching: Fetching) => Promise<Planned[]>,
): Promise<ExitStatus> {
  const preparing = new AbortController();
  const downloads = new Downloads(reporter, log);
  const off = onStop(
    (signal) => {
      reporter.note('sluice: stopping; once more ends at once');
      preparing.abort(stopError(signal));
      downloads.stop(stopError(signal));
    },
    () => undefined,
  );
  try {
    return await downloads.run(await prepare({ signal: preparing.signal, log }));
  } finally {
    off();
  }
}

function stopError(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): SluiceError {
  const next = 'Run `sluice resume` with the path, or the same command again, to go on.';
  return signal === 'SIGINT'
    ? new SluiceError('INTERRUPTED', 'interrupted', { next })
    : new SluiceError('TERMINATED', `ended by ${signal}`, { next });
}
