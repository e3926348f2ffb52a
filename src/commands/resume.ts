import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { findUnfinished, resumeOptions } from '../app/resume.js';
import { BaseCommand } from '../cli/base-command.js';
import { exitTable } from '../cli/exit.js';
import { downloadFlags, downloadOptions } from '../cli/flags.js';
import { SluiceError } from '../errors.js';

export default class Resume extends BaseCommand {
  static override summary = 'Continue unfinished downloads; no URL is needed.';
  static override description = `Takes the final path, the .part or the .sluice file. Only what is missing is asked for.

Credentials are never kept: give them again with the same flags as to get.

EXIT STATUS
${exitTable()}`;
  static override examples = ['<%= config.bin %> resume big.iso', '<%= config.bin %> resume --all'];
  static override strict = false;
  static override args = {
    path: Args.string({ description: 'an unfinished download' }),
  };
  static override flags = {
    all: Flags.boolean({ description: 'every unfinished download in the current directory' }),
    insist: Flags.boolean({
      description:
        'continue although the server gives nothing that proves the kept bytes are of the same file',
    }),
    ...downloadFlags,
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Resume);
    await this.runDownloads(flags, () => {
      const paths = flags.all ? findUnfinished('.') : (argv as string[]);
      if (paths.length === 0) throw nothing(flags.all);
      const base = { ...downloadOptions(flags), insist: flags.insist };
      return paths.map((path) => resumeOptions(path, base));
    });
  }
}

function nothing(all: boolean): SluiceError {
  return all
    ? new SluiceError('NOTHING_TO_RESUME', 'there is no unfinished download in this directory', {
        next: 'Start one with `sluice get URL`.',
      })
    : new SluiceError('USAGE', 'no path is given', { next: 'Name a download, or say --all.' });
}
