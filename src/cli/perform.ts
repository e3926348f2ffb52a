/** What every command does around its action: prepares the process, and reports what escapes. */
import { SluiceError } from '../errors.js';
import { guard } from './output.js';
import { setTitle } from './title.js';

/** What a command does, once its command line is parsed. */
export interface Action {
  /**
   * @param values of the command's flags, as its table says
   * @param argv the arguments
   * @throws SluiceError which ends the command
   */
  // The loader of an action knows its command, but not its type of values.
  run(values: never, argv: string[]): Promise<void>;
}

/** Loads an action and runs it; an error is described on standard error and sets the exit status. */
export async function perform(
  load: () => Promise<Action>,
  values: Record<string, unknown>,
  argv: string[],
): Promise<void> {
  setTitle();
  guard(process.stdout);
  guard(process.stderr);
  // Without a listener the limit on file sizes kills the process; with one, the write fails and is reported.
  process.on('SIGXFSZ', () => undefined);
  try {
    const action = await load();
    await action.run(values as never, argv);
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
