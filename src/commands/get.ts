import * as Args from '@oclif/core/args';
import type { InferredFlags } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.js';
import { getFlags } from '../cli/command-flags.js';
import type { Settled } from '../cli/config/settle.js';
import { exitTable } from '../cli/exit.js';

/** Values of the flags of `get`. */
type GetValues = InferredFlags<typeof getFlags>;

export default class Get extends BaseCommand<GetValues> {
  static override id = 'get';
  static override summary = 'Download URLs, each to a file of its own.';
  static override description = `Run again, it continues what it left; a finished and unchanged file is not fetched again.
\`sluice URL\` is the same as \`sluice get URL\`.

EXIT STATUS
${exitTable()}`;
  static override usage = 'get [URL...] [FLAGS]';
  static override examples = [
    '<%= config.bin %> get https://example.org/big.iso',
    '<%= config.bin %> get -n 16 -o image.iso https://example.org/big.iso --checksum sha256:HEX',
    '<%= config.bin %> get -i list.txt -j 8 -d images',
  ];
  static override strict = false;
  static override args = {
    url: Args.string({
      description: 'what to download: http, https, hf, s3, gs or az',
      ignoreStdin: true,
    }),
  };
  static override flags = getFlags;

  protected async act(settled: Settled<GetValues>, urls: string[]): Promise<void> {
    const { get } = await import('../cli/actions/get.js');
    await get(settled, urls);
  }
}
