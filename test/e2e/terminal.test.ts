import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Screen } from '../unit/cli/screen.js';

const app = fileURLToPath(new URL('terminal-app.js', import.meta.url));
const script = spawnSync('script', ['--version'], { encoding: 'utf8' });
const hasScript = script.status === 0 && script.stdout.includes('util-linux');

describe('live display under a pseudo-terminal', () => {
  it('P14: sends no control byte but its own sequences, and leaves the cursor visible', function () {
    if (!hasScript) this.skip();
    const command = `stty cols 100 rows 30; '${process.execPath}' '${app}'`;
    const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], {
      encoding: 'utf8',
      input: '',
      env: { ...process.env, NO_COLOR: '', FORCE_COLOR: '' },
    });
    expect(status, stdout).to.equal(0);
    // What is not a sequence of the display makes the screen fail.
    const screen = new Screen(100, 30);
    screen.write(stdout.replaceAll('\r\n', '\n').replace(/\^D\x08\x08/g, ''));
    expect(screen.cursorVisible).to.equal(true);
    expect(stdout).to.include('\x1b[?25l').and.include('receiving').and.include('\u2588');
    const text = screen.text().join('\n');
    expect(text).to.include('a\\x1b[31mred\\x1b]0;title\\x07');
    expect(text).to.include('(DEFECT, exit status 1)');
    expect(text, 'the live area is gone').not.to.include('receiving');
  });
});
