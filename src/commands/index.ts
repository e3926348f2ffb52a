/** The one way in: bin/run.js loads it, bundled, and oclif finds the commands here when it explains them. */
import type { Without } from '../app/without.js';
import { guard } from '../cli/output.js';
import { fail, tellingOf } from '../cli/perform.js';
import { tameOclif } from '../cli/tame-oclif.js';
import { TOPICS, topicLines, type Topic } from '../cli/topics.js';
import { noSuchCommand, readOrder } from '../cli/words.js';
import Completion from './completion.js';
import Get from './get.js';
import Info from './info.js';
import Resume from './resume.js';

/** All commands by their names. */
export const COMMANDS = { get: Get, resume: Resume, info: Info, completion: Completion };
Completion.commands = COMMANDS;

/**
 * Does what a command line asks for; errors are told, and set the exit status.
 * @param words after the program's name
 * @param without the directory of compiled code, where that is done without; it is told in the log
 */
export async function run(words: readonly string[], without: Without | null): Promise<void> {
  tameOclif();
  const names = Object.keys(COMMANDS);
  const topics = Object.keys(TOPICS);
  const order = readOrder(words, names, topics);
  if (order.kind === 'unknown') {
    const telling = tellingOf('', words);
    return fail(noSuchCommand(order.word, names, topics), telling);
  }
  if (order.kind === 'topic') return showTopic(order.topic as Topic);
  if (order.kind === 'help') {
    const { showHelp } = await import('../cli/help.js');
    return showHelp(order.command);
  }
  if (without !== null) (await import('../app/without.js')).foundBefore(without);
  const CommandClass = COMMANDS[order.command as keyof typeof COMMANDS];
  return new CommandClass(order.words).run();
}

function showTopic(topic: Topic): void {
  guard(process.stdout);
  process.stdout.write(
    topicLines(topic, COMMANDS)
      .map((line) => `${line}\n`)
      .join(''),
  );
}
