import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.js';
import { exitTable } from '../cli/exit.js';
import { REPEATABLE, manyFlags, sharedFlags, toggle, traceFlags } from '../cli/flags.js';

const flags = {
  url: Flags.string({
    ...REPEATABLE,
    description: 'the same as the argument',
    helpValue: 'URL',
  }),
  'from-curl': Flags.string({
    description:
      'what a browser\'s "Copy as cURL" has copied (bash or cmd): its URL, headers, cookies and proxy; - for standard input',
    helpValue: "'curl ...'|-",
  }),
  metalink: Flags.string({
    ...REPEATABLE,
    description:
      'download the files that a Metalink (3 or 4) names, from several of its sources at the same time',
    helpValue: 'FILE|URL',
  }),
  mirror: Flags.string({
    ...REPEATABLE,
    description:
      'another URL of the same file, used at the same time where a digest is known (--checksum, a Metalink), else when the first one fails; no header or credential is sent there',
    helpValue: 'URL',
  }),
  output: Flags.string({
    char: 'o',
    description: 'path of the file; - is standard output, in order',
    helpValue: 'PATH',
  }),
  window: Flags.string({
    description: 'memory for what is fetched ahead of the reader of standard output',
    default: '64M',
    helpValue: 'SIZE',
    env: 'SLUICE_WINDOW',
  }),
  dir: Flags.string({
    char: 'd',
    description: 'directory for the file',
    helpValue: 'DIR',
    env: 'SLUICE_DIR',
  }),
  range: Flags.string({
    description:
      'only these bytes, both ends included: START-END, START- or -LAST; the file is called NAME.bytes-START-END',
    helpValue: 'START-END',
  }),
  timestamping: toggle({
    char: 'N',
    description:
      'only if the server has something newer than the file that is there, which it replaces; the file gets the time of change that the server tells',
  }),
  'on-exists': Flags.option({
    description: 'when the target exists and is not this very download',
    options: ['fail', 'overwrite', 'rename', 'skip'] as const,
    default: 'fail',
    env: 'SLUICE_ON_EXISTS',
  })(),
  // What curl, wget and aria2 are told, and is always done here.
  location: Flags.boolean({ char: 'L', hidden: true }),
  continue: Flags.boolean({ char: 'c', hidden: true }),
  ...manyFlags,
  ...sharedFlags,
  ...traceFlags,
};

/** Values of the flags of `get`. */
type GetValues = InferredFlags<typeof flags>;

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
  static override flags = flags;

  protected async act(values: GetValues, urls: string[]): Promise<void> {
    const { get } = await import('../cli/actions/get.js');
    await get(values, urls);
  }
}
