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
    {
      description: 'With a name, a number of connections, and a digest that it must have.',
      command:
        '<%= config.bin %> get -n 16 -o image.iso https://example.org/big.iso --checksum sha256:HEX',
    },
    {
      description: 'The digest from a list, as sha256sum writes it.',
      command:
        '<%= config.bin %> get https://example.org/big.iso --checksum https://example.org/SHA256SUMS',
    },
    {
      description: 'A list of URLs, eight files at once.',
      command: '<%= config.bin %> get -i list.txt -j 8 -d images',
    },
    {
      description: 'From all sources that a Metalink names.',
      command: '<%= config.bin %> get --metalink https://example.org/big.iso.meta4',
    },
    {
      description: 'To a program, in order.',
      command: '<%= config.bin %> get https://example.org/tree.tar -o - | tar x',
    },
    {
      description: 'URLs from a program.',
      command: 'list-urls | <%= config.bin %> get -i - -d mirror',
    },
    {
      description: 'Go on with what was left: the same command again, or',
      command: '<%= config.bin %> resume big.iso',
    },
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
