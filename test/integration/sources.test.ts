/** hf://, gs:// and az:// against scripted services: what is asked of whom, with which token. */
import { expect } from 'chai';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { examplesOf, runExample } from '../helpers/examples.js';
import { tempDirPerTest } from '../helpers/files.js';
import { runSluice } from '../helpers/run-sluice.js';

const TOKEN = 'hf_secretOfTheTest';
const FILES: Record<string, string> = {
  'config.json': '{}',
  'sub/weights.bin': 'w'.repeat(5000),
  'README.md': '# it',
};

const LIST =
  '<ListBucketResult><Contents><Key>parquet/a/b.parquet</Key></Contents></ListBucketResult>';

/** A page of Azure's: what is below `p/` comes in two. */
const azurePage = (url: URL): string => {
  const isSecond = url.searchParams.get('marker') === 'm&1';
  const names = isSecond ? ['p/sub/b%.bin', 'p/sub/c.txt'] : ['p/a.bin', 'p/dir/'];
  const blobs = names.map((name) => `<Blob><Name>${name}</Name><Properties/></Blob>`).join('');
  const next = isSecond ? '<NextMarker/>' : '<NextMarker>m&amp;1</NextMarker>';
  return `<EnumerationResults><Blobs>${blobs}</Blobs>${next}</EnumerationResults>`;
};

describe('sources', () => {
  const dir = tempDirPerTest();
  let hub: Server;
  let store: Server;
  let hubUrl = '';
  let storeUrl = '';
  let asked: Array<{ at: 'hub' | 'store'; url: string; authorization: string | undefined }> = [];
  let listed: string[] = [];

  const listen = async (server: Server): Promise<string> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const note = (at: 'hub' | 'store', { url = '', headers }: IncomingMessage): string => {
    asked.push({ at, url, authorization: headers.authorization });
    return url;
  };
  const send = (response: ServerResponse, body: string): void => {
    response.setHeader('Content-Length', body.length);
    response.setHeader('ETag', '"e1"');
    response.end(body);
  };

  before(async () => {
    store = createServer((request, response) => {
      const url = note('store', request);
      if (url.includes('list-type=2')) return send(response, LIST);
      if (url.includes('comp=list')) return send(response, azurePage(new URL(url, storeUrl)));
      const name = decodeURIComponent(url.split('?')[0] ?? '').replace(/^\/\w+\//, '');
      send(response, FILES[name] ?? `object ${url}`);
    });
    storeUrl = await listen(store);
    hub = createServer((request, response) => {
      const url = note('hub', request);
      if (url.startsWith('/gated/')) {
        response.writeHead(401, { 'X-Error-Code': 'GatedRepo', 'Content-Length': 0 }).end();
      } else if (url.startsWith('/api/')) {
        const blobId = 'b'.repeat(40);
        const siblings = listed.map((rfilename) => ({ rfilename, blobId }));
        send(response, JSON.stringify({ sha: 'c'.repeat(40), siblings }));
      } else {
        const [, file = ''] = /\/resolve\/[^/]+\/(.*)$/.exec(url) ?? [];
        response.writeHead(302, { Location: `${storeUrl}/lfs/${file}`, 'Content-Length': 0 }).end();
      }
    });
    hubUrl = await listen(hub);
  });
  after(() => {
    hub.close();
    store.close();
  });
  beforeEach(() => {
    asked = [];
    listed = ['.gitattributes', ...Object.keys(FILES)];
  });

  const run = (args: string[], env: Record<string, string> = {}) =>
    runSluice([...args, '--json'], {
      cwd: dir(),
      env: { HF_ENDPOINT: hubUrl, HOME: dir(), XDG_CACHE_HOME: undefined, ...env },
    });

  it('hf://OWNER/REPO@REV/PATH: the token goes to the hub, and not where it redirects to', async () => {
    const done = await run(['get', 'hf://owner/repo@v1/sub/weights.bin'], { HF_TOKEN: TOKEN });
    expect(done.status, done.stderr).equal(0);
    expect(readFileSync(path.join(dir(), 'weights.bin'), 'utf8')).equal(FILES['sub/weights.bin']);
    const first = { at: 'hub', url: '/owner/repo/resolve/v1/sub/weights.bin' };
    expect(asked[0]).deep.equal({ ...first, authorization: `Bearer ${TOKEN}` });
    const elsewhere = asked.filter(({ at }) => at === 'store');
    expect(elsewhere).not.deep.equal([]);
    for (const { authorization } of elsewhere) expect(authorization).equal(undefined);
  });

  it('the token of the usual file is used; one that is given on the command line beats it', async () => {
    mkdirSync(path.join(dir(), '.cache/huggingface'), { recursive: true });
    writeFileSync(path.join(dir(), '.cache/huggingface/token'), `${TOKEN}\n`);
    await run(['get', 'hf://datasets/owner/repo/config.json', '-o', 'a']);
    expect(asked[0]).deep.include({
      url: '/datasets/owner/repo/resolve/main/config.json',
      authorization: `Bearer ${TOKEN}`,
    });
    asked = [];
    await run(['get', 'hf://owner/repo/config.json', '-o', 'b', '--bearer', 'mine']);
    expect(asked[0]?.authorization).equal('Bearer mine');
  });

  it('a whole repository goes into -d as one list; --include and --exclude choose', async () => {
    const done = await run(
      ['get', 'hf://owner/repo', '-d', 'out', '--include', '*.json', '--include', 'sub/*'],
      { HF_TOKEN: TOKEN },
    );
    expect(done.status, done.stderr).equal(0);
    expect(readFileSync(path.join(dir(), 'out/sub/weights.bin'), 'utf8')).length(5000);
    expect(readFileSync(path.join(dir(), 'out/config.json'), 'utf8')).equal('{}');
    expect(asked.some(({ url }) => url.endsWith('README.md'))).equal(false);
    expect(asked[0]?.authorization).equal(`Bearer ${TOKEN}`);
  });

  it('P13: what the hub lists cannot leave the directory', async () => {
    for (const name of ['../evil', '/etc/evil', 'a/../../evil', 'a//b', 'nul\u0000']) {
      listed = [name];
      const refused = await run(['get', 'hf://owner/repo', '-d', 'out']);
      expect(refused.status, name).equal(7);
    }
  });

  it('a gated repository: exit 6, and what to do', async () => {
    const refused = await run(['get', 'hf://gated/repo/x']);
    expect(refused.status).equal(6);
    expect(refused.stdout).match(/conditions.*HF_TOKEN/);
  });

  it('gs://: the token of the environment; a key is encoded once', async () => {
    const done = await run(['get', 'gs://bucket/a dir/b.bin'], {
      STORAGE_EMULATOR_HOST: storeUrl,
      CLOUDSDK_AUTH_ACCESS_TOKEN: 'ya29',
    });
    expect(done.status, done.stderr).equal(0);
    expect(asked[0]).deep.include({ url: '/bucket/a%20dir/b.bin', authorization: 'Bearer ya29' });
  });

  it('az://: the shared access signature of the environment, or the one that is written', async () => {
    const env = {
      AZURE_STORAGE_SERVICE_ENDPOINT: storeUrl,
      AZURE_STORAGE_SAS_TOKEN: '?sv=1&sig=s',
    };
    expect((await run(['get', 'az://account/box/b.bin', '-o', 'a'], env)).status).equal(0);
    expect(asked[0]?.url).equal('/box/b.bin?sv=1&sig=s');
    asked = [];
    expect((await run(['get', 'az://account/box/b.bin?sig=t', '-o', 'b'], env)).status).equal(0);
    expect(asked[0]?.url).equal('/box/b.bin?sig=t');
  });

  it('az:// --recursive: pages by markers; the signature goes with all requests, and is told nowhere', async () => {
    const env = { AZURE_STORAGE_SERVICE_ENDPOINT: storeUrl };
    const args = ['get', 'az://account/box/p?sv=1&sig=SECRET', '--recursive', '-d', 'out'];
    const more = ['--exclude', '*.txt', '--log-file', 'log', '--trace', 'trace'];
    const done = await run([...args, ...more], env);
    expect(done.status, done.stdout).equal(0);
    const places = readdirSync(path.join(dir(), 'out'), { recursive: true, encoding: 'utf8' });
    expect(places.sort()).deep.equal(['a.bin', 'sub', 'sub/b%.bin']);
    const list = '/box?restype=container&comp=list&maxresults=1000&prefix=p%2F';
    expect(asked.slice(0, 2).map(({ url }) => url)).deep.equal([
      `${list}&sv=1&sig=SECRET`,
      `${list}&marker=m%261&sv=1&sig=SECRET`,
    ]);
    const objects = asked.slice(2).map(({ url }) => url);
    expect([...new Set(objects)].sort()).deep.equal([
      '/box/p/a.bin?sv=1&sig=SECRET',
      '/box/p/sub/b%25.bin?sv=1&sig=SECRET',
    ]);
    const told = ['log', 'trace'].map((name) => readFileSync(path.join(dir(), name), 'utf8'));
    expect([done.stdout, done.stderr, ...told].join('\n')).not.include('SECRET');
  });

  for (const line of examplesOf('docs/sources.md'))
    it(`docs/sources.md: ${line}`, async () => {
      listed = ['config.json', 'onnx/config.json', 'model.bin'];
      const services = `HF_ENDPOINT=${hubUrl} STORAGE_EMULATOR_HOST=${storeUrl} AZURE_STORAGE_SERVICE_ENDPOINT=${storeUrl} AWS_ENDPOINT_URL_S3=${storeUrl}`;
      await runExample(line, dir(), { 'sluice get': `${services} sluice get` });
      expect(asked).not.deep.equal([]);
      expect(asked.some(({ url }) => /onnx|model\.bin/.test(url))).equal(false);
    });

  it('what names nothing is refused before anything is asked, with what to write', async () => {
    for (const url of [
      'hf://owner',
      'hf://../x',
      'gs://bucket',
      'gs://bucket/',
      'az://account/box',
    ]) {
      const refused = await run(['get', url]);
      expect(refused.status, url).equal(2);
      expect(refused.stdout + refused.stderr, url).include('Write ');
    }
    expect(asked).deep.equal([]);
  });
});
