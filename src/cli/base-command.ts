/** What all commands share when oclif runs them: parsing, the action, and errors of the command line. */
import { Command } from '@oclif/core/command';
import { SluiceError } from '../errors.js';
import { fail, perform } from './perform.js';
import type { Action } from './perform.js';

export abstract class BaseCommand extends Command {
  /** Loads what the command does: not before the command line is known to be right. */
  protected abstract load(): Promise<Action>;

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(this.ctor);
    await perform(() => this.load(), flags, argv as string[]);
  }

  /** Errors of the command line, and what escapes from a command. */
  protected override async catch(thrown: Error & { exitCode?: number }): Promise<void> {
    // oclif marks its own errors with one or the other; it throws none but about the command line.
    const isUsage = !(thrown instanceof SluiceError) && ('parse' in thrown || 'oclif' in thrown);
    const firstLine = thrown.message.split('\n')[0] ?? '';
    await fail(
      isUsage
        ? new SluiceError('USAGE', firstLine, { next: 'See `sluice help`.' })
        : SluiceError.from(thrown),
    );
  }
}
