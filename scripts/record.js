// Records `npm run demo` in a terminal of tmux and draws it as the animated picture of the README:
//   npm run build && node scripts/record.js > docs/display.svg
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FRAME_MS, picture } from './picture.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const SERVER = ['-L', 'sluice-record'];
/** Frames that the end stays. */
const REST = 5;

const tmux = (...words) => execFileSync('tmux', [...SERVER, ...words], { encoding: 'utf8' });

/** Draws what the commands' terminal shows until the demo has ended. */
async function record() {
  const demo = `${process.execPath} ${root}scripts/demo.js; sleep 60`;
  tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'demo', '-x', '92', '-y', '14', demo);
  const captures = [];
  try {
    const isOver = () => /They (?:match|differ)\./.test(captures.at(-1) ?? '');
    while (!isOver()) {
      await delay(FRAME_MS);
      const capture = tmux('capture-pane', '-e', '-N', '-p', '-t', 'demo');
      if (capture.trim() !== '') captures.push(capture);
    }
  } finally {
    tmux('kill-server');
  }
  for (let i = 0; i < REST; i++) captures.push(captures.at(-1));
  return captures;
}

process.stdout.write(picture(await record()));
