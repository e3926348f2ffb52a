// Mocha's dot reporter, which also writes `passed failed left-out` to SLUICE_COUNT_FILE.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountReporter extends reporters.Dot {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      const file = process.env.SLUICE_COUNT_FILE;
      if (file) writeFileSync(file, `${passes} ${failures} ${pending}\n`);
    });
  }
};
