import * as Args from '@oclif/core/args';
import type { InferredFlags } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.js';
import { infoFlags } from '../cli/command-flags.js';
import type { Settled } from '../cli/config/settle.js';

/** Values of the flags of `info`. */
type InfoValues = InferredFlags<typeof infoFlags>;

export default class Info extends BaseCommand<InfoValues> {
  static override id = 'info';
  static override summary =
    'Tell what a URL offers, what an unfinished download holds, or what a trace has recorded.';
  static override usage = ['info URL|PATH|--trace FILE [FLAGS]', 'info --config [URL] [FLAGS]'];
  static override examples = [
    '<%= config.bin %> info https://example.org/big.iso',
    '<%= config.bin %> info big.iso.part --json',
    '<%= config.bin %> info --config https://example.org/',
    '<%= config.bin %> info --trace run.trace --html run.html',
  ];
  static override args = {
    subject: Args.string({
      description: 'a URL, or the path of an unfinished download',
      ignoreStdin: true,
    }),
  };
  static override flags = infoFlags;

  protected async act(settled: Settled<InfoValues>, [subject]: string[]): Promise<void> {
    const { info } = await import('../cli/actions/info.js');
    await info(settled, subject);
  }
}
