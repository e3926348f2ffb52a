/** Help, by oclif: loaded only when it is asked for. */
import { fileURLToPath } from 'node:url';
import { Config } from '@oclif/core/config';
import { Help } from '@oclif/core/help';
import { TOPICS } from './topics.js';

/** The directory of package.json, where oclif finds the commands. Compiled, this is dist/src/cli/help.js. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** oclif's configuration of the program, and nothing from the user's directories: HOME may be another's. */
class OwnConfig extends Config {
  constructor() {
    super({ root: ROOT, userPlugins: false, devPlugins: false });
  }

  override loadTheme(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

/**
 * Prints help.
 * @param command the command's name; null for the whole
 */
export async function showHelp(command: string | null): Promise<void> {
  const config = new OwnConfig();
  await config.load();
  const help = new Help(config, config.pjson.oclif.helpOptions);
  await help.showHelp(command === null ? [] : [command]);
  if (command !== null) return;
  const width = Math.max(...Object.keys(TOPICS).map((topic) => topic.length));
  const rows = Object.entries(TOPICS).map(([topic, what]) => `  ${topic.padEnd(width)}  ${what}`);
  process.stdout.write(`TOPICS (sluice help TOPIC)\n${rows.join('\n')}\n`);
}
