/** What all commands share when oclif runs them: parsing, the action, and errors of the command line. */
import { Command } from '@oclif/core/command';
import { SluiceError } from '../errors.js';
import { redactWords } from '../http/redact.js';
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
  protected override async catch(thrown: Error): Promise<void> {
    // All that oclif says itself is about the command line.
    const isUsage = !(thrown instanceof SluiceError) && ('parse' in thrown || 'oclif' in thrown);
    const next = `See \`sluice help ${this.id ?? ''}\`.`;
    await fail(
      isUsage
        ? new SluiceError('USAGE', usageMessage(thrown.message), { next })
        : SluiceError.from(thrown),
    );
  }
}

/** oclif's words on one line, without its layout and without what may be a secret (P12). */
function usageMessage(text: string): string {
  const plain = text
    .replace(/\n?See more help with --help/, '')
    .replace(/^Parsing (--\S+)\s+/, '$1: ')
    .replace(/(?<=^Nonexistent flags?: .*)=.*?(?=, --|\n|$)/gs, '')
    .replace(/\s+/g, ' ');
  return redactWords(plain).trim();
}
