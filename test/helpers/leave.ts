/** Leaving a download in its middle, however fast or slow the machine is. */
import { bytesIn, claimed } from '../crash/claims.js';
import { spawnSluice, type RunningSluice, type RunOptions, type RunResult } from './run-sluice.js';

export interface LeaveOptions extends RunOptions {
  /** Default SIGINT. */
  signal?: NodeJS.Signals;
  /** It is left once the journal claims more than so many bytes; default 0. */
  above?: number;
  /** A second signal at once. */
  then?: NodeJS.Signals;
}

/** How often a journal is looked at, in milliseconds. */
const LOOK_MS = 20;

/**
 * Resolves when the journal of `target` (the final path) claims more than `above` bytes. A checkpoint
 * comes each second, and none in the last two: serve the file much slower than that.
 * @throws Error when the run ends before, with what it said
 */
export async function untilClaimed(run: RunningSluice, target: string, above = 0): Promise<void> {
  let over: RunResult | null = null;
  void run.ended.then((result) => (over = result));
  while (bytesIn(claimed(target)) <= above) {
    if (over !== null) {
      const { status, stdout, stderr } = over as RunResult;
      throw new Error(`it ended with nothing claimed: ${status}\n${stdout}\n${stderr}`);
    }
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}

/** Runs the command, and ends it once {@link untilClaimed} says so. */
export async function leaveWith(
  args: string[],
  target: string,
  { signal = 'SIGINT', above = 0, then, ...options }: LeaveOptions = {},
): Promise<RunResult> {
  const run = spawnSluice(args, options);
  await untilClaimed(run, target, above);
  run.kill(signal);
  if (then !== undefined) run.kill(then);
  return run.ended;
}
