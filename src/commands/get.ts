import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.js';
import { exitTable } from '../cli/exit.js';
import { downloadFlags, downloadOptions } from '../cli/flags.js';
import { SluiceError } from '../errors.js';
import type { DownloadOptions, OnExists } from '../transfer/options.js';

export default class Get extends BaseCommand {
  static override summary = 'Download URLs, each to a file of its own.';
  static override description = `Run again, it continues what it left; a finished and unchanged file is not fetched again.

EXIT STATUS
${exitTable()}`;
  static override examples = [
    '<%= config.bin %> get https://example.org/big.iso',
    '<%= config.bin %> get -n 16 -o image.iso https://example.org/big.iso --checksum sha256:HEX',
  ];
  static override strict = false;
  static override args = {
    url: Args.string({ description: 'what to download, over http or https' }),
  };
  static override flags = {
    url: Flags.string({
      description: 'the same as the argument',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'URL',
    }),
    output: Flags.string({ char: 'o', description: 'path of the file', helpValue: 'PATH' }),
    dir: Flags.string({
      char: 'd',
      description: 'directory for the file',
      helpValue: 'DIR',
      env: 'SLUICE_DIR',
    }),
    'on-exists': Flags.string({
      description: 'when the target exists and is not this very download',
      options: ['fail', 'overwrite', 'rename', 'skip'],
      default: 'fail',
      env: 'SLUICE_ON_EXISTS',
    }),
    ...downloadFlags,
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Get);
    await this.runDownloads(flags, () => {
      const urls = [...(argv as string[]), ...(flags.url ?? [])];
      if (urls.length === 0) throw usage('no URL is given', 'Write `sluice get URL`.');
      if (urls.length > 1 && flags.output !== undefined) {
        throw usage('--output names one file, but several URLs are given', 'Use --dir instead.');
      }
      const base: DownloadOptions = {
        ...downloadOptions(flags),
        output: flags.output ?? null,
        dir: flags.dir ?? null,
        onExists: flags['on-exists'] as OnExists,
      };
      return urls.map((url) => ({ ...base, url }));
    });
  }
}

function usage(message: string, next: string): SluiceError {
  return new SluiceError('USAGE', message, { next });
}
