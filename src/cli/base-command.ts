/** What all commands share: parsing by oclif, and errors of the command line. */
import { Command } from '@oclif/core/command';
import type { Config } from '@oclif/core/config';
import { parse } from '@oclif/core/parser';
import { SluiceError } from '../errors.js';
import { redactWords } from '../http/redact.js';
import { meantBy } from './foreign.js';
import { fail, perform } from './perform.js';

/**
 * A command, by the values of its flags. It needs no more of oclif's configuration than the name: to
 * load that takes longer than a small file, and reads what another user may have laid (plugins, a theme).
 */
export abstract class BaseCommand<Values> extends Command {
  constructor(words: string[]) {
    super(words, { bin: 'sluice' } as Config);
  }

  /**
   * Does what the command line asks for. The engine is loaded here, not before.
   * @param values of the flags
   * @param argv the arguments, in their order
   * @throws SluiceError which ends the command
   */
  protected abstract act(values: Values, argv: string[]): Promise<void>;

  /** Runs the command to its end. It never throws: errors are told, and set the exit status. */
  async run(): Promise<void> {
    try {
      const { args, flags, strict } = this.ctor;
      const { raw, ...parsed } = await parse(this.argv, { args, flags, strict });
      const argv = raw.filter(({ type }) => type === 'arg').map(({ input }) => input);
      await perform(() => this.act(parsed.flags as Values, argv));
    } catch (thrown) {
      // All that oclif throws is about the command line.
      const message = usageMessage((thrown as Error).message);
      const [, flag = ''] = /^Nonexistent flags?: (-[^\s,]*)/.exec(message) ?? [];
      const names = Object.entries(this.ctor.flags).flatMap(([name, { hidden }]) =>
        hidden === true ? [] : [name],
      );
      const next = meantBy(flag, names) ?? `See \`sluice help ${this.ctor.id}\`.`;
      await fail(new SluiceError('USAGE', message, { next }));
    }
  }
}

/** oclif's words on one line, without its layout and without what may be a secret (P12). */
function usageMessage(text: string): string {
  const told = text.replace('See more help with --help', '').replace(/^Parsing (--\S+)\s+/, '$1: ');
  const plain = /^Nonexistent flags?: /.test(told) ? withoutValues(told) : told;
  return redactWords(plain.replace(/\s+/g, ' ')).trim();
}

/** `Nonexistent flags: --a=secret, --b=1` without what stands behind the signs of equality. */
function withoutValues(text: string): string {
  const [flags = '', ...rest] = text.split('\n');
  const names = flags.split(', --').map((flag) => flag.split('=', 1)[0]);
  return [names.join(', --'), ...rest].join('\n');
}
