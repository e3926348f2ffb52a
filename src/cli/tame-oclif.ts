/** What oclif does to the process when it is loaded, and must not do to ours. */
import { setLogger } from '@oclif/core/logger';
import type { Logger } from '@oclif/core/interfaces';
import { guard } from './output.js';

const nothing = (): void => undefined;

const silent: Logger = {
  namespace: 'sluice',
  child: () => silent,
  debug: nothing,
  error: nothing,
  info: nothing,
  trace: nothing,
  warn: nothing,
};

/** To be called before anything of oclif is used. */
export function tameOclif(): void {
  // With DEBUG in the environment it would print the command line, and the secrets in it (P12).
  setLogger({ root: '', logger: silent });
  // Its listener throws what is no EPIPE: a full disk behind `>` would end a download.
  process.stdout.removeAllListeners('error');
  guard(process.stdout);
}
