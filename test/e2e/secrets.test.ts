import { expect } from 'chai';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { tempDirPerTest } from '../helpers/files.js';
import { untilClaimed } from '../helpers/leave.js';
import { Origin } from '../helpers/origin.js';
import { runSluice, spawnSluice } from '../helpers/run-sluice.js';
import { together } from '../helpers/together.js';

/** Each stands for a secret; none is part of another. */
const CANARY = {
  userinfoName: 'canary-uname-1',
  userinfoPassword: 'canary-upass-2',
  user: 'canary-user-3',
  password: 'canary-password-4',
  bearer: 'canary-bearer-5',
  header: 'canary-header-6',
  cookie: 'canary-cookie-7',
  referer: 'canary-referer-8',
  query: 'canary-query-9',
  signature: 'canary-signature-10',
  fragment: 'canary-fragment-11',
  redirected: 'canary-redirected-12',
};

/** The journal must hold the query, for it is asked for again, and nothing else. */
const IN_JOURNAL = new Set([CANARY.query, CANARY.signature, CANARY.redirected]);

describe('e2e/secrets', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: 4 * 1024 * 1024, rate: 120_000 });
  });
  afterEach(() => origin.close());

  const query = `?X-Amz-Signature=${CANARY.signature}&token=${CANARY.query}#${CANARY.fragment}`;

  /** Every file below a directory. */
  function filesBelow(directory: string): string[] {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
  }

  function expectNone(text: string, where: string): void {
    for (const [name, canary] of Object.entries(CANARY)) {
      if (where.endsWith('.sluice') && IN_JOURNAL.has(canary)) continue;
      expect(text.includes(canary), `${name} is in ${where}: ${text.slice(0, 2000)}`).to.equal(
        false,
      );
      const coded = Buffer.from(canary).toString('base64').slice(0, -4);
      expect(text.includes(coded), `${name} is in ${where} as base64`).to.equal(false);
    }
  }

  const flags = [
    ...['-H', `X-Secret: ${CANARY.header}`, '-H', `Cookie: id=${CANARY.cookie}`],
    ...['-e', `http://x.example/${CANARY.referer}`],
  ];

  const ways: Record<string, { credentials: string[]; userinfo: string; output: string[] }> = {
    userinfo: {
      credentials: [],
      userinfo: `${CANARY.userinfoName}:${CANARY.userinfoPassword}@`,
      output: ['-v'],
    },
    user: {
      credentials: ['-u', `${CANARY.user}:${CANARY.password}`],
      userinfo: '',
      output: ['--json'],
    },
    bearer: { credentials: ['--bearer', CANARY.bearer], userinfo: '', output: [] },
  };

  for (const [name, { credentials, userinfo, output }] of Object.entries(ways)) {
    it(`P12: no secret is in any artefact (${name})`, async () => {
      const url = `${origin.url.replace('//', `//${userinfo}`)}${query}`;
      const args = [
        'get',
        url,
        '-n',
        '2',
        '--log-file',
        'the.log',
        ...flags,
        ...credentials,
        ...output,
      ];
      const state = path.join(dir(), 'state');
      const run = spawnSluice(args, { cwd: dir(), env: { SLUICE_STATE_DIR: state } });
      const journal = path.join(dir(), 'file.bin.sluice');
      await untilClaimed(run, path.join(dir(), 'file.bin'));
      if (process.platform === 'linux') {
        const title = readFileSync(`/proc/${run.pid}/cmdline`, 'latin1');
        expect(title).to.match(/^sluice/);
        expectNone(title, 'the title of the process');
      }
      run.kill('SIGINT');
      const stopped = await run.ended;
      expect(stopped.status, stopped.stderr).to.equal(130);
      const [sent] = origin.requests;
      expect(sent?.head).to.contain(CANARY.header).and.contain(CANARY.query);
      if (name !== 'none') expect(sent?.fields['authorization']).to.be.a('string');
      expectNone(stopped.stdout, 'stdout');
      expectNone(stopped.stderr, 'stderr');
      for (const file of filesBelow(dir())) {
        if (!file.endsWith('.part')) expectNone(readFileSync(file, 'latin1'), file);
      }
      expect(readFileSync(journal, 'latin1')).to.contain(CANARY.query);
      for (const file of [journal, path.join(dir(), 'the.log')]) {
        expect(statSync(file).mode & 0o777, file).to.equal(0o600);
      }
    });
  }

  it('P11, P12: nothing goes to another origin, and its signed address is not shown', async () => {
    const other = await Origin.start({ size: 4 * 1024 * 1024, rate: 1_000_000 });
    try {
      const location = `${other.url}?Signature=${CANARY.redirected}`;
      origin.fault({ fault: { kind: 'redirect', location }, times: Infinity });
      other.fault({ fault: { kind: 'status', status: 403 }, times: Infinity });
      const url = `${origin.url}${query}`;
      const args = ['get', url, '-v', '--log-file', 'the.log', ...flags, '--bearer', CANARY.bearer];
      const run = spawnSluice(args, { cwd: dir() });
      const ended = await run.ended;
      expect(ended.status).to.equal(6);
      for (const { head } of other.requests) {
        for (const canary of [CANARY.bearer, CANARY.header, CANARY.cookie, CANARY.referer]) {
          expect(head).not.to.contain(canary);
        }
      }
      expect(other.requests.length).to.be.above(0);
      expectNone(ended.stdout + ended.stderr, 'the output');
      expectNone(readFileSync(path.join(dir(), 'the.log'), 'latin1'), 'the log');
    } finally {
      await other.close();
    }
  });

  it('P12: mistakes in the command line do not repeat what may be secret', async () => {
    const wrong = [
      ['get', `http://${CANARY.userinfoName}:${CANARY.userinfoPassword}@[::1/x?${CANARY.query}`],
      ['get', `ftp://u:${CANARY.userinfoPassword}@host/x?token=${CANARY.query}`],
      ['get', 'http://127.0.0.1:1/', '-u', CANARY.user],
      ['get', 'http://127.0.0.1:1/', '-H', `NoColon${CANARY.header}`],
      ['get', 'http://127.0.0.1:1/', '-H', `X: ${CANARY.header}\nY: 1`],
      ['get', 'http://127.0.0.1:1/', '--bearer', `${CANARY.bearer}\n`],
      ['info', `http://127.0.0.1:1/x?sig=${CANARY.signature}`, '--connect-timeout', '1'],
    ];
    for (const args of wrong) {
      const { status, stdout, stderr } = await spawnSluice([...args, '--retries', '0'], {}).ended;
      expect(status).not.to.equal(0);
      expectNone(stdout + stderr, args.slice(0, 3).join(' '));
    }
  });

  // The `debug` package prints what oclif hands around, and that is the command line.
  for (const env of [{ DEBUG: '*', CLI_FLAGS_DEBUG: '1', SLUICE_DEBUG: '1' }, { NODE_DEBUG: '*' }])
    it(`P12: ${JSON.stringify(env)} in the environment prints none`, async () => {
      const { url } = origin;
      const secret = [
        ...['--bearer', CANARY.bearer, '-u', `${CANARY.user}:${CANARY.password}`],
        ...['-H', `Authorization: ${CANARY.header}`],
      ];
      const ways: string[][] = [
        ['get', `${url}${query}`, '-o', 'f', ...secret],
        ['info', `${url}${query}`, ...secret],
        ['resume', 'nothing-there', ...secret],
        ['get', 'http://127.0.0.1:1/x', '--retries', '0', '-o', 'h', ...secret],
        ['get', url, '--no-such-flag', ...secret],
        ['get', url, '--threads', '0', ...secret],
        ['get', url, '--bearer', '--user', ...secret],
        ['get', '--help', ...secret],
        ['help', 'get', ...secret],
        ['help', ...secret],
        ['--help', ...secret],
        ['gett', url, ...secret],
        [url, ...secret],
        [...secret, url],
      ];
      origin.set({ size: 1000, rate: Infinity });
      const described = (args: string[]): string => args.slice(0, 3).join(' ');
      await together(
        ways,
        described,
        async (args) => {
          const { stdout, stderr } = await runSluice(args, { cwd: dir(), env });
          expectNone(stdout, `standard output of ${described(args)}`);
          expectNone(stderr, `standard error of ${described(args)}`);
        },
        2,
      );
    });
});
