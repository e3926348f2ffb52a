/** --hf-cache: files of the hub where its own programs look for them. */
import { expect } from 'chai';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { ErrorEvent } from '../../src/transfer/events.js';
import { benchPerTest, interrupt } from '../helpers/engine.js';
import { tempDirPerTest } from '../helpers/files.js';
import { runSluice } from '../helpers/run-sluice.js';

const COMMIT = 'a'.repeat(40);
const FILES: Record<string, string> = {
  'config.json': '{"a":1}',
  'sub/weights.bin': 'w'.repeat(300_000),
  'sub/same.bin': 'w'.repeat(300_000),
  'README.md': '# it',
};

const digestOf = (algorithm: string, text: string) =>
  createHash(algorithm).update(text).digest('hex');
const isLarge = (name: string) => name.endsWith('.bin');
const blobOf = (name: string): string => {
  const text = FILES[name] ?? '';
  if (isLarge(name)) return digestOf('sha256', text);
  return digestOf('sha1', `blob ${text.length}\0${text}`);
};

describe('--hf-cache', () => {
  const dir = tempDirPerTest();
  const bench = benchPerTest();
  let hub: Server;
  let hubUrl = '';
  let asked: string[] = [];
  let listing: (name: string) => object;
  let commit: unknown = COMMIT;
  /** Bytes after which the body of a file is cut; null for none. */
  let cutAt: number | null = null;

  before(async () => {
    hub = createServer(({ url = '', headers }, response) => {
      asked.push(url);
      if (url.startsWith('/api/')) {
        const siblings = Object.keys(FILES).map((name) => ({ rfilename: name, ...listing(name) }));
        return void response.end(JSON.stringify({ sha: commit, siblings }));
      }
      const [, name = ''] = /\/resolve\/[^/]+\/(.*)$/.exec(url) ?? [];
      const text = FILES[name];
      if (text === undefined) return void response.writeHead(404).end();
      const start = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
      const body = text.slice(start);
      response.writeHead(headers.range === undefined ? 200 : 206, {
        ETag: `"${blobOf(name)}"`,
        'Content-Length': body.length,
        ...(headers.range !== undefined && {
          'Content-Range': `bytes ${start}-${text.length - 1}/${text.length}`,
        }),
      });
      if (cutAt === null) return void response.end(body);
      if (start > 0) return void response.destroy();
      response.write(body.slice(0, cutAt), () => response.destroy());
    });
    await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
    hubUrl = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
  });
  after(() => {
    hub.closeAllConnections();
    hub.close();
  });
  beforeEach(() => {
    asked = [];
    commit = COMMIT;
    cutAt = null;
    listing = (name) => ({
      size: FILES[name]?.length,
      blobId: isLarge(name) ? 'c'.repeat(40) : blobOf(name),
      ...(isLarge(name) && { lfs: { sha256: blobOf(name), size: FILES[name]?.length } }),
    });
  });

  const run = (args: string[], env: Record<string, string> = {}) =>
    runSluice(['get', ...args, '--hf-cache', '--json'], {
      cwd: dir(),
      env: { HF_ENDPOINT: hubUrl, HOME: dir(), HF_HUB_CACHE: path.join(dir(), 'hub'), ...env },
    });
  const repo = () => path.join(dir(), 'hub/models--owner--repo');
  const snapshot = (name: string) => path.join(repo(), 'snapshots', COMMIT, name);
  const expectFound = (name: string): void => {
    const up = '../'.repeat(1 + name.split('/').length);
    expect(readlinkSync(snapshot(name))).equal(`${up}blobs/${blobOf(name)}`);
    expect(readFileSync(snapshot(name), 'utf8')).equal(FILES[name]);
  };

  it('a whole repository: blobs by digest, links by path, the branch; nothing is fetched twice', async () => {
    const done = await run(['hf://owner/repo']);
    expect(done.status, done.stdout).equal(0);
    for (const name of Object.keys(FILES)) expectFound(name);
    expect(readFileSync(path.join(repo(), 'refs/main'), 'utf8')).equal(COMMIT);
    const blobs = readdirSync(path.join(repo(), 'blobs'));
    expect(blobs.sort()).deep.equal([...new Set(Object.keys(FILES).map(blobOf))].sort());
    expect(done.events.filter(({ type }) => type === 'done').map((each) => each.path)).include(
      snapshot('config.json'),
    );
    expect(asked.filter((url) => url.includes('/resolve/'))).satisfy((urls: string[]) =>
      urls.every((url) => url.includes(`/resolve/${COMMIT}/`)),
    );
    asked = [];
    const again = await run(['hf://owner/repo']);
    expect(again.status, again.stdout).equal(0);
    expect(asked).deep.equal(['/api/models/owner/repo/revision/main?blobs=true']);
  });

  it('one file of a pull request or a data set; HF_HOME', async () => {
    const home = { HF_HUB_CACHE: '', HF_HOME: path.join(dir(), 'home') };
    const done = await run(['hf://datasets/owner/repo@refs/pr/1/sub/weights.bin'], home);
    expect(done.status, done.stdout).equal(0);
    const root = path.join(dir(), 'home/hub/datasets--owner--repo');
    expect(readFileSync(path.join(root, 'refs/refs/pr/1'), 'utf8')).equal(COMMIT);
    const found = path.join(root, 'snapshots', COMMIT, 'sub/weights.bin');
    expect(readFileSync(found, 'utf8')).equal(FILES['sub/weights.bin']);
    expect(readdirSync(path.join(root, 'blobs'))).deep.equal([blobOf('sub/weights.bin')]);
    expect(asked[0]).equal('/api/datasets/owner/repo/revision/refs%2Fpr%2F1?blobs=true');
  });

  it('P9: a blob of another length is left alone; one that was fetched already is only linked', async () => {
    const blobs = path.join(repo(), 'blobs');
    mkdirSync(path.join(repo(), 'snapshots', COMMIT), { recursive: true });
    mkdirSync(blobs, { recursive: true });
    writeFileSync(path.join(blobs, blobOf('README.md')), FILES['README.md'] ?? '');
    writeFileSync(path.join(blobs, blobOf('config.json')), 'other bytes');
    symlinkSync('../../blobs/gone', snapshot('README.md'));
    const done = await run(['hf://owner/repo', '--include', '*.json', '--include', '*.md']);
    expect(done.status, done.stdout).equal(11);
    expectFound('README.md');
    expect(readFileSync(path.join(blobs, blobOf('config.json')), 'utf8')).equal('other bytes');
    expect(existsSync(snapshot('config.json'))).equal(false);
    // Not all that was wanted is there.
    expect(existsSync(path.join(repo(), 'refs/main'))).equal(false);
    expect(asked.some((url) => url.endsWith('README.md'))).equal(false);
  });

  it('P2: what was interrupted is in a part beside the blob and in no snapshot; run again, it goes on', async () => {
    cutAt = 200_000;
    const args = ['hf://owner/repo/sub/weights.bin', '--retries', '0', '-n', '1'];
    const left = await run(args);
    expect(left.status, left.stdout).equal(4);
    const blob = path.join(repo(), 'blobs', blobOf('sub/weights.bin'));
    expect(existsSync(`${blob}.part`)).equal(true);
    expect(existsSync(blob)).equal(false);
    expect(existsSync(snapshot('sub'))).equal(false);
    cutAt = null;
    const done = await run(args);
    expect(done.status, done.stdout).equal(0);
    expect(done.stdout).match(/"resumed":[1-9]/);
    expectFound('sub/weights.bin');
  });

  it('stopped, it advises the same command: resume would not make the link', async () => {
    const origin = await bench.origin({ size: 4 * 1024 * 1024 });
    const place = { path: 'found', finish: () => undefined };
    const engine = bench.engine({ connections: 1, place });
    origin.allow(2 * 1024 * 1024);
    const { last } = await interrupt(engine.start(origin.url), 1024 * 1024, origin);
    expect((last as ErrorEvent).next).equal('Run the same command again.');
  });

  it('P8: bytes of another digest than the hub lists do not get into the cache', async () => {
    const wrong = 'd'.repeat(64);
    listing = () => ({ size: 300_000, lfs: { sha256: wrong, size: 300_000 } });
    const refused = await run(['hf://owner/repo/sub/weights.bin']);
    expect(refused.status, refused.stdout).equal(9);
    expect(existsSync(path.join(repo(), 'blobs', wrong))).equal(false);
    expect(existsSync(path.join(repo(), 'snapshots'))).equal(false);
  });

  it('P13: a listing whose digest or commit is none is refused', async () => {
    listing = () => ({ blobId: '../../../evil' });
    expect((await run(['hf://owner/repo'])).status).equal(7);
    listing = (name) => ({ blobId: blobOf(name) });
    commit = '../../x';
    expect((await run(['hf://owner/repo'])).status).equal(7);
    expect(existsSync(path.join(dir(), 'hub'))).equal(false);
  });

  it('what contradicts it is refused before anything is asked', async () => {
    expect((await run(['hf://owner/repo', '-d', 'x'])).status).equal(2);
    expect((await run([`${hubUrl}/x`])).status).equal(2);
    expect(asked).deep.equal([]);
  });
});
