// Mocha's dot reporter, which also writes `passed failed left-out` to SLUICE_COUNT_FILE and names the
// tests that had a second try (test/helpers/second-try.ts). A wrong file counts as a failure for good.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountReporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    const again = [];
    let lies = 0;
    runner.on('retry', (test, error) => {
      again.push(`${test.fullTitle()}\n    ${error.message}`);
      if (error.name === 'WrongContentError') lies++;
    });
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      const file = process.env.SLUICE_COUNT_FILE;
      if (file) writeFileSync(file, `${passes} ${failures + lies} ${pending}\n`);
      for (const each of again) console.log(`had a second try: ${each}`);
    });
  }
};
