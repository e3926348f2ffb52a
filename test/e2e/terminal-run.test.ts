/** The command under a real pseudo-terminal: secrets (P12) and what a server sends (P14). */
import { expect } from 'chai';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expectNoneOf, filesBelow } from '../helpers/canaries.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { runInTerminal, widestOf } from '../helpers/pty.js';
import type { PtyResult, Terminal } from '../helpers/pty.js';
import { Screen } from '../unit/cli/screen.js';

const SIZE = 4 * 1024 * 1024;

const [UNAME, UPASS, QUERY, SIGNATURE] = ['lark-uname', 'lark-upass', 'lark-query', 'lark-signed'];
const [FRAGMENT, HEADER, COOKIE] = ['lark-fragment', 'lark-header', 'lark-cookie'];
const [REFERER, AGENT, USER] = ['lark-referer', 'lark-agent', 'lark-user'];
const [PASSWORD, BEARER, HOP_QUERY] = ['lark-password', 'lark-bearer', 'lark-hopquery'];
const [HOP_USER, HOP_PASS] = ['lark-hopuser', 'lark-hoppass'];
const SECRETS = [
  ...[UNAME, UPASS, QUERY, SIGNATURE, FRAGMENT, HEADER, COOKIE, REFERER, AGENT, USER],
  ...[PASSWORD, BEARER, HOP_QUERY, HOP_USER, HOP_PASS],
];
/** The journal has to ask for them again. */
const IN_JOURNAL = [QUERY, SIGNATURE, HOP_QUERY];

const WIDE: Terminal = { columns: 100, rows: 30 };
const NARROW: Terminal = { columns: 46, rows: 12 };

const flags = [
  ...['-H', `X-Secret: ${HEADER}`, '-H', `Cookie: id=${COOKIE}`],
  ...['-e', `http://x.example/?r=${REFERER}`, '-A', `agent/${AGENT}`, '-n', '4', '--threads', '2'],
];

/** Fails on a control byte that is not the display's own, and when the terminal is left changed. */
function expectTame({ stdout }: PtyResult, { columns, rows }: Terminal): Screen {
  const screen = new Screen(columns, rows);
  screen.write(stdout);
  expect(screen.cursorVisible).equal(true);
  return screen;
}

describe('the command under a pseudo-terminal', function () {
  this.timeout(60_000);
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: 61, rate: 400_000 });
  });
  afterEach(() => origin.close());

  const run = (args: string[], terminal: Terminal, cwd = dir()): Promise<PtyResult> => {
    const env = {
      SLUICE_STATE_DIR: path.join(cwd, 'state'),
      SLUICE_CACHE_DIR: path.join(cwd, 'cache'),
    };
    return runInTerminal(args, terminal, { cwd, env });
  };

  function searchFiles(): void {
    const files = filesBelow(dir()).filter((file) => !file.endsWith('.part'));
    for (const file of files) {
      const allowed = file.endsWith('.sluice') ? IN_JOURNAL : [];
      expectNoneOf(SECRETS, readFileSync(file, 'latin1'), file, allowed);
    }
    expect(files.join('\n')).include('the.log').include('.sluice');
  }

  const query = `?X-Amz-Signature=${SIGNATURE}&token=${QUERY}#${FRAGMENT}`;

  for (const [name, userinfo, credentials, sent] of [
    ['userinfo', `${UNAME}:${UPASS}@`, [], `${UNAME}:${UPASS}`],
    ['--user', '', ['-u', `${USER}:${PASSWORD}`], `${USER}:${PASSWORD}`],
    ['--bearer', '', ['--bearer', BEARER], BEARER],
  ] as const) {
    it(`P12: no secret is in the terminal's raw stream, nor in a file (${name})`, async () => {
      origin.fault({
        request: 2,
        fault: { kind: 'status', status: 503, reason: 'Busy' },
        times: 3,
      });
      const url = `${origin.url.replace('//', `//${userinfo}`)}${query}`;
      const args = ['get', url, '-v', '--log-file', 'the.log', '--max-time', '1', ...flags];
      const ended = await run([...args, ...credentials], WIDE);
      expectStatus(ended, 4);
      expect(ended.stdout, 'the display').include('receiving').include('\u2588');
      expectNoneOf(SECRETS, ended.stdout, 'the terminal');
      expectTame(ended, WIDE);
      searchFiles();
      const heads = origin.requests.map(({ head }) => head).join();
      for (const secret of [QUERY, SIGNATURE, HEADER, COOKIE, REFERER, AGENT])
        expect(heads).include(secret);
      const coded = Buffer.from(sent).toString('base64');
      expect(heads.includes(coded) || heads.includes(sent), 'the credentials').equal(true);
    });
  }

  it('P12: nor of an address that a redirect led to and that expired', async () => {
    const other = await Origin.start({ size: SIZE, seed: 61, rate: 400_000 });
    try {
      const hop = other.url.replace('//', `//${HOP_USER}:${HOP_PASS}@`);
      const location = `${hop}?Signature=${HOP_QUERY}`;
      origin.fault({ fault: { kind: 'redirect', location }, times: Infinity });
      other.fault({ request: 2, fault: { kind: 'status', status: 403 }, times: Infinity });
      const args = ['get', `${origin.url}${query}`, '-v', '--log-file', 'the.log', ...flags];
      const ended = await run([...args, '--max-time', '1', '--bearer', BEARER], WIDE);
      expect(ended.status).not.equal(0);
      expectNoneOf(SECRETS, ended.stdout, 'the terminal');
      expectTame(ended, WIDE);
      searchFiles();
      expect(other.requests.map(({ target }) => target).join()).include(HOP_QUERY);
    } finally {
      await other.close();
    }
  });

  it('P12, P19: nor when a thread dies over an error that quotes all that it knows', async () => {
    const preload = path.join(dir(), 'harm.mjs');
    writeFileSync(
      preload,
      `import { isMainThread } from 'node:worker_threads';
      import { Socket } from 'node:net';
      import { mkdirSync } from 'node:fs';
      const write = Socket.prototype.write;
      if (!isMainThread) Socket.prototype.write = function (bytes, ...rest) {
        const first = () => { try { mkdirSync('harmed'); return true; } catch { return false; } };
        if (first()) setTimeout(() => { throw new Error(String(bytes)); }, 200);
        return write.call(this, bytes, ...rest);
      };`,
    );
    // So that it is not done before a busy machine has started the thread.
    origin.set({ rate: 100_000 });
    const url = `${origin.url.replace('//', `//${UNAME}:${UPASS}@`)}${query}`;
    const args = ['get', url, '-v', '--log-file', 'the.log', '--max-time', '4', ...flags];
    const env = { NODE_OPTIONS: `--import ${preload}` };
    const plain = await runIn(dir(), [...args, '--json'], { env });
    expectStatus(plain, 4);
    const codes = plain.events.flatMap((event) => (event.type === 'retry' ? [event.code] : []));
    expect(codes).include('WORKER_LOST');
    expectNoneOf(SECRETS, plain.stdout + plain.stderr, 'the output');
    searchFiles();
  });

  /** In UTF-8, as a server would send it. */
  const disposition = (name: string): string =>
    `attachment; filename*=UTF-8''${[...Buffer.from(name)]
      .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
      .join('')}`;

  const NAMES: Record<string, string> = {
    'wide characters': '\u6f22\u5b57\u306e\u540d\u524d'.repeat(12) + '.bin',
    'wide ones that are seldom': '\ufe10\u2329\u4dc0\u{16fe0}\u{1aff0}\u{18d00}'.repeat(9) + '.bin',
    'combining characters': '\u0301\u20d0' + 'a\u0301\u0302\u0303'.repeat(30) + '.bin',
    emoji:
      '\u{1f600}\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u2764\ufe0f\u{1f1e9}\u{1f1ea}'.repeat(5) +
      '.bin',
    controls: '\x1b[31m\x1b]0;t\x07\x9b2J\r\n\x00\u202e\u2028\u{e0001}\u061c'.repeat(4) + '.bin',
  };

  for (const [what, name] of Object.entries(NAMES)) {
    it(`P13, P14: a name of ${what} breaks neither the terminal nor the display's lines`, async () => {
      origin.set({ fields: { 'Content-Disposition': disposition(name) }, rate: 2_500_000 });
      const reason = `\x9b31m${'\xe9'.repeat(80)}\x85`;
      origin.fault({ request: 2, fault: { kind: 'status', status: 503, reason }, times: 2 });
      await Promise.all(
        [WIDE, NARROW].map(async (terminal) => {
          const cwd = path.join(dir(), `${terminal.columns}`);
          mkdirSync(cwd);
          const ended = await run(['get', '-n', '4', origin.url], terminal, cwd);
          expectStatus(ended, 0);
          expectTame(ended, terminal);
          expect(ended.frames.length, 'lines drawn over').above(5);
          expect(widestOf(ended.frames)).below(terminal.columns);
          const [file = '', ...others] = filesBelow(cwd).filter((each) => each.includes('.bin'));
          expect(others).deep.equal([]);
          expect(path.dirname(file)).equal(cwd);
          expect(Buffer.byteLength(path.basename(file))).most(255);
          expect(path.basename(file)).not.match(/[\p{Cc}\p{Bidi_C}\u2028]/u);
          expectSameContent(file, 61, SIZE);
        }),
      );
    });
  }
});
