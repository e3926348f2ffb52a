/** What is around every command: prepares the process, and reports what escapes. */
import { SluiceError } from '../errors.js';
import { guard } from './output.js';
import { keepIgnoring } from './signals.js';
import { setTitle } from './title.js';

/** Runs what a command does; an error is described on standard error and sets the exit status. */
export async function perform(act: () => Promise<void>): Promise<void> {
  setTitle();
  guard(process.stdout);
  guard(process.stderr);
  keepIgnoring();
  // Without a listener the limit on file sizes kills the process; with one, the write fails and is reported.
  process.on('SIGXFSZ', () => undefined);
  try {
    await act();
  } catch (thrown) {
    await fail(SluiceError.from(thrown));
  }
}

/** Describes the error on standard error, and has the process end with its status. */
export async function fail(error: SluiceError): Promise<void> {
  guard(process.stderr);
  const { describeError } = await import('./exit.js');
  for (const line of describeError(error)) process.stderr.write(`${line}\n`);
  process.exitCode = error.exitStatus;
}
