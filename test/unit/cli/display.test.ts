import { expect } from 'chai';
import fc from 'fast-check';
import { once } from 'node:events';
import { LiveDisplay } from '../../../src/cli/display.js';
import { restoreTerminal } from '../../../src/cli/signals.js';
import type { DownloadSnapshot } from '../../../src/transfer/events.js';
import { GiB, HOSTILE, lane, snapshot } from './samples.js';
import { Screen } from './screen.js';

/** A download that a test changes as it likes. */
class Fake {
  state: DownloadSnapshot;
  constructor(fields: Partial<DownloadSnapshot> = {}) {
    this.state = snapshot(fields);
  }
  snapshot(): DownloadSnapshot {
    return this.state;
  }
}

const over = (screen: Screen, isBehind = (): boolean => false): LiveDisplay =>
  new LiveDisplay({ stream: screen, color: false, unicode: false, isBehind });

/** A display of one file that has begun to draw. */
function drawing(
  file = new Fake(),
  isBehind?: () => boolean,
): { screen: Screen; display: LiveDisplay; file: Fake } {
  const screen = new Screen();
  const display = over(screen, isBehind);
  display.add(file);
  display.start();
  return { screen, display, file };
}

describe('cli/display', () => {
  it('draws in place, and only the lines that changed', () => {
    const { screen, display, file } = drawing();
    const before = screen.text();
    expect(before).to.have.length(3);
    screen.written = '';
    display.draw();
    expect(screen.written).to.equal('');
    file.state = snapshot({ rate: 7 * GiB });
    display.draw();
    expect(screen.written).to.include('7.00 GiB/s').and.not.to.include('big.iso');
    expect(screen.text().slice(0, 2)).to.deep.equal(before.slice(0, 2));
    display.stop();
  });

  it('keeps notes above the live area, and only them after the end', () => {
    const screen = new Screen();
    const display = over(screen);
    const [one, two] = [new Fake(), new Fake({ path: '/data/two' })];
    display.note('before');
    display.add(one);
    display.add(two);
    display.start();
    expect(screen.cursorVisible).to.equal(false);
    display.note('first');
    display.draw();
    expect(
      screen
        .text()
        .slice(0, 3)
        .map((line) => line.split('  ')[0]),
    ).to.deep.equal(['before', 'first', '']);
    display.remove(one);
    display.note('second');
    display.stop();
    expect(screen.text()).to.deep.equal(['before', 'first', 'second']);
    expect(screen.cursorVisible).to.equal(true);
    expect(screen.listeners).to.equal(0);
    expect(process.listenerCount('SIGCONT')).to.equal(0);
  });

  it('draws nothing in the background, leaves the cursor there, and goes on in front', () => {
    let behind = false;
    const { screen, display } = drawing(new Fake(), () => behind);
    expect([screen.text().length, screen.cursorVisible]).to.deep.equal([3, false]);
    behind = true;
    display.draw();
    expect(screen.cursorVisible).to.equal(true);
    screen.written = '';
    display.draw();
    expect(screen.written).to.equal('');
    behind = false;
    display.draw();
    expect([screen.text().length, screen.cursorVisible]).to.deep.equal([6, false]);
    behind = true;
    display.draw();
    screen.written = '';
    display.note('the end');
    display.stop();
    expect(screen.written).to.equal('the end\n');
    expect(screen.cursorVisible).to.equal(true);
  });

  it('draws anew after a resize', () => {
    const { screen, display } = drawing();
    screen.resize(120, 10);
    expect(screen.text()[0])
      .to.match(/^ {2}big\.iso.* 25%$/)
      .and.to.have.length(119);
    display.stop();
  });

  it('shows the cursor again when the process ends without a stop', () => {
    const { screen } = drawing();
    restoreTerminal();
    expect(screen.cursorVisible).to.equal(true);
    expect(screen.text()).to.deep.equal([]);
  });

  it('goes on below the lines that a shell wrote meanwhile, whatever is due first', async () => {
    const { screen, display, file } = drawing();
    const before = screen.text();
    screen.write('[1]+  Stopped\n$ fg\n');
    file.state = snapshot({ rate: 7 * GiB });
    const goesOn = once(process, 'SIGCONT');
    process.kill(process.pid, 'SIGCONT');
    // As in a process that was stopped: a frame is due before the signal is looked at.
    const due = performance.now() + 150;
    while (performance.now() < due);
    await goesOn;
    await new Promise(setImmediate);
    const [, , figures = ''] = before;
    const after = [...before.slice(0, 2), figures.replace('100 MiB/s', '7.00 GiB/s')];
    expect(screen.text()).to.deep.equal([...before, '[1]+  Stopped', '$ fg', ...after]);
    display.stop();
  });

  it('goes on below the lines of the shell after Ctrl-Z, however late SIGCONT is heard', () => {
    const screen = new Screen();
    const file = new Fake();
    const suspend = (): void => void screen.write('[1]+  Stopped\n$ fg\n');
    const display = new LiveDisplay({
      ...{ stream: screen, color: false, unicode: false, isBehind: () => false },
      suspend,
    });
    display.add(file);
    display.start();
    const before = screen.text();
    process.emit('SIGTSTP');
    expect(screen.cursorVisible).to.equal(true);
    for (let frame = 0; frame < 2; frame++) display.draw();
    process.emit('SIGCONT');
    expect(screen.text()).to.deep.equal([...before, '[1]+  Stopped', '$ fg', ...before]);
    expect(screen.cursorVisible).to.equal(false);
    display.stop();
  });

  it('leaves out frames while the terminal does not keep up', () => {
    const screen = Object.assign(new Screen(), { writableNeedDrain: true });
    const display = over(screen);
    display.add(new Fake());
    display.start();
    expect(screen.text()).to.deep.equal([]);
    screen.writableNeedDrain = false;
    display.draw();
    expect(screen.text()).to.have.length(3);
    display.stop();
  });

  it('P14: lets no control byte through but its own', () => {
    const { screen, display } = drawing(new Fake({ path: HOSTILE, notices: [HOSTILE] }));
    display.note(HOSTILE);
    display.draw();
    display.stop();
    expect(screen.text()[0]).to.include('\\x1b[31mred');
  });

  it('shows after any history what a fresh display would show', () => {
    const step = fc.oneof(
      fc.record({ lanes: fc.nat(30), rate: fc.nat(2 ** 40) }),
      fc.record({ note: fc.string({ maxLength: 70 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const { screen, display, file } = drawing();
        const notes: string[] = [];
        for (const change of steps) {
          if ('note' in change) {
            display.note(change.note);
            notes.push(change.note.trimEnd());
          } else {
            const lanes = Array.from({ length: change.lanes }, (_, i) => lane(i, { end: GiB }));
            file.state = snapshot({ rate: change.rate, lanes });
          }
          display.draw();
        }
        const fresh = new Screen();
        const other = over(fresh);
        other.add(file);
        other.start();
        expect(screen.text()).to.deep.equal([...notes, ...fresh.text()]);
        other.stop();
        display.stop();
        while (notes.at(-1) === '') notes.pop();
        expect(screen.text()).to.deep.equal(notes);
      }),
      { numRuns: 20 },
    );
  });
});
