import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { certificates } from '../helpers/certificates.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { expectSameContent, sha256OfFile, tempDirPerTest } from '../helpers/files.js';
import { Nginx, requireServer } from '../helpers/nginx.js';

const SIZE = 64 * 1024 * 1024;
const SMALL = 300_000;

/** Locations that answer with names of RFC 6266 and RFC 8187, good and hostile. */
const NAMES: Record<string, [field: string, file: string]> = {
  token: ['attachment; filename=plain.bin', 'plain.bin'],
  quoted: ['attachment; filename="with space.bin"', 'with space.bin'],
  extended: [
    `attachment; filename="fallback.bin"; filename*=UTF-8''na%C3%AFve%20file.bin`,
    'na\u00efve file.bin',
  ],
};

/** Names that must not lead out of the directory, hide a file or be taken for an option. */
const HOSTILE = [
  'attachment; filename="../../escaped"',
  `attachment; filename*=UTF-8''%2e%2e%2fescaped`,
  'attachment; filename="/etc/escaped"',
  'attachment; filename=".hidden"',
  'attachment; filename="-rf"',
  'attachment; filename=".."',
  `attachment; filename*=UTF-8''a%1b%5b2Jb%0ac`,
  `attachment; filename*=UTF-8''a%e2%80%aegpj.exe`,
];

function extra(): string {
  const all = [...Object.values(NAMES).map(([field]) => field), ...HOSTILE];
  const lines = all.map(
    (field, index) =>
      `location /name/${index}/ { alias "ROOT/"; add_header Content-Disposition "${field.replace(/"/g, '\\"')}"; }`,
  );
  const needs = (name: string, variable: string, value: string): string =>
    `location /${name}/ { if (${variable} != "${value}") { return 403; } alias "ROOT/"; }`;
  return [
    ...lines,
    `location /folded/ { alias "ROOT/"; add_header Content-Security-Policy "default-src 'self';\n    img-src https: data:;\n\tfont-src *" always; }`,
    `location /lines/ { alias "ROOT/"; add_header Content-Security-Policy "default-src 'self';\nimg-src https: data:;\nupgrade-insecure-requests"; add_header X-Last 1; }`,
    `location /closed/ { alias "ROOT/"; add_header Content-Security-Policy "\n  default-src 'self';\n  img-src https:;\n"; }`,
    needs('bearer', '$http_authorization', 'Bearer t0ken'),
    needs('agent', '$http_user_agent', 'tester/1'),
    needs('referer', '$http_referer', 'http://from.example/'),
    needs('header', '$http_x_one', 'a b'),
    needs('client', '$ssl_client_verify', 'SUCCESS'),
  ].join('\n');
}

describe('integration/nginx', function () {
  const dir = tempDirPerTest();
  let nginx: Nginx;

  before(async function () {
    requireServer('nginx', this);
    nginx = await Nginx.start({
      limitConn: 2,
      extra: (root, directory) =>
        `ssl_client_certificate "${directory}/ca.crt"; ssl_verify_client optional;\n` +
        extra().replaceAll('ROOT', root),
    });
    nginx.addContent('big.bin', 1, SIZE);
    nginx.addContent('small.bin', 2, SMALL);
    nginx.addContent('middle.bin', 3, 6 * 1024 * 1024);
  });
  after(() => nginx?.close());

  const inDir = (name: string): string => path.join(dir(), name);
  const get = (...args: string[]) => runIn(dir(), ['get', ...args]);

  for (const scheme of ['http', 'https'] as const) {
    for (const connections of ['1', '4', '16', 'auto']) {
      it(`P1: ${scheme} with ${connections} connections is identical`, async () => {
        const url = nginx.url('/big.bin', scheme);
        const trust = scheme === 'https' ? ['--cacert', nginx.caFile] : [];
        expectStatus(await get(url, '-n', connections, ...trust), 0);
        expectSameContent(inDir('big.bin'), 1, SIZE);
        expect(filesIn(dir())).to.deep.equal(['big.bin']);
      });
    }
  }

  it('P1: follows a redirect and takes the name and the checksum', async () => {
    const sum = sha256OfFile(path.join(nginx.root, 'small.bin'));
    const url = nginx.url('/redirect/small.bin');
    expectStatus(await get(url, '--checksum', `sha256:${sum}`), 0);
    expectSameContent(inDir('small.bin'), 2, SMALL);
    const wrong = await get(url, '-o', 'x', '--checksum', `sha256:${'0'.repeat(64)}`);
    expectStatus(wrong, 9);
    expect(filesIn(dir())).to.deep.equal(['small.bin', 'x.part', 'x.sluice']);
  });

  it('sends credentials: -u, userinfo, and refuses without', async () => {
    const url = nginx.url('/auth/small.bin');
    expectStatus(await get(url, '-o', 'a'), 6);
    expectStatus(await get(url, '-o', 'a', '-u', 'user:wrong'), 6);
    expectStatus(await get(url, '-o', 'a', '-u', 'user:password'), 0);
    const userinfo = url.replace('http://', 'http://user:password@');
    expectStatus(await get(userinfo, '-o', 'b'), 0);
    expectSameContent(inDir('a'), 2, SMALL);
    expectSameContent(inDir('b'), 2, SMALL);
  });

  it('sends --bearer, -A, -e and -H as given, on every connection', async () => {
    const cases: Array<[location: string, flags: string[]]> = [
      ['bearer', ['--bearer', 't0ken']],
      ['agent', ['-A', 'tester/1']],
      ['referer', ['-e', 'http://from.example/']],
      ['header', ['-H', 'X-One: a b']],
    ];
    for (const [location, flags] of cases) {
      const url = nginx.url(`/${location}/middle.bin`);
      expectStatus(await get(url, '-o', 'without'), 6);
      expectStatus(await get(url, '-o', location, '-n', '4', ...flags), 0);
      expectSameContent(inDir(location), 3, 6 * 1024 * 1024);
    }
  });

  it('takes names from Content-Disposition (RFC 6266, RFC 8187)', async () => {
    for (const [index, [, file]] of Object.values(NAMES).entries()) {
      expectStatus(await get(nginx.url(`/name/${index}/small.bin`)), 0);
      expectSameContent(inDir(file), 2, SMALL);
    }
  });

  it('P13, P14: makes hostile names safe', async () => {
    const first = Object.keys(NAMES).length;
    for (const [index, field] of HOSTILE.entries()) {
      const run = await get(nginx.url(`/name/${first + index}/small.bin`), '-d', `d${index}`);
      expectStatus(run, 0);

      expect(run.stderr + run.stdout).not.to.match(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
      const [name = '', ...others] = filesIn(inDir(`d${index}`));
      expect(others, field).to.deep.equal([]);

      expect(name, field).not.to.match(/^[.-]|[\x00-\x1f\x7f/\\\u202e]/);
      expectSameContent(inDir(`d${index}/${name}`), 2, SMALL);
    }
    expect(filesIn(dir())).to.deep.equal(HOSTILE.map((_, index) => `d${index}`).sort());
  });

  it('downloads from a server without ranges over one stream, and says why', async () => {
    const run = await get(nginx.url('/noranges/middle.bin'), '-n', '8');
    expectStatus(run, 0);
    expectSameContent(inDir('middle.bin'), 3, 6 * 1024 * 1024);
    expect(run.stderr).to.match(/does not serve byte ranges/);
  });

  for (const place of ['folded', 'lines']) {
    it(`P9: add_header over several lines, ${place}: the file, with ranges`, async () => {
      expectStatus(await get(nginx.url(`/${place}/middle.bin`), '-n', '4'), 0);
      expectSameContent(inDir('middle.bin'), 3, 6 * 1024 * 1024);
    });
  }

  it('P1: add_header with its closing quote on a line of its own: refused, for every reader sees its end elsewhere', async () => {
    const ended = await get(nginx.url('/closed/small.bin'));
    expectStatus(ended, 7);
    expect(ended.stderr).to.contain('a bare LF stands at the end of the head');
    expect(ended.stderr).to.contain('next: ').and.contain('`curl -sS');
    expect(ended.stderr.match(/trying again/g)).to.have.length(1);
    expect(filesIn(dir())).to.deep.equal([]);
  });

  it('P10: asks for no encoding, so a location that would compress gives the bytes', async () => {
    expectStatus(await get(nginx.url('/gzip/middle.bin'), '-n', '4'), 0);
    expectSameContent(inDir('middle.bin'), 3, 6 * 1024 * 1024);
  });

  it('P21: finds out how many connections a server allows, and finishes', async () => {
    expectStatus(await get(nginx.url('/one/big.bin'), '-n', '8'), 0);
    expectSameContent(inDir('big.bin'), 1, SIZE);
  });

  it('authenticates itself with --cert and --key', async () => {
    const { client } = await certificates();
    writeFileSync(inDir('client.crt'), client.cert);
    writeFileSync(inDir('client.key'), client.key);
    const url = nginx.url('/client/middle.bin', 'https');
    const trust = ['--cacert', nginx.caFile];
    expectStatus(await get(url, ...trust), 6);
    const files = ['--cert', 'client.crt', '--key', 'client.key'];
    expectStatus(await get(url, '-n', '4', ...trust, ...files), 0);
    expectSameContent(inDir('middle.bin'), 3, 6 * 1024 * 1024);
  });

  it('accepts an unknown authority only with --cacert or -k, exit status 5', async () => {
    const url = nginx.url('/small.bin', 'https');
    const refused = await get(url);
    expectStatus(refused, 5);
    expect(refused.stderr).to.contain('--cacert');
    expectStatus(await get(url, '-k'), 0);
    expectSameContent(inDir('small.bin'), 2, SMALL);
  });

  it('refuses a missing and an unreadable --cacert', async () => {
    for (const [name, text] of [
      ['missing.pem', null],
      ['rubbish.pem', 'no certificate'],
    ] as const) {
      if (text !== null) writeFileSync(inDir(name), text);
      expectStatus(await get(nginx.url('/small.bin', 'https'), '--cacert', name), 5);
    }
  });
});
