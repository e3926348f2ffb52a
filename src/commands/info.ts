import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { inspectPath, inspectUrl } from '../app/inspect.js';
import { BaseCommand } from '../cli/base-command.js';
import { safeJson } from '../cli/escape.js';
import { downloadFlags, downloadOptions } from '../cli/flags.js';
import { reportLines } from '../cli/report.js';
import { openLog } from '../cli/log.js';

export default class Info extends BaseCommand {
  static override summary = 'Tell what a URL offers, or what an unfinished download holds.';
  static override examples = [
    '<%= config.bin %> info https://example.org/big.iso',
    '<%= config.bin %> info big.iso.part --json',
  ];
  static override args = {
    subject: Args.string({
      description: 'a URL, or the path of an unfinished download',
      required: true,
    }),
  };
  static override flags = {
    ...downloadFlags,
    output: Flags.string({ char: 'o', hidden: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Info);
    const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(args.subject);
    const log = await openLog({ file: flags['log-file'], verbose: flags.verbose });
    const report = isUrl
      ? await inspectUrl({ ...downloadOptions(flags), url: args.subject }, log)
      : inspectPath(args.subject);
    log.close();
    const lines = flags.json ? [safeJson(report)] : reportLines(report);
    for (const line of lines) process.stdout.write(`${line}\n`);
  }
}
