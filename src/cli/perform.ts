/** What is around every command: prepares the process, and reports what escapes. */
import { SluiceError } from '../errors.js';
import { guard } from './output.js';
import { keepIgnoring } from './signals.js';
import { setTitle } from './title.js';

/** How an error is told: to a person, as an event (`get`, `resume`), or as one object (`info`). */
export type Telling = 'text' | 'event' | 'object';

/** How a command line wants errors told. Flags need not be right for that: it may be they that are wrong. */
export function tellingOf(command: string, words: readonly string[]): Telling {
  const dashes = words.indexOf('--');
  const flags = dashes < 0 ? words : words.slice(0, dashes);
  if (!flags.includes('--json')) return 'text';
  return command === 'info' ? 'object' : 'event';
}

/** Runs what a command does; an error is told, and sets the exit status. */
export async function perform(act: () => Promise<void>, telling: Telling): Promise<void> {
  setTitle();
  guard(process.stdout);
  guard(process.stderr);
  keepIgnoring();
  // Without a listener the limit on file sizes kills the process; with one, the write fails and is reported.
  process.on('SIGXFSZ', () => undefined);
  try {
    await act();
  } catch (thrown) {
    await fail(SluiceError.from(thrown), telling);
  }
}

/** Tells the error, and has the process end with its status. */
export async function fail(error: SluiceError, telling: Telling = 'text'): Promise<void> {
  guard(process.stderr);
  process.exitCode = error.exitStatus;
  if (telling !== 'text') {
    const { tellAsJson } = await import('./json-error.js');
    const lost = await tellAsJson(error, telling);
    if (lost === null) return;
    return fail(lost);
  }
  const { describeError } = await import('./exit.js');
  for (const line of describeError(error)) process.stderr.write(`${line}\n`);
}
