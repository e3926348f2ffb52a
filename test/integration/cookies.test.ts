/** Cookies of a run: set on the way, sent on all connections, shown to nobody else. */
import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { formatHead } from '../helpers/fault-server.js';

const SIZE = 6 * 1024 * 1024;

describe('cookies', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();

  /** An origin that answers `/file.bin` only to who has the cookie, and sets it elsewhere. */
  async function walled(rate = 3 * 1024 * 1024) {
    const origin = await bench.origin({ size: SIZE, rate });
    origin.fault({
      target: '/file.bin',
      times: Infinity,
      when: ({ fields }) => !(fields['cookie'] ?? '').split('; ').includes('pass=canary-1'),
      fault: {
        kind: 'raw',
        then: 'keep',
        bytes: formatHead(302, { Location: '/login', 'Content-Length': 0 }),
      },
    });
    origin.fault({
      target: '/login',
      times: Infinity,
      fault: {
        kind: 'raw',
        then: 'keep',
        bytes: formatHead(302, {
          Location: '/file.bin',
          'Set-Cookie': ['pass=canary-1; Path=/', 'other=canary-2; Domain=example.org'],
          'Content-Length': 0,
        }),
      },
    });
    return origin;
  }

  for (const threads of [0, 2])
    it(`a cookie of a redirect is sent on all connections, ${threads} threads`, async () => {
      const origin = await walled();
      const run = await bench.engine({ connections: 4, threads }).get(origin.url);
      expectDone(run, origin);
      const asked = origin.requests.filter(({ target }) => target === '/file.bin').slice(1);
      expect(new Set(asked.map(({ connection }) => connection)).size).above(1);
      for (const { fields } of asked) expect(fields['cookie']).equal('pass=canary-1');
    });

  it('a cookie that the answer itself sets is sent by all later requests', async () => {
    const origin = await bench.origin({ size: SIZE, rate: 3 * 1024 * 1024 });
    origin.fault({
      times: 1,
      fault: { kind: 'field', name: 'Set-Cookie', value: 'node=7; Path=/' },
    });
    const run = await bench.engine({ connections: 4 }).get(origin.url);
    expectDone(run, origin);
    const [first, ...others] = origin.requests;
    expect(first?.fields['cookie']).equal(undefined);
    expect(others).not.deep.equal([]);
    for (const { fields } of others) expect(fields['cookie']).equal('node=7');
  });

  it('P11: where a redirect leads gets no cookie of where it comes from', async () => {
    const there = await bench.origin({ size: 1000 });
    const here = await bench.origin({ size: 1 });
    here.fault({
      times: Infinity,
      fault: {
        kind: 'raw',
        bytes: formatHead(302, {
          Location: there.url.replace('127.0.0.1', 'localhost'),
          'Set-Cookie': 'secret=canary; Path=/',
          'Content-Length': 0,
        }),
      },
    });
    const run = await bench
      .engine({
        resolve: [
          {
            host: 'localhost',
            port: Number(new URL(there.url).port),
            addresses: [{ address: '127.0.0.1', family: 4 }],
          },
        ],
      })
      .get(here.url);
    expectDone(run, there);
    for (const { head } of there.requests) expect(head).not.contain('canary');
  });

  it('-b sends what the file has for the host, in every kind of request; P12: shown nowhere', async () => {
    const origin = await walled(1024 * 1024);
    const jar = path.join(dir(), 'cookies.txt');
    writeFileSync(
      jar,
      '# Netscape HTTP Cookie File\n#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\tpass\tcanary-1\nexample.org\tFALSE\t/\tFALSE\t0\tother\tcanary-2\n',
    );
    const args = ['get', origin.url, '-b', jar, '-o', 'got.bin', '-n', '4', '-v', '--json'];
    const run = await runIn(dir(), args);
    expectStatus(run, 0);
    expectSameContent(path.join(dir(), 'got.bin'), origin.seed, SIZE);
    for (const { target, fields } of origin.requests) {
      expect(target).equal('/file.bin');
      expect(fields['cookie']).equal('pass=canary-1');
    }
    const state = path.join(dir(), '.state');
    const kept = existsSync(state)
      ? readdirSync(state, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'))
      : [];
    expect([run.stdout, run.stderr, ...kept].join('')).not.contain('canary');
  });

  it('P12: a file that is none is exit 2 with the line, and nothing of what it says', async () => {
    const jar = path.join(dir(), 'cookies.txt');
    const origin = await bench.origin({ size: 1 });
    const missing = await runIn(dir(), ['get', origin.url, '-b', jar]);
    expectStatus(missing, 2);
    expect(missing.stderr).contain('CREDENTIALS_FILE');
    writeFileSync(jar, '127.0.0.1 FALSE / FALSE 0 n canary\n');
    const wrong = await runIn(dir(), ['get', origin.url, '-b', jar]);
    expectStatus(wrong, 2);
    expect(wrong.stderr).contain('line 1').and.not.contain('canary');
    expect(filesIn(dir())).deep.equal(['cookies.txt']);
    expect(origin.requests).deep.equal([]);
  });
});
