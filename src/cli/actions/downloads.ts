/** What `get` and `resume` share: the reporter, the log and the signals around their downloads. */
import { Downloads } from '../../app/download.js';
import type { Fetching } from '../../app/documents.js';
import type { RateLimit } from '../../engine/rate-limit.js';
import { SluiceError } from '../../errors.js';
import { PER_HOST } from '../../limits.js';
import { hostBounds } from '../../app/host-sections.js';
import type { ExitStatus } from '../../errors.js';
import type { Planned, Watcher } from '../../app/download.js';
import type { Settled } from '../config/settle.js';
import type { ManyValues, OutputValues, SharedValues, TraceValues } from '../flags.js';
import { logError, openLog } from '../log.js';
import { lineWriter, lossOf, onLost } from '../output.js';
import type { OpenLog } from '../log.js';
import type { OpenTrace } from '../../app/trace-file.js';
import { fail } from '../perform.js';
import { chooseReporter } from '../reporter.js';
import { limitOfRun } from '../rate-signal.js';
import type { Reporter } from '../reporter.js';
import { onStop } from '../signals.js';

/** Finds out what is to be downloaded; `note` takes what a person should know of that. */
type Prepare = (fetching: Fetching, note: (line: string) => void) => Promise<Planned[]>;

/** Values of the flags that say how downloads are run. */
type RunValues = OutputValues &
  TraceValues &
  Pick<ManyValues, 'jobs' | 'per-host'> &
  Pick<SharedValues, 'connections' | 'limit-rate' | 'no-config'>;

/**
 * Waits until the stream has what was written to it.
 * @throws SluiceError DISK_FULL, DISK_IO when it lost some of it
 */
async function requireWritten(stream: NodeJS.WriteStream): Promise<void> {
  // Who ends by a signal waits for no reader.
  if (process.exitCode === 0) await new Promise((resolve) => stream.write('', resolve));
  const loss = lossOf(stream);
  if (loss !== null) throw loss;
}

/** Runs downloads; sets the exit status of the process. */
export async function runDownloads(settled: Settled<RunValues>, prepare: Prepare): Promise<void> {
  const { values } = settled;
  if (values.json && values.print !== undefined)
    throw new SluiceError('USAGE', '--json and --print both want standard output', {
      next: 'Leave --print out: the event `done` has the path.',
    });
  const reporter = await chooseReporter({
    json: values.json,
    quiet: values.quiet,
    verbose: values.verbose,
    noProgress: values['no-progress'],
    lanes: values.lanes,
    color: values.color,
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
    let trace: OpenTrace | null = null;
    try {
      trace = await traceOf(values, reporter);
      process.exitCode = await attend(settled, reporter, { log, trace }, prepare);
    } catch (thrown) {
      logError(log, thrown);
      throw thrown;
    } finally {
      trace?.close();
      log.close();
    }
    reporter.end();
    // The last lines may be the ones that found no room.
    if (values.json || values.print !== undefined) await requireWritten(process.stdout);
  } catch (thrown) {
    const error = SluiceError.from(thrown);
    reporter.end(error);
    if (lossOf(process.stdout) === error) await fail(error);
    process.exitCode = error.exitStatus;
  }
}

async function traceOf({ trace }: RunValues, reporter: Reporter): Promise<OpenTrace | null> {
  if (trace === undefined) return null;
  const { openTrace } = await import('../../app/trace-file.js');
  return openTrace(trace, (what) => reporter.note(`sluice: ${what}`));
}

async function attend(
  settled: Settled<RunValues>,
  reporter: Reporter,
  { log, trace }: { log: OpenLog; trace: OpenTrace | null },
  prepare: Prepare,
): Promise<ExitStatus> {
  const { values, sections } = settled;
  const preparing = new AbortController();
  const { jobs, connections, 'per-host': given } = values;
  // Whoever asks for more connections for a file means them all.
  const perHost = given ?? Math.max(PER_HOST, Number(connections) || 0);
  const isStrict = given !== undefined;
  const print = values.print === undefined ? null : lineWriter(process.stdout);
  const sharing = { jobs, perHost, isStrict, hostBound: hostBounds(sections) };
  const downloads = new Downloads(printing(reporter, print), log, sharing, trace);
  const note = (line: string): void => {
    if (!values.quiet) reporter.note(line);
  };
  onLost(process.stdout, (error) => {
    // Whoever reads the events would take the run for one that went well, or wait for its end.
    preparing.abort(error);
    downloads.stop(error);
  });
  const { limit, off: offRate } = limitOfRun(settled, note);
  const off = onStop(
    (signal) => {
      reporter.note(
        'sluice: stopping and keeping what has arrived (Ctrl-C again to quit immediately)',
      );
      preparing.abort(stopError(signal));
      downloads.stop(stopError(signal));
    },
    () => undefined,
  );
  try {
    const planned = await prepare({ signal: preparing.signal, log }, note);
    reporter.expect(planned.length);
    return await downloads.run(planned.map((each) => limitedBy(limit, each)));
  } finally {
    offRate();
    off();
  }
}

const limitedBy = (rateLimit: RateLimit, planned: Planned): Planned => ({
  ...planned,
  options: async () => ({ ...(await planned.options()), rateLimit }),
});

/** The reporter, and the path of each file that ends well for `--print path`. The path is what a script opens: unescaped. */
function printing(reporter: Reporter, print: ((line: string) => void) | null): Watcher {
  return {
    begin: (handle, index) => reporter.begin(handle, index),
    event: (event) => {
      reporter.event(event);
      if (event.type === 'done') print?.(event.path);
    },
  };
}

function stopError(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): SluiceError {
  const next = 'Run the same command again, to go on.';
  return signal === 'SIGINT'
    ? new SluiceError('INTERRUPTED', 'interrupted', { next })
    : new SluiceError('TERMINATED', `ended by ${signal}`, { next });
}
