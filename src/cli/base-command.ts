/** What all commands share: parsing by oclif, and errors of the command line. */
import { Command } from '@oclif/core/command';
import type { Config } from '@oclif/core/config';
import { parse } from '@oclif/core/parser';
import { SluiceError } from '../errors.js';
import { redactWords } from '../http/redact.js';
import type { Saying } from './config/keys.js';
import type { Settled } from './config/settle.js';
import { meantBy } from './foreign.js';
import { fail, perform, tellingOf } from './perform.js';

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
   * @param settled values of the flags, and what the configuration says
   * @param argv the arguments, in their order
   * @throws SluiceError which ends the command
   */
  protected abstract act(settled: Settled<Values>, argv: string[]): Promise<void>;

  /** Runs the command to its end. It never throws: errors are told, and set the exit status. */
  async run(): Promise<void> {
    const telling = tellingOf(this.ctor.id, this.argv);
    try {
      const { args, flags, strict } = this.ctor;
      const parsed = await parse(this.argv, { args, flags, strict });
      const argv = parsed.raw.filter(({ type }) => type === 'arg').map(({ input }) => input);
      const said = saidBy(parsed);
      await perform(async () => {
        const { settle } = await import('./config/settle.js');
        await this.act(await settle(parsed.flags as Values, said), argv);
      }, telling);
    } catch (thrown) {
      // All that oclif throws is about the command line.
      const message = usageMessage((thrown as Error).message);
      const [, flag = ''] = /^Nonexistent flags?: (-[^\s,]*)/.exec(message) ?? [];
      const names = Object.entries(this.ctor.flags).flatMap(([name, { hidden }]) =>
        hidden === true ? [] : [name],
      );
      const next = meantBy(flag, names) ?? `See \`sluice help ${this.ctor.id}\`.`;
      await fail(new SluiceError('USAGE', message, { next }), telling);
    }
  }
}

/** Which flags the command line says, and which a variable of the environment. */
function saidBy({ raw, flags, metadata }: Awaited<ReturnType<typeof parse>>): Map<string, Saying> {
  const given = new Set(raw.flatMap((token) => (token.type === 'flag' ? [token.flag] : [])));
  const said = new Map<string, Saying>();
  for (const name of Object.keys(flags)) {
    if (given.has(name)) said.set(name, 'flag');
    else if (metadata.flags[name]?.setFromDefault !== true) said.set(name, 'environment');
  }
  return said;
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
