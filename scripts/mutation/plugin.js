/**
 * What Stryker needs from this project: its tests under mocha (whose newest major the published
 * runner does not know), and the one kind of text that need not be mutated. All mutants are in the
 * code at once; one of them at a time is switched on.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';

const TESTS = ['dist/test/unit/schedule', 'dist/test/unit/http'];

const testFiles = () =>
  TESTS.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.test.js'))
      .map((name) => path.resolve(folder, name)),
  );

function bailSuite(suite, bail) {
  suite.bail(bail);
  for (const child of suite.suites) bailSuite(child, bail);
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

class UnitTests {
  /** Shared with the mutated code: which mutant is on, which test runs, what was reached. */
  context = (globalThis.__stryker__ ??= {});
  loaded = false;

  /** A module is loaded once: a mutant that acts while loading needs a process of its own. */
  capabilities() {
    return { reloadEnvironment: false };
  }

  init() {
    const { context } = this;
    this.mocha = new Mocha({ timeout: 0 });
    this.mocha.cleanReferencesAfterRun(false);
    for (const file of testFiles()) this.mocha.addFile(file);
    this.mocha.suite.beforeEach(function noteTest() {
      context.currentTestId = this.currentTest.fullTitle();
    });
  }

  async dryRun({ disableBail }) {
    const result = await this.run(disableBail);
    if (result.status === 'complete') result.mutantCoverage = this.context.mutantCoverage;
    return result;
  }

  async mutantRun({ activeMutant, testFilter, disableBail, hitLimit, mutantActivation }) {
    this.context.hitLimit = hitLimit;
    this.context.hitCount = hitLimit === undefined ? undefined : 0;
    const titles = testFilter?.map((title) => `(?:^${escaped(title)}$)`);
    this.mocha.grep(titles === undefined ? /(?:)/ : new RegExp(titles.join('|')));
    const result = await this.run(disableBail, activeMutant.id, mutantActivation);
    if (result.status !== 'complete') return result;
    const failed = result.tests.filter(({ status }) => status === FAILED);
    const nrOfTests = result.tests.length;
    if (failed.length === 0) return { status: 'survived', nrOfTests };
    const [{ failureMessage }] = failed;
    return { status: 'killed', killedBy: failed.map(({ id }) => id), failureMessage, nrOfTests };
  }

  async run(disableBail, mutant, activation) {
    try {
      if (!this.loaded) {
        this.context.activeMutant = activation === 'static' ? mutant : undefined;
        await this.mocha.loadFilesAsync();
        this.loaded = true;
      }
      bailSuite(this.mocha.suite, !disableBail);
      this.context.activeMutant = mutant;
      const tests = await this.tests();
      const { hitCount, hitLimit } = this.context;
      if (hitCount > hitLimit) return { status: 'timeout', reason: `${hitCount} hits` };
      return { status: 'complete', tests };
    } catch (error) {
      return { status: 'error', errorMessage: String(error?.stack ?? error) };
    }
  }

  /** Runs the selected tests. */
  tests() {
    return new Promise((resolve) => {
      const tests = [];
      const runner = this.mocha.reporter(Silent).run(() => resolve(tests));
      let began = Date.now();
      const note = (test, more) => {
        const id = test.ctx?.currentTest?.fullTitle() ?? test.fullTitle();
        tests.push({ id, name: id, timeSpentMs: Date.now() - began, ...more });
        began = Date.now();
      };
      runner.on('pass', (test) => note(test, { status: PASSED }));
      runner.on('fail', (test, error) =>
        note(test, { status: FAILED, failureMessage: error.message || String(error) }),
      );
    });
  }
}

const PASSED = 0;
const FAILED = 1;

/** A reporter that says nothing. */
class Silent {}

/** What an assertion about our own code says when it fails is for nobody but us. */
const assertionTexts = {
  shouldIgnore({ node, parent }) {
    const call = parent?.type === 'CallExpression' && parent.callee.name === 'assert';
    return call && parent.arguments[1] === node ? 'text of an assertion' : undefined;
  },
};

export const strykerPlugins = [
  { kind: 'TestRunner', name: 'unit-tests', injectableClass: UnitTests },
  { kind: 'Ignore', name: 'assertion-texts', value: assertionTexts },
];
