/** `--trace`: what the connections of a download do is recorded, told in ten lines, and drawn as a page. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { SaxesParser } from 'saxes';
import { defaultOptions } from '../../src/app/defaults.js';
import { Downloads } from '../../src/app/download.js';
import { readTrace, reportTrace } from '../../src/app/trace.js';
import { info } from '../../src/cli/actions/info.js';
import { openTrace } from '../../src/app/trace-file.js';
import { traceLines } from '../../src/cli/trace-lines.js';
import { PAGE_BEGINS, tracePage, writePage } from '../../src/cli/trace-page.js';
import type { SluiceError } from '../../src/errors.js';
import { SHORT_DEADLINES } from '../helpers/engine.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

const SIZE = 6 * 1024 * 1024;

describe('a trace', () => {
  const dir = tempDirPerTest();
  let origin: Origin;
  before(async () => {
    origin = await Origin.start({
      size: SIZE,
      seed: 9,
      faults: [
        { target: '/a.bin?key=CANARY', when: isLater, fault: { kind: 'reset', at: 1000 } },
        { target: '/gone', times: Infinity, fault: { kind: 'status', status: 404 } },
      ],
    });
  });
  after(() => origin.close());

  const isLater = ({ range }: { range: { start: number } | null }): boolean =>
    range !== null && range.start > 0;
  const urlOf = (target: string): string => new URL(target, origin.url).href;

  /** Downloads targets with a trace. */
  async function record(...targets: string[]): Promise<string> {
    const file = path.join(dir(), 'run.trace');
    const trace = openTrace(file, (what) => expect.fail(what));
    const watcher = { begin: () => undefined, event: () => undefined };
    const sharing = { jobs: 2, perHost: 8, isStrict: false };
    const downloads = new Downloads(watcher, undefined, sharing, trace);
    const base = { ...defaultOptions(''), dir: dir(), connections: 4, threads: 0 };
    const planned = targets.map((target, at) => ({
      path: null,
      options: () => ({
        ...base,
        url: urlOf(target),
        output: `file-${at}`,
        deadlines: { ...base.deadlines, ...SHORT_DEADLINES },
      }),
    }));
    await downloads.run(planned);
    trace.close();
    return file;
  }

  /** Parses the page as XML, which fails for what is not closed or escaped. */
  function textsOf(page: string): { names: string[]; text: string } {
    const parser = new SaxesParser({ xmlns: false });
    const names: string[] = [];
    let text = '';
    parser.on('opentag', ({ name, attributes }) => {
      names.push(name);
      for (const each of ['src', 'href', 'xlink:href', 'srcset', 'data', 'action'])
        expect(attributes, name).not.have.property(each);
      for (const each of Object.keys(attributes)) expect(each).not.match(/^on/);
    });
    parser.on('text', (each) => (text += each));
    parser.on('error', (error) => expect.fail(error.message));
    parser.write(page).close();
    return { names, text };
  }

  it('has every byte of the file, and who brought it; no secret', async () => {
    // The first answer does not bring everything before the others are asked.
    origin.allow(1024 * 1024);
    const before = origin.requests.length;
    void origin.server
      .until(() => origin.requests.length >= before + 4)
      .then(() => origin.allow(Infinity));
    const file = await record('/a.bin?key=CANARY');
    expect(statSync(file).mode & 0o777).equal(0o600);
    const traced = await readTrace(file);
    expect(traced.isWhole).equal(true);
    const [only] = traced.files;
    const leases = only?.leases ?? [];
    // Whatever was cut and asked for again, together they are the file.
    let front = 0;
    for (const { start, written } of [...leases].sort((a, b) => a.start - b.start)) {
      expect(start).at.most(front);
      front = Math.max(front, written);
    }
    expect(front).equal(SIZE);
    const received = leases.reduce((sum, lease) => sum + lease.received, 0);
    const report = reportTrace(file, traced);
    expect(report.received).equal(received).at.least(SIZE);
    expect(report).include({ whole: true, requests: leases.length });
    expect(report.connections).within(2, 4);
    expect(report.failures).deep.include({ code: 'CONNECTION_LOST', times: 1 });
    expect(report.files).deep.include({
      url: urlOf('/a.bin?<redacted>').replace('%3Credacted%3E', '<redacted>'),
      path: path.join(dir(), 'file-0'),
      size: SIZE,
      outcome: 'downloaded',
    });
    const lines = traceLines(report);
    expect(lines).length(10);
    const page = tracePage(report, traced);
    for (const text of [readFileSync(file, 'utf8'), lines.join(), page])
      expect(text).not.include('CANARY');
  });

  it('of several files, with one that fails, becomes a page of its own', async () => {
    const file = await record('/a.bin', '/<b>&"', '/gone');
    const traced = await readTrace(file);
    const report = reportTrace(file, traced);
    expect(traceLines(report)[1]).match(/^files +3: 2 downloaded, 1 HTTP_REFUSED$/);
    const out = path.join(dir(), 'page.html');
    writePage(out, report, traced);
    // Its own page is replaced, and nothing else.
    writePage(out, report, traced);
    const page = readFileSync(out, 'utf8');
    expect(page.startsWith(PAGE_BEGINS)).equal(true);
    const { names, text } = textsOf(page);
    expect(names).not.include('script').and.not.include('link').and.not.include('img');
    expect(page).not.match(/url\(|@import/);
    expect(text).contain('HTTP_REFUSED').and.contain('prefers-color-scheme: dark');
    expect(names.filter((name) => name === 'svg').length).at.least(3);
    writeFileSync(out, 'mine');
    expect(() => writePage(out, report, traced)).throw('no page');
    expect(readFileSync(out, 'utf8')).equal('mine');
  });

  it('a hostile trace makes no page that does something', async () => {
    const evil = '</style><script>alert(1)</script>\u202e\u0007"\'&<!--';
    const file = path.join(dir(), 'evil.trace');
    const records = [
      { type: 'trace', version: 1, startedAt: evil },
      { t: 5, file: 0, type: 'event', event: { type: 'start', url: evil, path: evil, size: 9 } },
      { t: 5, file: 0, type: 'lease', lease: 1, connection: 1e300, start: 0, end: 9 },
      { t: 5, file: 0, type: 'level', target: 1e300, limitedBy: evil },
      { t: 6, file: 0, type: 'event', event: { type: 'retry', code: evil, reason: evil } },
      { t: 1e15, file: 0, type: 'sample', bytes: 1e300, lanes: evil },
      {
        t: 1e15,
        file: 0,
        type: 'ended',
        lease: 1,
        result: evil,
        written: 1,
        received: 1,
        address: evil,
      },
    ];
    writeFileSync(file, records.map((record) => JSON.stringify(record) + '\n').join(''));
    const traced = await readTrace(file);
    const report = reportTrace(file, traced);
    const { names } = textsOf(tracePage(report, traced));
    expect(names).not.include('script');
    expect(traceLines(report).join('')).not.match(/[\p{Cc}\u202e]/u);
  });

  it('a browser shows the page, if there is one here', async function () {
    const found = ['chromium', 'chromium-browser', 'google-chrome'].find(
      (name) => spawnSync(name, ['--version']).status === 0,
    );
    if (found === undefined) return this.skip();
    this.timeout(60_000);
    const file = await record('/a.bin');
    const out = path.join(dir(), 'page.html');
    const traced = await readTrace(file);
    writePage(out, reportTrace(file, traced), traced);
    const profile = `--user-data-dir=${path.join(dir(), 'profile')}`;
    const words = ['--headless', '--no-sandbox', '--disable-gpu', profile, '--dump-dom', out];
    const { stdout } = spawnSync(found, words, { encoding: 'utf8' });
    expect(stdout.match(/<rect/g)?.length).equal(readFileSync(out, 'utf8').match(/<rect/g)?.length);
    expect(stdout).contain('</figure>');
  });

  it('the command records and tells it; what is no trace is told plainly', async () => {
    const cwd = dir();
    const run = await runIn(cwd, ['get', urlOf('/c'), '-n', '3', '--trace', 'c.trace']);
    expectStatus(run, 0);
    const told = await runIn(cwd, ['info', '--trace', 'c.trace', '--html', 'c.html', '--json']);
    expectStatus(told, 0);
    expect(JSON.parse(told.stdout)).include({ kind: 'trace', whole: true, path: 'c.trace' });
    expect(readFileSync(path.join(cwd, 'c.html'), 'utf8').startsWith(PAGE_BEGINS)).equal(true);
    // A file that is no trace is not written over, and nothing is downloaded then.
    const refused = await runIn(cwd, ['get', urlOf('/d'), '--trace', 'c']);
    expectStatus(refused, 11);
    expect(refused.stderr).contain('no trace').and.contain('--trace');
    expect(statSync(path.join(cwd, 'c')).size).equal(SIZE);
  });

  it('`info` says what it takes', async () => {
    type Settled = Parameters<typeof info>[0];
    const values = { trace: undefined, html: undefined, json: false } as Settled['values'];
    const code = async (given: Partial<typeof values>, subject?: string): Promise<string> => {
      const settled = { values: { ...values, ...given } } as Settled;
      const error = await info(settled, subject).then(
        () => null,
        (thrown: unknown) => thrown as SluiceError,
      );
      return error?.code ?? 'none';
    };
    writeFileSync(path.join(dir(), 'x'), 'x\n');
    expect(await code({})).equal('USAGE');
    expect(await code({ html: 'x' }, 'y')).equal('USAGE');
    expect(await code({ trace: 'x' }, 'y')).equal('USAGE');
    expect(await code({ trace: path.join(dir(), 'x') })).equal('TRACE_INVALID');
    expect(await code({ trace: path.join(dir(), 'none') })).equal('USAGE');
  });
});
