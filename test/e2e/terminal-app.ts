/** A program for test/e2e/terminal.test.ts: the live display with names that a hostile server chose. */
import { chooseReporter } from '../../src/cli/reporter.js';
import { HOSTILE, everyEvent, lane, snapshot, url } from '../unit/cli/samples.js';

const { stdout, stderr } = process;
const reporter = await chooseReporter({
  json: false,
  quiet: false,
  verbose: true,
  noProgress: false,
  stdout,
  stderr,
  env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' },
});
const path = `/data/${HOSTILE.replaceAll('/', '')}`;
const lanes = [lane(0, { end: 1000, position: 500, rate: 100 })];
reporter.begin({ snapshot: () => snapshot({ path, notices: [HOSTILE], lanes }) });
for (const event of everyEvent) {
  if (event.type === 'done' || event.type === 'error') continue;
  const text = { url: HOSTILE, path, reason: HOSTILE, message: HOSTILE };
  reporter.event({ ...event, ...text, url });
}
reporter.note(HOSTILE);
setTimeout(() => reporter.end(), 250);
