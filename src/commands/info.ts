import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.js';
import { sharedFlags } from '../cli/flags.js';

const flags = {
  trace: Flags.string({
    description: 'tell what `get --trace FILE` or `resume --trace FILE` has recorded',
    helpValue: 'FILE',
  }),
  html: Flags.string({
    description: 'with --trace, draw it as a page as well: one file, to be opened in a browser',
    helpValue: 'OUT',
  }),
  ...sharedFlags,
  output: Flags.string({ char: 'o', hidden: true }),
};

/** Values of the flags of `info`. */
type InfoValues = InferredFlags<typeof flags>;

export default class Info extends BaseCommand<InfoValues> {
  static override id = 'info';
  static override summary =
    'Tell what a URL offers, what an unfinished download holds, or what a trace has recorded.';
  static override usage = 'info URL|PATH|--trace FILE [FLAGS]';
  static override examples = [
    '<%= config.bin %> info https://example.org/big.iso',
    '<%= config.bin %> info big.iso.part --json',
    '<%= config.bin %> info --trace run.trace --html run.html',
  ];
  static override args = {
    subject: Args.string({
      description: 'a URL, or the path of an unfinished download',
      ignoreStdin: true,
    }),
  };
  static override flags = flags;

  protected async act(values: InfoValues, [subject]: string[]): Promise<void> {
    const { info } = await import('../cli/actions/info.js');
    await info(values, subject);
  }
}
