import * as Args from '@oclif/core/args';
import type { InferredFlags } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.js';
import { resumeFlags } from '../cli/command-flags.js';
import type { Settled } from '../cli/config/settle.js';
import { exitTable } from '../cli/exit.js';

/** Values of the flags of `resume`. */
type ResumeValues = InferredFlags<typeof resumeFlags>;

export default class Resume extends BaseCommand<ResumeValues> {
  static override id = 'resume';
  static override summary = 'Continue unfinished downloads; no URL is needed.';
  static override description = `Takes the final path, the .part or the .sluice file. Only what is missing is asked for.
FILE.aria2 with --url goes on with what aria2 has left; its files stay until the new one is complete.

Credentials are never kept: give them again with the same flags as to get.

EXIT STATUS
${exitTable()}`;
  static override usage = 'resume [PATH...] [FLAGS]';
  static override examples = [
    '<%= config.bin %> resume big.iso',
    '<%= config.bin %> resume --all',
    '<%= config.bin %> resume big.iso --url https://example.org/fresh-link',
    '<%= config.bin %> resume --all images',
  ];
  static override strict = false;
  static override args = {
    path: Args.string({
      description: 'an unfinished download; with --all, a directory',
      ignoreStdin: true,
    }),
  };
  static override flags = resumeFlags;

  protected async act(settled: Settled<ResumeValues>, paths: string[]): Promise<void> {
    const { resume } = await import('../cli/actions/resume.js');
    await resume(settled, paths);
  }
}
