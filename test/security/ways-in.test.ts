/** Ways in that no other test takes: the environment, names in a directory, texts of a journal, a name's addresses. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { identityFrame, type Frame } from '../../src/disk/journal-format.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { certificates } from '../helpers/certificates.js';
import { tempDirPerTest } from '../helpers/files.js';
import { journalBytes } from '../helpers/journal-bytes.js';
import { apart, requireNamespaces } from '../helpers/namespaces.js';
import { Origin } from '../helpers/origin.js';
import { someIdentity } from '../unit/disk/files.js';

const ESCAPES = '\x1b[2J\x1b]0;owned\x07\u009b31m\u202egpj\u200b';
/** What a terminal would act upon. */
const RAW = /[^\n\P{Cc}]|[\p{Cf}\u2028]/u;

describe('security/ways-in', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: 1000 });
  });
  afterEach(() => origin.close());

  const put = (name: string, frames: Frame[]): void =>
    writeFileSync(path.join(dir(), `${name}.sluice`), journalBytes(frames), { mode: 0o600 });

  it('P1: NODE_TLS_REJECT_UNAUTHORIZED in the environment makes no certificate valid', async () => {
    const secure = await Origin.start({ size: 1000, tls: (await certificates()).server });
    try {
      const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
      for (const args of [
        ['get', secure.url, '--retries', '0'],
        ['get', secure.url, '--retries', '0', '-n', '4', '--threads', '2'],
        ['info', secure.url],
      ])
        expectStatus(await runIn(dir(), args, { env }), 5);
      expect(secure.requests).deep.equal([]);
    } finally {
      await secure.close();
    }
  });

  it('P15: a chain of certificates of more than 100 KiB is refused', async () => {
    const { server, ca } = await certificates();
    writeFileSync(path.join(dir(), 'ca'), ca);
    const size = 100;
    const chains = {
      [server.cert]: 0,
      [server.cert + ca.repeat(size)]: 0,
      [server.cert + ca.repeat(4 * size)]: 5,
    };
    for (const [cert, status] of Object.entries(chains)) {
      const secure = await Origin.start({ size: 1000, tls: { ...server, cert } });
      try {
        const run = await runIn(dir(), ['info', secure.url, '--cacert', 'ca']);
        expectStatus(run, status);
      } finally {
        await secure.close();
      }
    }
  });

  it('P14: names in a directory that resume --all finds reach no terminal raw, and lead nowhere else', async () => {
    const names = [`a${ESCAPES}`, '-rf', '--output', '$(touch owned)', `${'x'.repeat(240)}`, ' '];
    for (const name of names) put(name, [identityFrame(someIdentity({ url: origin.url }))]);
    // Of the right name, and no journal; a directory is none either.
    writeFileSync(path.join(dir(), 'b.sluice'), ESCAPES);
    mkdirSync(path.join(dir(), 'c.sluice'));
    for (const how of [[], ['-v'], ['--json']]) {
      const run = await runIn(dir(), ['resume', '--all', ...how, '--retries', '0']);
      expect([11, 12], run.stderr).include(run.status);
      expect(run.stdout + run.stderr).not.match(RAW);
      expect(run.stdout + run.stderr).contain('owned');
    }
    expect(statSync(path.join(dir(), 'c.sluice')).isDirectory()).equal(true);
  });

  it('P14: what a journal says is shown escaped, and in excerpts', async () => {
    const long = ESCAPES.repeat(1_000);
    const validators = {
      etag: { opaque: `"${'\x9b'.repeat(50_000)}"`, weak: false },
      lastModified: long,
      dateMs: 1,
    };
    const identity = someIdentity({
      url: `http://h/${'%1b'.repeat(20_000)}?secret`,
      finalUrl: `https://h/${'x'.repeat(60_000)}`,
      validators,
      bootId: long,
      options: { checksums: [], name: long, [long]: long },
    });
    put('x', [identityFrame(identity)]);
    writeFileSync(path.join(dir(), 'x.part'), '');
    for (const how of [[], ['--json']]) {
      const run = await runIn(dir(), ['info', 'x', ...how]);
      expectStatus(run, 0);
      expect(run.stdout).not.match(RAW);
      expect(run.stdout.length).within(500, 20_000);
      expect(run.stdout).not.contain('secret');
    }
    put('y', [
      identityFrame(someIdentity({ options: { checksums: [{ algorithm: long, hex: long }] } })),
    ]);
    const odd = await runIn(dir(), ['resume', 'y']);
    expectStatus(odd, 12);
    expect(odd.stderr).not.match(RAW);
    expect(odd.stderr).length.below(2_000);
  });

  describe('with a file of hosts of its own', function () {
    before(function () {
      requireNamespaces(this);
    });

    it('P15: of a name with 500 addresses some are taken, and nothing takes longer for the rest', async () => {
      const hosts = path.join(dir(), 'hosts');
      const lines = Array.from(
        { length: 500 },
        (_, at) => `127.0.${at >> 8}.${at & 255} many.test`,
      );
      writeFileSync(hosts, `127.0.0.1 many.test\n${lines.reverse().join('\n')}\n`);
      const prefix = apart({ bind: [hosts, '/etc/hosts'] });
      const url = `http://many.test:${new URL(origin.url).port}/f`;
      const run = await runIn(dir(), ['info', url, '--json'], { prefix });
      expectStatus(run, 0);
      const { addresses } = JSON.parse(run.stdout) as { addresses: string[] };
      expect(addresses.length).within(2, 32);
    });
  });
});
