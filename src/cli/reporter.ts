/** Chooses who tells the user what happens. */
import type { Reporter } from './base-reporter.js';
import type { Terminal } from './display.js';
import { guard, lineWriter, type Sink } from './output.js';
import { terminalTraits, type Color, type Environment, type MaybeTerminal } from './terminal.js';

export type { Reporter } from './base-reporter.js';

export interface ReporterOptions {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
  noProgress: boolean;
  /** A line for each connection in the live display; verbose has them as well. */
  lanes?: boolean;
  color?: Color;
  stdout: Sink;
  stderr: Sink & Terminal & MaybeTerminal;
  env: Environment;
}

/**
 * `json`: events on standard output. Else, on standard error: the live display where it is a
 * terminal, and lines where it is not or where `quiet` or `noProgress` forbid drawing. A stream
 * whose reader has gone is written to no more, and the download goes on. Only the chosen one is
 * loaded.
 */
export async function chooseReporter(options: ReporterOptions): Promise<Reporter> {
  const { json, quiet, verbose, noProgress, stdout, stderr, env } = options;
  guard(stdout);
  guard(stderr);
  const write = lineWriter(stderr);
  if (json) {
    const { JsonReporter } = await import('./json.js');
    return new JsonReporter(lineWriter(stdout), write);
  }
  const { live, color, unicode } = terminalTraits(stderr, env, options.color);
  if (live && !quiet && !noProgress) {
    const { LiveReporter } = await import('./live.js');
    return new LiveReporter({
      stream: stderr,
      color,
      unicode,
      verbose,
      lanes: verbose || options.lanes === true,
    });
  }
  const { LineReporter } = await import('./lines.js');
  return new LineReporter({ write, quiet, verbose, progress: !noProgress });
}
