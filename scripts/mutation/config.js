/** Mutation testing of the two pure rooms: see docs/mutation.md. */
export default {
  mutate: ['src/schedule/**/*.ts', 'src/http/**/*.ts'],
  plugins: ['./scripts/mutation/plugin.js'],
  testRunner: 'unit-tests',
  ignorers: ['assertion-texts'],
  // Types are checked by the ordinary build; all mutants are in one build and chosen at run time.
  buildCommand: 'tsc -p tsconfig.json --noCheck --incremental false --declaration false',
  ignorePatterns: [
    ...['dist', 'docs', 'bench', 'coverage', 'reports'],
    ...['test/e2e', 'test/integration', 'test/crash'],
  ],
  tempDirName: '.stryker-tmp',
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 2000,
  reporters: ['clear-text', 'json', 'html'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  thresholds: { high: 90, low: 85, break: 85 },
  allowConsoleColors: false,
};
