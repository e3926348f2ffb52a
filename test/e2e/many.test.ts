/** Many files in one run: lists, what they share, and how the run ends. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import type { DownloadEvent, SummaryEvent } from '../../src/transfer/events.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { ManyServer } from '../helpers/many-server.js';
import type { ManyOptions } from '../helpers/many-server.js';
import { spawnSluice } from '../helpers/run-sluice.js';
import type { RunResult } from '../helpers/run-sluice.js';

const SIZE = 20_000;

const summaryOf = ({ events }: RunResult): SummaryEvent => events.at(-1) as unknown as SummaryEvent;

describe('e2e/many files', () => {
  const dir = tempDirPerTest();
  const servers: ManyServer[] = [];

  async function serve(options: Partial<ManyOptions> = {}): Promise<ManyServer> {
    const many = await ManyServer.start({ size: SIZE, ...options });
    servers.push(many);
    return many;
  }

  afterEach(async () => {
    const closing = servers.splice(0);
    await Promise.all(closing.map((each) => each.close()));
    for (const { server } of closing) expect(server.failures).deep.equal([]);
  });

  function listed(text: string): string {
    writeFileSync(path.join(dir(), 'list'), text);
    return 'list';
  }

  function expectContent(many: ManyServer, name: string, index: number): void {
    expect(readFileSync(path.join(dir(), name)).equals(many.content(index)), name).equal(true);
  }

  it('a list of 400 files of which every twentieth is refused: the others are whole, and run again each costs one request', async () => {
    const isBad = (index: number): boolean => index % 20 === 19;
    const many = await serve({ refuse: (index) => (isBad(index) ? 404 : 0) });
    const list = listed(many.list(400));
    const args = ['get', '-i', list, '-j', '8', '--json'];
    const run = await runIn(dir(), args);
    expectStatus(run, 6);
    expect(summaryOf(run)).deep.include({ type: 'summary', done: 380, failed: 20, notBegun: 0 });
    for (let index = 0; index < 400; index++)
      if (!isBad(index)) expectContent(many, String(index), index);
    expect(filesIn(dir())).to.have.length(381);
    const ends = run.events.filter(({ type }) => type === 'done' || type === 'error');
    expect(new Set(ends.map(({ index }) => index)).size).equal(400);
    // Several files to a connection, after a refusal too.
    expect(many.server.connections.total).at.most(8);
    const asked = many.server.requests.length;

    const again = await runIn(dir(), args);
    expectStatus(again, 6);
    expect(summaryOf(again)).deep.include({ done: 0, complete: 380, failed: 20 });
    const finished = many.server.requests
      .slice(asked)
      .filter(({ target }) => !isBad(ManyServer.indexOf(target)));
    expect(finished.length).at.most(380);
  });

  it('says at the end what failed and what to do', async () => {
    const many = await serve({ refuse: (index) => (index === 1 ? 403 : 0) });
    const run = await runIn(dir(), ['get', '-i', '-', '-j', '2'], { stdin: many.list(4) });
    expectStatus(run, 6);
    expect(run.stderr).to.match(/^sluice: 3 done, 1 failed$/m);
    expect(run.stderr).to.match(/^ {2}failed: 1: .*403/m);
    expect(run.stderr).to.match(/^ {2}next: run the same command again/m);
    expect(filesIn(dir())).deep.equal(['0', '2', '3']);
  });

  it('the exit status is that of the first in the list that failed, whichever fails first', async () => {
    let refused!: () => void;
    const second = new Promise<void>((resolve) => (refused = resolve));
    const many = await serve({
      refuse: (index) => [404, 0][index] ?? 0,
      before: async (index) => {
        if (index === 0) await second;
      },
    });
    const run = runIn(dir(), [
      'get',
      many.url(0),
      '-j',
      '2',
      '--url',
      'http://127.0.0.1:1/x',
      '--retries',
      '0',
    ]);
    await many.server.until(({ requests }) => requests.length === 1);
    refused();
    expectStatus(await run, 6);
  });

  it('options of a file count for that file alone', async () => {
    const many = await serve();
    const list = listed(
      [
        '# a comment',
        `${many.url(0)}`,
        ' out=zero.bin',
        '\theader=X-Own: yes',
        ' user-agent=own/1',
        ' referer=http://ref.example/',
        ' max-tries=3',
        '',
        `${many.url(1)}`,
        ' dir=sub',
        '',
      ].join('\r\n'),
    );
    const run = await runIn(dir(), ['get', '-i', list, '-j', '1']);
    expectStatus(run, 0);
    expect(run.stderr).to.include('line 7: the option max-tries is unknown and passed over');
    expect(filesIn(dir())).deep.equal(['list', 'sub', 'zero.bin']);
    expect(readdirSync(path.join(dir(), 'sub'))).deep.equal(['1']);
    const [first, second] = many.server.requests;
    expect(first?.fields['x-own']).equal('yes');
    expect(first?.fields['user-agent']).equal('own/1');
    expect(first?.fields['referer']).equal('http://ref.example/');
    expect(second?.fields['x-own']).equal(undefined);
    expect(second?.fields['user-agent']).match(/^sluice/);
  });

  it('TAB parts mirrors of one file', async () => {
    const many = await serve({ refuse: (index) => (index === 9 ? 404 : 0) });
    const list = listed(`${many.url(9)}\t${many.url(1)}\n out=one\n`);
    const run = await runIn(dir(), ['get', '-i', list]);
    expectStatus(run, 0);
    expectContent(many, 'one', 1);
  });

  it('an error of the list names its line before anything is asked', async () => {
    const many = await serve();
    const bad: Array<[string, RegExp]> = [
      [' out=x\n', /line 1: an option stands before the first URL/],
      [`${many.url(0)}\nnot a url\n`, /line 2: the URL has no scheme/],
      [`${many.url(0)}\n out=\n`, /line 2: out has no value/],
      [`${many.url(0)}\n checksum=sha256:12\n`, /line 2: sha256 has 64/],
      [`${many.url(0)}\n split=0\n`, /line 2: split takes 1 to 64/],
      [`${many.url(0)}\n header=Range: bytes=0-\n`, /line 2: the header Range cannot be set/],
      [`${many.url(0)}\n nothing\n`, /line 2: it is indented, and no option/],
      ['# nothing\n', /names no file/],
    ];
    for (const [text, message] of bad) {
      const run = await runIn(dir(), ['get', '-i', listed(text)]);
      expectStatus(run, 2);
      expect(run.stderr).to.match(message);
    }
    expect(many.server.requests).deep.equal([]);
  });

  for (const perHost of [1, 2, 5])
    it(`--per-host ${perHost} bounds the connections to the server over all files`, async () => {
      const many = await serve({ size: 3_000_000 });
      const list = listed(many.list(6));
      const args = ['get', '-i', list, '-j', '4', '-n', '4', '--per-host', String(perHost)];
      const run = await runIn(dir(), args);
      expectStatus(run, 0);
      for (let index = 0; index < 6; index++) expectContent(many, String(index), index);
      expect(many.busy.most).at.most(perHost);
      expect(many.server.connections.maximum).at.most(perHost);
    });

  it('a server that serves two at once gets all files of a longer list from its two', async () => {
    const many = await serve({ size: SIZE });
    const { busy } = many;
    many.options.refuse = () => (busy.now > 2 ? 503 : 0);
    many.options.before = () => new Promise((resolve) => setImmediate(resolve));
    const run = await runIn(dir(), ['get', '-i', listed(many.list(30)), '-j', '6']);
    expectStatus(run, 0);
    for (let index = 0; index < 30; index++) expectContent(many, String(index), index);
  });

  it('two URLs that differ in the query only: no name and no event is shared', async () => {
    const many = await serve();
    const list = listed(`${many.url(0)}?a=1\n${many.url(0)}?a=2\n`);
    const fails = await runIn(dir(), ['get', '-i', list, '--json']);
    expectStatus(fails, 11);
    const error = fails.events.find(({ type }) => type === 'error');
    expect(error).to.include({ code: 'TARGET_EXISTS' });
    expect(String((error as { message: string }).message)).to.include('another file of this run');
    const ends = fails.events.filter(({ type }) => type === 'done' || type === 'error');
    expect(ends.map(({ index }: DownloadEvent) => index).sort()).deep.equal([0, 1]);

    const renames = ['get', '-i', list, '--on-exists', 'rename'];
    expectStatus(await runIn(path.join(dir()), [...renames, '-d', 'r']), 0);
    expect(readdirSync(path.join(dir(), 'r')).sort()).deep.equal(['0', '0.1']);
  });

  it('Ctrl-C stops all files, keeps what has come, and says what is left', async () => {
    let begun = 0;
    let allBegun!: () => void;
    const waiting = new Promise<void>((resolve) => (allBegun = resolve));
    const many = await serve({ size: 400_000 });
    many.options.before = async () => {
      if (++begun === 6) allBegun();
      if (begun > 3) await new Promise(() => undefined);
    };
    const running = spawnSluice(['get', '-i', listed(many.list(20)), '-j', '3', '--json'], {
      cwd: dir(),
      env: { SLUICE_STATE_DIR: `${dir()}/.state` },
    });
    await waiting;
    running.kill('SIGINT');
    const run = await running.ended;
    expectStatus(run, 130);
    const { done, stopped, notBegun } = summaryOf(run);
    expect({ done, stopped, notBegun }).deep.equal({ done: 3, stopped: 3, notBegun: 14 });
    expect(filesIn(dir()).filter((name) => /^\d+$/.test(name))).to.have.length(3);
  });
});
