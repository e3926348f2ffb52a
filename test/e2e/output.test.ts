import { expect } from 'chai';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT_STATUSES } from '../../src/errors.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { leaveWith } from '../helpers/leave.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { CHECKOUT, COMMAND } from '../helpers/run-sluice.js';
import { violations } from '../unit/cli/schema.js';

const schema = JSON.parse(
  readFileSync(path.join(CHECKOUT, 'docs/events.schema.json'), 'utf8'),
) as Record<string, unknown>;

const SIZE = 2 * 1024 * 1024;

/** Texts of a server that would change a terminal: ESC, CSI, OSC, BEL, C1, bidi. */
const HOSTILE = '\x1b[2J\x1b]0;owned\x07\x9b31m\u202egpj';
const hostile = Buffer.from(HOSTILE).toString('latin1');

describe('e2e/output', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: 2 });
  });
  afterEach(() => origin.close());

  it('--json: every line of every ending fits the schema, and the last event is the end', async () => {
    origin.fault({ request: 0, fault: { kind: 'status', status: 503, retryAfter: 0 } });
    const good = await runIn(dir(), ['get', origin.url, '--json', '-n', '2']);
    expectStatus(good, 0);
    const again = await runIn(dir(), ['get', origin.url, '--json']);
    // Not done in time with as many connections as there are.
    origin.set({ rate: 10_000 });
    const late = await runIn(dir(), ['get', origin.url, '-o', 'y', '--json', '--max-time', '2']);
    expectStatus(late, 4);
    for (const { stdout, stderr, events } of [good, again, late]) {
      const lines = stdout.trimEnd().split('\n');
      expect(events).to.have.length(lines.length);
      for (const event of events) expect(violations(schema, schema, event)).to.deep.equal([]);
      expect(['done', 'error']).to.include(events.at(-1)?.type);
      expect(stderr).not.to.contain('{');
    }
    const types = good.events.map(({ type }) => type);
    expect(types).to.include.members(['retry', 'start', 'done']);
  });

  it('a closed pipe neither ends nor hangs the download', async () => {
    const shown = await shell(
      `"${process.execPath}" "${COMMAND}" get "${origin.url}" --json | head -1`,
    );
    expect(shown).to.match(/^\{.*"start".*\}\n$/);
    expectSameContent(path.join(dir(), 'file.bin'), 2, SIZE);
  });

  /** Runs a line in a shell while this process goes on to serve; returns its standard output. */
  function shell(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn('sh', ['-c', line], {
        cwd: dir(),
        env: { ...process.env, TERM: 'xterm', SLUICE_STATE_DIR: path.join(dir(), '.state') },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
      const seen: Buffer[] = [];
      child.stdout.on('data', (data: Buffer) => seen.push(data));
      child.once('error', reject);
      child.once('close', () => {
        clearTimeout(timer);
        resolve(Buffer.concat(seen).toString('utf8'));
      });
    });
  }

  it('info --json prints exactly one object, for a URL and for a path', async () => {
    const url = await runIn(dir(), ['info', origin.url, '--json']);
    expectStatus(url, 0);
    expect(JSON.parse(url.stdout)).to.include({ kind: 'url', size: SIZE, ranges: 'yes' });
    origin.set({ rate: 50_000 });
    await leaveWith(['get', origin.url, '-n', '2'], path.join(dir(), 'file.bin'), { cwd: dir() });
    const held = await runIn(dir(), ['info', 'file.bin', '--json']);
    expectStatus(held, 0);
    expect(JSON.parse(held.stdout)).to.include({ kind: 'path', size: SIZE, partPresent: true });
    const nothing = await runIn(dir(), ['info', 'nothing', '--json']);
    expectStatus(nothing, 12);
    expect(JSON.parse(nothing.stdout)).to.include({ kind: 'error', exitStatus: 12 });
  });

  it('every mistake in the command line is exit status 2, on one line, and tells no secret', async () => {
    const url = `http://me:canary@${new URL(origin.url).host}/file.bin?canary=1`;
    const cases: Array<[says: RegExp, args: string[], env?: Record<string, string>]> = [
      [
        /^sluice: --threads: Expected an integer greater than .* 1 /,
        ['get', url, '--threads', '0'],
      ],
      [/--retries: Expected an integer .* received: -1/, ['get', url, '--retries', '-1']],
      [/--retries: Expected an integer .* received: x/, ['get', url], { SLUICE_RETRIES: 'x' }],
      [/Expected --sync=all to be one of/, ['get', url, '--sync', 'all']],
      [/Flag --output can only be specified once/, ['get', url, '-o', 'a', '-o', 'b']],
      [/Nonexistent flag: --bearr\n/, ['get', url, '--bearr=canary']],
      [/Nonexistent flags: --a, --b\n/, ['get', url, '--a=canary', '--b=canary']],
      [/Unexpected argument: http:/, ['info', url, url]],
      [/Unexpected argument: <URL not shown>/, ['info', url, 'me:canary@host/']],
      [/no URL or path is given\n.*sluice info URL/, ['info']],
      [/there is no command gte\n.*Did you mean `sluice get`\?/, ['gte', url]],
      [/there is no command gte\n.*Did you mean `sluice get`\?/, ['help', 'gte']],
      [/there is no command frobnicate\n.*begin with get, resume, info/, ['frobnicate']],
      [/has no scheme\n.*\n.*Did you mean https:..host.\?/, ['me:canary@host']],
      [/Nonexistent flag: --bearr\n/, ['--bearr=canary', url]],
      [/Expected --sync=all to be one of/, [url, '--sync', 'all']],
      [/`resume` takes the path of a download, not a URL/, ['resume', url]],
      [/`resume` takes the path of a download, not a URL/, ['resume', 'me:canary@host/x']],
      [/has no scheme\n.*Did you mean https:..host.x\?/, ['info', 'me:canary@host/x']],
      [/--max-time takes a time .* not http:/, ['get', origin.url, '--max-time', url]],
      [
        /-n takes the number of connections, and a URL stands behind it/,
        ['get', origin.url, '-n', url],
      ],
      [/--resolve takes HOST:PORT:ADDRESS, not http:/, ['get', url, '--resolve', url]],
      [/not a checksum: <URL not shown>/, ['get', origin.url, '--checksum', `md5:${url}`]],
      [/has no scheme\n.*\n.*Write it with/, ['get', '--', '--late']],
    ];
    for (const [says, args, env = {}] of cases) {
      const run = await runIn(dir(), args, { env });
      expectStatus(run, 2);
      expect(run.stderr).to.match(/^sluice: .*\n(?: {2}\w+: .*\n)* {2}\(\w+, exit status 2\)\n$/);
      expect(run.stderr).to.match(says);
      expect(run.stderr + run.stdout).to.not.contain('canary');
    }
    expect(origin.requests).to.deep.equal([]);
  });

  it('a file that is called - is written when that is what is asked for', async () => {
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', './-']), 0);
    expectSameContent(path.join(dir(), '-'), 2, SIZE);
  });

  it('-h is --help', async () => {
    for (const args of [['-h'], ['get', '-h'], ['resume', '-h']]) {
      const short = await runIn(dir(), args);
      expectStatus(short, 0);
      for (const other of [
        [...args.slice(0, -1), '--help'],
        ['help', ...args.slice(0, -1)],
      ]) {
        const long = await runIn(dir(), other);
        expect(short.stdout).to.equal(long.stdout);
      }
    }
  });

  it('a URL or a flag in the place of the command is for get', async () => {
    for (const args of [
      [origin.url, '-o', 'first'],
      ['-o', 'second', origin.url],
      ['--output=third', '--', origin.url],
    ])
      expectStatus(await runIn(dir(), args), 0);
    for (const name of ['first', 'second', 'third'])
      expectSameContent(path.join(dir(), name), 2, SIZE);
    const [short, long] = [
      [origin.url, '--help'],
      ['get', '--help'],
    ];
    expect((await runIn(dir(), short)).stdout).to.equal((await runIn(dir(), long)).stdout);
  });

  it('help shows the flags in groups', async () => {
    const help = await runIn(dir(), ['help', 'resume']);
    const headings = help.stdout.match(/^[A-Za-z ]+$(?=\n {2}\S)/gm);
    expect(headings).to.include.members([
      ...['USAGE', 'ARGUMENTS', 'FLAGS', 'TRANSFER FLAGS', 'REQUEST FLAGS', 'TLS FLAGS'],
      ...['ADDRESS FLAGS', 'TIME FLAGS', 'OUTPUT FLAGS', 'DESCRIPTION', 'EXAMPLES'],
    ]);
    expect(help.stdout).to.match(/\nFLAGS\n {2}--all .*\n {2}--insist /);
  });

  it('P12: DEBUG in the environment prints no command line', async () => {
    const env = { DEBUG: '*', CLI_FLAGS_DEBUG: '1', SLUICE_DEBUG: '1' };
    const args = ['get', origin.url, '-q', '--bearer', 'canary', '-H', 'A: canary'];
    for (const words of [
      args,
      [...args, '--help'],
      ['get', '--canary-flag', '--bearer', 'canary'],
    ]) {
      const { stdout, stderr } = await runIn(dir(), words, { env });
      expect((stdout + stderr).replace('--canary-flag', '')).to.not.contain('canary');
    }
  });

  it('info that cannot be written is not done; a mistake keeps its status when it cannot be told', async () => {
    const prefix = (where: string): string[] => ['sh', '-c', `exec "$@" ${where}`, 'sh'];
    for (const args of [[], ['--json']]) {
      const full = { prefix: prefix('>/dev/full') };
      const lost = await runIn(dir(), ['info', origin.url, ...args], full);
      expectStatus(lost, 10);
      expect(lost.stderr).to.match(/standard output cannot be written: ENOSPC/);
    }
    const untold = await runIn(dir(), ['get', '--late'], { prefix: prefix('2>/dev/full') });
    expectStatus(untold, 2);
  });

  it('a log that cannot be written any more is told, and ends nothing', async () => {
    const run = await runIn(dir(), ['get', origin.url, '--log-file', '/dev/full']);
    expectStatus(run, 0);
    expect(run.stderr.match(/the log ends here: the disk is full/g)).to.have.length(1);
    const none = await runIn(dir(), ['get', origin.url, '--log-file', 'none/log']);
    expectStatus(none, 10);
    expect(none.stderr).to.contain('its directory does not exist');
  });

  it('P26: a pipe that nobody reads is no log, and one with a slow reader holds nothing up', async () => {
    const pipe = path.join(dir(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const command of [
      ['get', origin.url, '-o', 'x'],
      ['info', origin.url],
      ['resume', 'x'],
    ]) {
      const none = await runIn(dir(), [...command, '--log-file', 'pipe'], { timeoutMs: 30_000 });
      expectStatus(none, 10);
      expect(none.stderr).to.contain('it is a pipe that nobody reads').and.contain('cat pipe &');
    }
    expect(filesIn(dir())).to.deep.equal(['pipe']);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const run = await runIn(dir(), ['get', origin.url, '-o', 'x', '--log-file', 'pipe']);
    expectStatus(run, 0);
    expectSameContent(path.join(dir(), 'x'), 2, SIZE);
    const log = Buffer.alloc(64 * 1024);
    expect(log.toString('utf8', 0, readSync(reader, log))).to.contain('"msg":"step"');
    closeSync(reader);
  });

  it('P16: a home in which nothing can be made is no obstacle, and no trap', async () => {
    const unset = { XDG_CACHE_HOME: undefined, XDG_STATE_HOME: undefined };
    const env = { HOME: '/proc', SLUICE_STATE_DIR: undefined, ...unset };
    const run = await runIn(dir(), ['get', origin.url, '--json'], { env, timeoutMs: 60_000 });
    expectStatus(run, 0);
    expectSameContent(path.join(dir(), 'file.bin'), 2, SIZE);
  });

  it('prints the table of exit statuses in --help, and nothing but errors with -q', async () => {
    const help = await runIn(dir(), ['get', '--help']);
    expectStatus(help, 0);
    for (const [status, meaning] of Object.entries(EXIT_STATUSES)) {
      expect(help.stdout.replace(/\s+/g, ' ')).to.contain(`${status} ${meaning}`);
    }
    const quiet = await runIn(dir(), ['get', origin.url, '-q']);
    expectStatus(quiet, 0);
    expect(quiet.stdout + quiet.stderr).to.equal('');
  });

  it('ends with the status of the table for what can be provoked', async () => {
    const closed = await Origin.start({ size: 1000 });
    const dead = closed.url;
    await closed.close();
    const route = (target: string, fault: Parameters<Origin['fault']>[0]['fault']): string => {
      origin.fault({ target, fault, times: Infinity });
      return origin.server.url(target);
    };
    writeFileSync(path.join(dir(), 'taken'), '');
    const cases: Array<[status: number, args: string[]]> = [
      [2, ['get', 'nonsense']],
      [2, ['get', origin.url, '-n', '65']],
      [3, ['get', 'http://no-such-host.invalid/', '--connect-timeout', '3']],
      [4, ['get', dead]],
      [6, ['get', route('/404', { kind: 'status', status: 404 })]],
      [6, ['get', route('/500', { kind: 'status', status: 500 })]],
      [7, ['get', route('/raw', { kind: 'raw', bytes: 'nonsense\r\n\r\n' })]],
      [7, ['get', route('/loop', { kind: 'redirect', location: '/loop' })]],
      [9, ['get', origin.url, '--checksum', `md5:${'0'.repeat(32)}`]],
      [11, ['get', origin.url, '-o', 'taken']],
      [12, ['resume', 'nothing']],
    ];
    for (const [status, args] of cases) {
      const more = args[0] === 'get' ? ['--retries', '0'] : [];
      const run = await runIn(dir(), [...args, ...more]);
      expect(run.status, `${args.join(' ')}\n${run.stderr}`).to.equal(status);
      expect(run.stderr).to.match(/^sluice: /m);
      expect(run.stderr).to.contain(`exit status ${status})`);
    }
  });

  it('P14: texts of a hostile server reach no terminal raw', async function () {
    if (findProgram('script') === null) return this.skip();
    const targets = ['/reason', '/location', '/name', '/etag', '/scheme'];
    const field = (name: string, value: string) => ({ kind: 'field', name, value }) as const;
    const always = (target: string, fault: Parameters<Origin['fault']>[0]['fault']): void =>
      origin.fault({ target, fault, times: Infinity });
    always('/reason', { kind: 'status', status: 404, reason: hostile });
    always('/location', { kind: 'redirect', location: `/x${hostile}` });
    always('/scheme', { kind: 'redirect', location: `gopher://${hostile}/` });
    always('/name', field('Content-Disposition', `attachment; filename="${hostile}.bin"`));
    always('/etag', field('ETag', `"${hostile}"`));
    for (const target of targets) {
      for (const [command, ...flags] of [['get', '--retries', '0', '-v'], ['info']]) {
        const line = [process.execPath, COMMAND, command, origin.server.url(target), ...flags];
        const shown = await shell(
          `script -qec "${line.map((word) => `'${word}'`).join(' ')}" /dev/null < /dev/null`,
        );
        expect(shown.length, target).to.be.above(10);
        expect(shown, target).not.to.contain('\x1b[2J').and.not.contain('\x1b]0;owned');

        const rest = shown.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '');

        expect(rest, target).not.to.match(
          /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u009f\u202a-\u202e]/,
        );
      }
    }
  });
});
