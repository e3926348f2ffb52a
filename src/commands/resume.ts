import { BaseCommand } from '../cli/base-command.js';
import { exitTable } from '../cli/exit.js';
import { resumeArgs, resumeFlags } from '../cli/flag-table.js';
import { oclifArgs, oclifFlags } from '../cli/oclif.js';
import type { Action } from '../cli/perform.js';

export default class Resume extends BaseCommand {
  static override summary = 'Continue unfinished downloads; no URL is needed.';
  static override description = `Takes the final path, the .part or the .sluice file. Only what is missing is asked for.

Credentials are never kept: give them again with the same flags as to get.

EXIT STATUS
${exitTable()}`;
  static override examples = ['<%= config.bin %> resume big.iso', '<%= config.bin %> resume --all'];
  static override strict = !resumeArgs.many;
  static override args = oclifArgs(resumeArgs);
  static override flags = oclifFlags(resumeFlags);

  protected load(): Promise<Action> {
    return import('../cli/actions/resume.js');
  }
}
