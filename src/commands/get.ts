import { BaseCommand } from '../cli/base-command.js';
import { exitTable } from '../cli/exit.js';
import { getArgs, getFlags } from '../cli/flag-table.js';
import { oclifArgs, oclifFlags } from '../cli/oclif.js';
import type { Action } from '../cli/perform.js';

export default class Get extends BaseCommand {
  static override summary = 'Download URLs, each to a file of its own.';
  static override description = `Run again, it continues what it left; a finished and unchanged file is not fetched again.

EXIT STATUS
${exitTable()}`;
  static override examples = [
    '<%= config.bin %> get https://example.org/big.iso',
    '<%= config.bin %> get -n 16 -o image.iso https://example.org/big.iso --checksum sha256:HEX',
  ];
  static override strict = !getArgs.many;
  static override args = oclifArgs(getArgs);
  static override flags = oclifFlags(getFlags);

  protected load(): Promise<Action> {
    return import('../cli/actions/get.js');
  }
}
