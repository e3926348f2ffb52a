/**
 * In `.ci/run` a test against the clock of a busy machine is run once more when it failed; the reporter
 * (`.ci/count-reporter.cjs`) names it. Two things get no second try: tests of other kinds, and a file
 * that is not what the server meant, which is counted as a failure whatever comes after it.
 */
import path from 'node:path';
import type { Context, RootHookObject } from 'mocha';

/** Only here do real servers and whole processes compete for the processor. */
const FOLDERS = ['integration', 'e2e'].map((name) => `${path.sep}${name}${path.sep}`);

/** A file was taken for whole and was not. The reporter knows it by its name. */
export class WrongContentError extends Error {
  override readonly name = 'WrongContentError';
}

export const mochaHooks: RootHookObject = {
  beforeEach(this: Context) {
    const file = this.currentTest?.file ?? '';
    const mayRetry = process.env['CI'] !== undefined && FOLDERS.some((name) => file.includes(name));
    if (mayRetry) this.currentTest?.retries(1);
  },
};
