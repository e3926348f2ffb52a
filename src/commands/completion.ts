import * as Args from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import type { Settled } from '../cli/config/settle.js';
import { SHELLS } from '../cli/manual/shells.js';
import type { CommandShapes } from '../cli/manual/table.js';

export default class Completion extends BaseCommand<object> {
  /** All commands, of which this is one. */
  static commands: CommandShapes = {};

  static override id = 'completion';
  static override summary = 'Print what a shell needs to complete commands and flags.';
  static override description =
    'The package has the same in dist/share, where packages for a system find it.';
  static override usage = 'completion bash|zsh|fish';
  static override examples = [
    {
      description: 'For bash: this shell, and then each one.',
      command: 'source <(<%= config.bin %> completion bash)',
    },
    '<%= config.bin %> completion bash >~/.local/share/bash-completion/completions/sluice',
    {
      description: 'For zsh, in a directory of $fpath; for fish.',
      command: '<%= config.bin %> completion zsh >"${fpath[1]}/_sluice"',
    },
    '<%= config.bin %> completion fish >~/.config/fish/completions/sluice.fish',
  ];
  static override args = {
    shell: Args.string({
      description: 'the shell',
      options: SHELLS,
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {};

  protected async act(_: Settled<object>, [shell = '']: string[]): Promise<void> {
    const { printCompletion } = await import('../cli/manual/print.js');
    await printCompletion(shell, Completion.commands);
  }
}
