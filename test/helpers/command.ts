/** Short ways to run the command in a directory and to say what must have come of it. */
import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { COMMAND, runSluice, type RunOptions, type RunResult } from './run-sluice.js';
import { ALICE, runAs } from './users.js';

/** Runs the command in `cwd`, with the receipts of finished downloads kept there too. */
export function runIn(cwd: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const env = { SLUICE_STATE_DIR: `${cwd}/.state`, ...options.env };
  return runSluice(args, { cwd, ...options, env });
}

/** Fails with everything the run said unless it ended with `status`. */
export function expectStatus(run: RunResult, status: number): void {
  expect(run.status, `${run.stdout}\n${run.stderr}`).to.equal(status);
}

/** What is in a directory besides the receipts, sorted. */
export function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name !== '.state')
    .sort();
}

/** Nothing of the tests is left to whoever may do everything: permissions bind no root. */
export const isRoot = process.getuid?.() === 0;

/**
 * To be called first in a test that runs the command as another user: one who cannot reach this checkout
 * cannot run it. It is left out with a notice then; under CI it fails.
 */
export function requireReachable(context: Mocha.Context): void {
  const [program = '', ...args] = [...runAs(ALICE), process.execPath, COMMAND, '--version'];
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  const message = `another user cannot run ${COMMAND} (${error?.message ?? stderr.trim()})`;
  if (process.env['CI']) throw new Error(`${message}, and under CI one must be able to`);
  process.stderr.write(`left out: ${context.test?.title ?? 'test'}: ${message}\n`);
  context.skip();
}

/** To be called first in a test that needs files of two users, which only root can lay: else it is left out, and told. */
export function requireRoot(context: Mocha.Context): void {
  if (isRoot) return;
  const title = context.test?.title ?? 'test';
  process.stderr.write(`left out: ${title}: only root can lay files of another user\n`);
  context.skip();
}
