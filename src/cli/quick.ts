/** The quick way in: a well-formed command line runs without oclif being loaded. */
import { getArgs, getFlags, infoArgs, infoFlags, resumeArgs, resumeFlags } from './flag-table.js';
import type { ArgSpec, FlagTable } from './flag-table.js';
import { SluiceError } from '../errors.js';
import type { Without } from '../app/without.js';
import { fail, perform } from './perform.js';
import type { Action } from './perform.js';
import { parsePlain } from './plain.js';

interface QuickCommand {
  flags: FlagTable;
  args: ArgSpec;
  load: () => Promise<Action>;
}

const COMMANDS = new Map<string | undefined, QuickCommand>([
  ['get', { flags: getFlags, args: getArgs, load: () => import('./actions/get.js') }],
  ['resume', { flags: resumeFlags, args: resumeArgs, load: () => import('./actions/resume.js') }],
  ['info', { flags: infoFlags, args: infoArgs, load: () => import('./actions/info.js') }],
]);

/**
 * Runs the command, or returns false when oclif should: help, mistakes, everything unusual.
 * @param words the command line after the program's name
 * @param without what is done without already; it is told in the log
 */
export async function runQuickly(
  words: readonly string[],
  without: Without | null,
): Promise<boolean> {
  const command = COMMANDS.get(words[0]);
  if (command === undefined) return false;
  const parsed = parsePlain(words.slice(1), command, process.env);
  if (parsed === null) return false;
  if (without !== null) (await import('../app/without.js')).foundBefore(without);
  await perform(command.load, parsed.flags, parsed.argv);
  return true;
}

/** Says that the first word of a command line is no command. A URL in its place is not repeated. */
export async function refuse(word: string): Promise<void> {
  const isName = /^[\w-]{1,30}$/.test(word);
  const isUrl = /^https?:/i.test(word);
  await fail(
    new SluiceError('USAGE', isName ? `there is no command ${word}` : 'no command is given', {
      next: isUrl
        ? 'Write `sluice get` before the URL.'
        : 'Begin with get, resume, info or help; see `sluice help`.',
    }),
  );
}
