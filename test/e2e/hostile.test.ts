/** Hostile names and certificates, through the whole command. */
import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expectStatus, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';

const ESCAPES = '\x1b[2J\x1b]0;owned\x07\u009b31m\u202egpj\u200b';

/** Names as the end of a URL's path, percent-encoded. */
const IN_PATH = [
  ...['..%2f..%2fx', '%2fetc%2fpasswd', '..%5c..%5cx', 'C%3a%5cx', 'CON.txt', 'nul', '-rf', '.x'],
  ...['%00', 'a%00b', 'a%0ab', `${'%e4%be%8b'.repeat(120)}.iso`, '%1b%5b2J', '%e2%80%aegpj.exe'],
  ...['%ff%fe', '%2e%2e', 'e%cc%81', 'x'.repeat(300), 'a%20', '%e2%80%8b', '~', '%7e%2froot'],
];
/** Names in Content-Disposition. */
const IN_FIELD = [
  ...[
    '"../../x"',
    '"/etc/passwd"',
    '"C:\\\\x\\\\y"',
    '"\\\\\\\\host\\\\share"',
    '"aux"',
    '".bashrc"',
  ],
  ...['"-rf"', `"${'\xe4\xbe\x8b'.repeat(120)}.tar.gz"`, '""', '"."', '".."', '"a/"', '"..."'],
];

describe('e2e/hostile', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: 1000, seed: 3 });
  });
  afterEach(() => origin.close());

  /** Downloads into a directory of its own, and returns the one name that is there afterwards. */
  async function nameOf(url: string, number: number): Promise<string> {
    const cwd = path.join(dir(), String(number), 'work');
    mkdirSync(cwd, { recursive: true });
    const run = await runIn(cwd, ['get', url, '-q'], { env: { SLUICE_STATE_DIR: dir() } });
    expectStatus(run, 0);
    expect(readdirSync(path.dirname(cwd)), url).to.deep.equal(['work']);
    const names = readdirSync(cwd);
    expect(names, url).to.have.length(1);
    return names[0] ?? '';
  }

  it('P13: whatever name comes, one safe file in the directory comes of it', async function () {
    IN_FIELD.forEach((name, i) =>
      origin.fault({
        target: `/field-${i}`,
        times: Infinity,
        fault: {
          kind: 'field',
          name: 'Content-Disposition',
          value: `attachment; filename=${name}`,
        },
      }),
    );
    const urls = [
      ...IN_PATH.map((name) => origin.server.url(`/dir/${name}`)),
      ...IN_FIELD.map((_, i) => origin.server.url(`/field-${i}`)),
    ];
    const names: string[] = [];
    const next = urls.entries();
    const worker = async (): Promise<void> => {
      for (const [number, url] of next) names.push(await nameOf(url, number));
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    for (const name of names) {
      expect(name).to.not.match(/^[.\- ]|[. ]$|[\\:\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(name).to.not.match(/^(?:con|aux|nul)(?:\.|$)/i);
      expect(Buffer.byteLength(name)).to.be.at.most(240);
    }
  });

  it("P13: a name that is another download's part or journal leaves that alone", async () => {
    for (const name of ['a.bin.part', 'a.bin.sluice']) {
      writeFileSync(path.join(dir(), name), 'of another');
      const url = origin.server.url(`/${name}`);
      expectStatus(await runIn(dir(), ['get', url]), 11);
      expect(readFileSync(path.join(dir(), name), 'utf8')).to.equal('of another');
    }
  });

  it('P14: the names in a certificate reach no terminal, JSON or log raw', async function () {
    if (findProgram('openssl') === null) return this.skip();
    const [key, cert] = [path.join(dir(), 'key'), path.join(dir(), 'cert')];
    const subject = `/O=${ESCAPES}/CN=${ESCAPES}`;
    const form = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync(
      'openssl',
      ['req', '-x509', ...form, '-utf8', '-subj', subject, '-keyout', key, '-out', cert],
      { stdio: 'ignore' },
    );
    const tls = { key: readFileSync(key), cert: readFileSync(cert) };
    const secure = await Origin.start({ size: 1000, tls });
    try {
      const runs = [
        ['info', secure.url, '-k'],
        ['info', secure.url, '-k', '--json'],
        ['get', secure.url, '--cacert', cert, '-v', '--log-file', 'log', '--retries', '0'],
        ['get', secure.url, '--json', '--retries', '0'],
      ];
      let said = '';
      for (const args of runs) {
        const run = await runIn(dir(), args);
        said += run.stdout + run.stderr;
      }
      said += readFileSync(path.join(dir(), 'log'), 'utf8');
      expect(said).to.not.match(/[^\n\P{Cc}]|[\p{Cf}]/u);
      expect(said, 'the names were shown').to.contain('owned');
      expect(said).to.contain('TLS_CERTIFICATE');
    } finally {
      await secure.close();
    }
  });
});
