import { BaseCommand } from '../cli/base-command.js';
import { infoArgs, infoFlags } from '../cli/flag-table.js';
import { oclifArgs, oclifFlags } from '../cli/oclif.js';
import type { Action } from '../cli/perform.js';

export default class Info extends BaseCommand {
  static override summary = 'Tell what a URL offers, or what an unfinished download holds.';
  static override examples = [
    '<%= config.bin %> info https://example.org/big.iso',
    '<%= config.bin %> info big.iso.part --json',
  ];
  static override strict = !infoArgs.many;
  static override args = oclifArgs(infoArgs);
  static override flags = oclifFlags(infoFlags);

  protected load(): Promise<Action> {
    return import('../cli/actions/info.js');
  }
}
