/**
 * What counts: a flag comes before a variable of the environment, that before the section of the host, that
 * before what is set for all hosts, and that before what is so by default.
 */
import { readNamedConfig, readOwnConfig } from '../../app/config-file.js';
import type { ConfigFile } from '../../app/config-file.js';
import type { Settings } from '../options.js';
import type { Saying } from './keys.js';
import type { Configuration } from './load.js';

/** What a command is told of itself. */
export interface Settled<Values> extends Settings {
  values: Values;
  /** What was said, by the names of the flags. */
  said: ReadonlyMap<string, Saying>;
  /** Null where there is none, or none was to be read. */
  configuration: Configuration | null;
  /** Reads the configuration again, as it is now. @throws SluiceError CONFIG_INVALID */
  reread: () => Promise<Configuration | null>;
}

/** Values of the flags that say which configuration is read. */
interface ConfigValues {
  'config-file'?: string | undefined;
  'no-config'?: boolean;
  quiet?: boolean;
}

/**
 * The values of the flags with what the configuration says. Without a configuration nothing is loaded for it.
 * @throws SluiceError CONFIG_INVALID
 */
export async function settle<Values>(
  values: Values,
  said: ReadonlyMap<string, Saying>,
): Promise<Settled<Values>> {
  const given = values as ConfigValues;
  const tell = (what: string): void => {
    if (given.quiet !== true) process.stderr.write(`sluice: warning: ${what}\n`);
  };
  const file = find(given, tell);
  const reread = async (): Promise<Configuration | null> => {
    const now = find(given, () => undefined);
    return now === null ? null : (await import('./load.js')).loadConfig(now);
  };
  if (file === null) return { values, said, sections: [], configuration: null, reread };
  const { loadConfig } = await import('./load.js');
  const { applied } = await import('./apply.js');
  const configuration = loadConfig(file);
  return { ...applied(values, said, configuration), said, configuration, reread };
}

function find(values: ConfigValues, tell: (what: string) => void): ConfigFile | null {
  // A command without these flags has nothing that could be set.
  if (values['no-config'] !== false) return null;
  const { 'config-file': named } = values;
  return named ? readNamedConfig(named) : readOwnConfig(process.env, tell);
}
