import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.js';
import { exitTable } from '../cli/exit.js';
import { manyFlags, sharedFlags, toggle, traceFlags } from '../cli/flags.js';

const flags = {
  all: toggle({
    description: 'every unfinished download of the directories (this one)',
  }),
  insist: toggle({
    description:
      'continue although the server gives nothing that proves the kept bytes are of the same file',
  }),
  url: Flags.string({
    description:
      'a fresh link to the same file, when the old one has expired; what is kept is used if length and validator, bytes of it, or a digest prove that it is the same',
    helpValue: 'URL',
  }),
  jobs: manyFlags.jobs,
  'per-host': manyFlags['per-host'],
  ...sharedFlags,
  ...traceFlags,
};

/** Values of the flags of `resume`. */
type ResumeValues = InferredFlags<typeof flags>;

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
  static override flags = flags;

  protected async act(values: ResumeValues, paths: string[]): Promise<void> {
    const { resume } = await import('../cli/actions/resume.js');
    await resume(values, paths);
  }
}
