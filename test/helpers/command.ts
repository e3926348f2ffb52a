/** Short ways to run the command in a directory and to say what must have come of it. */
import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { runSluice, type RunOptions, type RunResult } from './run-sluice.js';

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
