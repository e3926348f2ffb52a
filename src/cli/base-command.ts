/** What all commands share: the reporter, the log, the signals, and how an error ends the process. */
import { Command } from '@oclif/core/command';
import { SluiceError } from '../errors.js';
import type { ExitStatus } from '../errors.js';
import { Downloads } from '../app/download.js';
import type { DownloadOptions } from '../transfer/options.js';
import { describeError } from './exit.js';
import { openLog } from './log.js';
import type { OpenLog } from './log.js';
import { chooseReporter } from './reporter.js';
import type { Reporter } from './reporter.js';
import { onStop } from './signals.js';
import { setTitle } from './title.js';

/** Parsed values of the output flags. */
export interface OutputValues {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
  'log-file'?: string | undefined;
  'no-progress': boolean;
}

export abstract class BaseCommand extends Command {
  override async init(): Promise<void> {
    await super.init();
    setTitle();
    // Without a listener the limit on file sizes kills the process; with one, the write fails and is reported.
    process.on('SIGXFSZ', () => undefined);
  }

  /** Runs downloads with the reporter, the log and the signals of a command. */
  protected async runDownloads(
    values: OutputValues,
    prepare: () => DownloadOptions[],
  ): Promise<void> {
    const reporter = chooseReporter({
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
      process.exitCode = await this.attend(reporter, log, prepare());
      log.close();
      reporter.end();
    } catch (thrown) {
      const error = SluiceError.from(thrown);
      reporter.end(error);
      process.exitCode = error.exitStatus;
    }
  }

  private async attend(
    reporter: Reporter,
    log: OpenLog,
    list: DownloadOptions[],
  ): Promise<ExitStatus> {
    const downloads = new Downloads(reporter, log);
    const off = onStop(
      (signal) => {
        reporter.note('sluice: stopping; once more ends at once');
        downloads.stop(stopError(signal));
      },
      () => undefined,
    );
    try {
      return await downloads.run(list);
    } finally {
      off();
    }
  }

  /** Errors of the command line, and what escapes from a command. */
  protected override async catch(thrown: Error & { exitCode?: number }): Promise<void> {
    const isOurs = thrown instanceof SluiceError;
    const isUsage = !isOurs && 'parse' in thrown;
    const firstLine = thrown.message.split('\n')[0] ?? '';
    const error = isUsage
      ? new SluiceError('USAGE', firstLine, { next: 'See `sluice help`.' })
      : SluiceError.from(thrown);
    for (const line of describeError(error)) process.stderr.write(`${line}\n`);
    process.exitCode = error.exitStatus;
    return Promise.resolve();
  }
}

function stopError(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): SluiceError {
  const next = 'Run `sluice resume` with the path, or the same command again, to go on.';
  return signal === 'SIGINT'
    ? new SluiceError('INTERRUPTED', 'interrupted', { next })
    : new SluiceError('TERMINATED', `ended by ${signal}`, { next });
}
