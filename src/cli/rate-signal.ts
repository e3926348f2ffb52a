/** SIGUSR1: the limit of the rate is read again from the configuration, for the downloads that run. */
import { RateLimit } from '../engine/rate-limit.js';
import { SluiceError } from '../errors.js';
import type { Settled } from './config/settle.js';
import { rate } from './format.js';
import { rateOf } from './options.js';

interface RateValues {
  'limit-rate'?: string | undefined;
  'no-config': boolean;
}

/**
 * The limit of a run, which the signal changes: to what the configuration says then, whatever was said before.
 * Where it says nothing, what the command line or the environment says counts, or there is none.
 * @param note takes a line for a person
 * @throws SluiceError USAGE
 */
export function limitOfRun(
  settled: Settled<RateValues>,
  note: (line: string) => void,
): { limit: RateLimit; off: () => void } {
  const limit = new RateLimit(rateOf(settled.values['limit-rate']));
  let work = Promise.resolve();
  const listener = (): void => {
    work = work.then(async () => note(`sluice: ${await changed(limit, settled)}`));
  };
  // Where nobody listens, Node takes the signal for a wish to debug it, and opens a port for that.
  if (process.platform !== 'win32') process.on('SIGUSR1', listener);
  return { limit, off: () => void process.off('SIGUSR1', listener) };
}

async function changed(limit: RateLimit, settled: Settled<RateValues>): Promise<string> {
  if (settled.values['no-config'])
    return 'the rate stays as it is: --no-config says that no configuration is read';
  try {
    limit.set(await rateNow(settled));
  } catch (thrown) {
    const { message, details } = SluiceError.from(thrown);
    return `the rate stays as it is: ${details.path ?? ''}: ${message}`;
  }
  const { bytesPerSecond } = limit;
  return bytesPerSecond === null
    ? 'the rate is no longer limited'
    : `the rate is limited to ${rate(bytesPerSecond)} now`;
}

async function rateNow({ reread, said, values }: Settled<RateValues>): Promise<number | null> {
  const set = (await reread())?.general.get('limit-rate')?.value;
  const given = said.has('limit-rate') ? values['limit-rate'] : undefined;
  return rateOf(typeof set === 'string' ? set : given);
}
