/** What `get` and `resume` share: the reporter, the log and the signals around their downloads. */
import { Downloads } from '../../app/download.js';
import type { Fetching } from '../../app/documents.js';
import { SluiceError } from '../../errors.js';
import { PER_HOST } from '../../limits.js';
import type { ExitStatus } from '../../errors.js';
import type { Planned } from '../../app/download.js';
import type { ManyValues, OutputValues, SharedValues } from '../flags.js';
import { openLog } from '../log.js';
import type { OpenLog } from '../log.js';
import { chooseReporter } from '../reporter.js';
import type { Reporter } from '../reporter.js';
import { onStop } from '../signals.js';

/** Finds out what is to be downloaded; `note` takes what a person should know of that. */
type Prepare = (fetching: Fetching, note: (line: string) => void) => Promise<Planned[]>;

/** Values of the flags that say how downloads are run. */
type RunValues = OutputValues &
  Pick<ManyValues, 'jobs' | 'per-host'> &
  Pick<SharedValues, 'connections'>;

/** Runs downloads; sets the exit status of the process. */
export async function runDownloads(values: RunValues, prepare: Prepare): Promise<void> {
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
      process.exitCode = await attend(values, reporter, log, prepare);
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
  values: RunValues,
  reporter: Reporter,
  log: OpenLog,
  prepare: Prepare,
): Promise<ExitStatus> {
  const preparing = new AbortController();
  const { jobs, connections, 'per-host': given } = values;
  // Whoever asks for more connections for a file means them all.
  const perHost = given ?? Math.max(PER_HOST, Number(connections) || 0);
  const isStrict = given !== undefined;
  const downloads = new Downloads(reporter, log, { jobs, perHost, isStrict });
  const note = (line: string): void => {
    if (!values.quiet) reporter.note(line);
  };
  const off = onStop(
    (signal) => {
      reporter.note('sluice: stopping; once more ends at once');
      preparing.abort(stopError(signal));
      downloads.stop(stopError(signal));
    },
    () => undefined,
  );
  try {
    const planned = await prepare({ signal: preparing.signal, log }, note);
    reporter.expect(planned.length);
    return await downloads.run(planned);
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
