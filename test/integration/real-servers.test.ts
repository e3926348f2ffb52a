/** Apache httpd, lighttpd, and HAProxy and Squid in front of nginx: what real servers make of ranges. */
import { expect } from 'chai';
import { readFileSync, utimesSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import path from 'node:path';
import { inspectUrl } from '../../src/app/inspect.js';
import { Apache } from '../helpers/apache.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { contentAt } from '../helpers/content.js';
import { benchPerTest, expectDone, expectFailed, interrupt, told } from '../helpers/engine.js';
import type { Engine, EngineRun } from '../helpers/engine.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Haproxy } from '../helpers/haproxy.js';
import type { Way } from '../helpers/haproxy.js';
import { Lighttpd } from '../helpers/lighttpd.js';
import { Nginx } from '../helpers/nginx.js';
import { requireServer } from '../helpers/real-server.js';
import { Squid } from '../helpers/squid.js';
import { together } from '../helpers/together.js';

const MIB = 1024 * 1024;
const FILE = { seed: 1, size: 8 * MIB };
/** Each answer of nginx begins with what a second may bring: small files are over before they can be stopped. */
const LIMITED = { seed: 2, size: 9 * MIB };
/** Bytes a second of a connection that is to be stopped in the middle: nobody is late then. */
const LIMIT = MIB;

interface Root {
  root: string;
  addContent(name: string, seed: number, size: number): unknown;
}

/** The files of a server, long unchanged, so that their dates and tags are strong. */
function addFiles(server: Root): void {
  for (const [name, { seed, size }] of [
    ['file.bin', FILE],
    ['file.raw', FILE],
    ['limited.bin', LIMITED],
    ['limited.raw', LIMITED],
  ] as const) {
    server.addContent(name, seed, size);
    utimesSync(path.join(server.root, name), new Date(1e12), new Date(1e12));
  }
}

describe('real servers', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();

  const allConnections = (url: string): Promise<void> =>
    together([1, 4, 16], String, async (connections) => {
      const run = await bench.engine({ connections }).get(url);
      expectDone(run, FILE);
    });

  /** Stops in the middle, with bytes on disk. */
  async function half(engine: Engine, url: string): Promise<void> {
    await interrupt(engine.start(url), 3 * MIB);
  }

  /** Stops in the middle and goes on, with `get` or by the journal alone. */
  async function halfAndResume(url: string): Promise<void> {
    await together(['get', 'resume'] as const, String, async (command) => {
      const engine = bench.engine({ connections: 2 });
      await half(engine, url);
      const run = command === 'get' ? await engine.get(url) : await engine.resume();
      expectDone(run, LIMITED);
      expect((run.last as { fetched: number }).fetched).below(LIMITED.size - MIB);
    });
  }

  const command = async (url: string): Promise<void> => {
    expectStatus(await runIn(dir(), ['get', url, '-n', '4', '-o', 'x']), 0);
    expectSameContent(path.join(dir(), 'x'), FILE.seed, FILE.size);
  };

  const shape = async (url: string): Promise<string> => {
    const { etag, lastModified, strongValidator, ranges } = await inspectUrl(
      bench.engine().options(url),
    );
    const kind = etag === null ? 'none' : etag.startsWith('W/') ? 'weak' : 'strong';
    return `${kind} ETag, ${lastModified === null ? 'no date' : 'date'}, proof ${strongValidator}, ranges ${ranges}`;
  };

  describe('Apache httpd', () => {
    let apache: Apache;
    before(async function () {
      requireServer('apache2', this);
      apache = await Apache.start({ limitRate: LIMIT });
      addFiles(apache);
    });
    after(() => apache?.close());

    it('P1: 1, 4 and 16 connections, and the command', async () => {
      await allConnections(apache.url('/file.bin'));
      await command(apache.url('/file.bin'));
    });

    it('P4: stopped in the middle and gone on with', () =>
      halfAndResume(apache.url('/limited/limited.bin')));

    it('P6: the shapes of its validators', async () => {
      expect(await shape(apache.url('/file.bin'))).equal(
        'strong ETag, date, proof etag, ranges yes',
      );
      expect(await shape(apache.url('/noranges/file.bin'))).match(/ranges (no|claimed)$/);
    });

    it('P6: a file so young that its ETag is weak at first, and the same one strong later', async () => {
      apache.addContent('young.bin', LIMITED.seed, LIMITED.size);
      expect(await shape(apache.url('/young.bin'))).match(/^weak ETag/);
      // Slow enough that the second passes in which Apache takes its date for weak.
      const run = await bench
        .engine({ connections: 2 })
        .get(apache.url('/limited/young.bin'), { retries: 5 });
      expectDone(run, LIMITED);
    });

    it('P10: mod_deflate leaves what asks for identity alone; what it encodes is saved as it is sent', async () => {
      await allConnections(apache.url('/gzip/file.bin'));
      const engine = bench.engine({ connections: 4 });
      const forced = await engine.get(apache.url('/forced/file.bin'));
      expect(forced.status, told(forced)).equal(0);
      expect(forced.events.some(({ type }) => type === 'warning')).equal(true);
      const whole = gunzipSync(readFileSync(engine.file));
      expect(whole.equals(contentAt(FILE.seed, 0, FILE.size))).equal(true);
    });

    for (const name of ['a.tar.gz', 'a.tgz', 'a.bz2']) {
      it(`P10: mod_mime marks ${name} as encoded: it is the file, with ranges, and gone on with`, async () => {
        apache.addContent(name, LIMITED.seed, LIMITED.size);
        utimesSync(path.join(apache.root, name), new Date(1e12), new Date(1e12));
        expect(await shape(apache.url(`/mime/${name}`))).equal(
          'strong ETag, date, proof etag, ranges yes',
        );
        expectDone(await bench.engine().get(apache.url(`/mime/${name}`)), LIMITED);
        await halfAndResume(apache.url(`/mime-limited/${name}`));
      });
    }

    it('P1: MaxRanges none is one stream', () => allConnections(apache.url('/noranges/file.bin')));

    it('P21: two workers: further connections are taken, and wait', async () => {
      const small = await Apache.start({ workers: 2 });
      try {
        addFiles(small);
        expectDone(await bench.engine({ connections: 8 }).get(small.url('/file.bin')), FILE);
      } finally {
        await small.close();
      }
    });
  });

  describe('lighttpd', () => {
    let lighttpd: Lighttpd;
    before(async function () {
      requireServer('lighttpd', this);
      lighttpd = await Lighttpd.start({ limitRate: LIMIT });
      addFiles(lighttpd);
    });
    after(() => lighttpd?.close());

    it('P1: 1, 4 and 16 connections, and the command', async () => {
      await allConnections(lighttpd.url('/file.bin'));
      await command(lighttpd.url('/file.bin'));
    });

    it('P1: without ranges', () => allConnections(lighttpd.url('/noranges/file.bin')));

    it('P4: stopped in the middle and gone on with', () =>
      halfAndResume(lighttpd.url('/limited/limited.bin')));

    it('P6, P7: a type that it does not know has no validator: resume refuses', async () => {
      expect(await shape(lighttpd.url('/file.bin'))).match(/^strong ETag, date, proof etag/);
      expect(await shape(lighttpd.url('/file.raw'))).equal(
        'none ETag, no date, proof null, ranges yes',
      );
      await allConnections(lighttpd.url('/file.raw'));
      const engine = bench.engine({ connections: 2 });
      await half(engine, lighttpd.url('/limited/limited.raw'));
      expectFailed(await engine.resume(), 'RESUME_UNPROVEN');
      expectDone(await engine.resume({ insist: true }), LIMITED);
    });

    it('P21: three connections: the others stay in the queue of the kernel', async () => {
      const small = await Lighttpd.start({ maxConnections: 3 });
      try {
        addFiles(small);
        expectDone(await bench.engine({ connections: 8 }).get(small.url('/file.bin')), FILE);
      } finally {
        await small.close();
      }
    });
  });

  describe('HAProxy in front of nginx', () => {
    let nginx: Nginx;
    let haproxy: Haproxy;
    before(async function () {
      requireServer('nginx', this);
      requireServer('haproxy', this);
      nginx = await Nginx.start({
        limitRate: LIMIT,
        extra: (root) => `location /steady/ { alias "${root}/"; limit_rate 6m; }`,
      });
      addFiles(nginx);
      haproxy = await Haproxy.start(nginx.url('/'));
    });
    after(() => Promise.all([haproxy?.close(), nginx?.close()]));

    it('P1: 1, 4 and 16 connections, and the command, over connections that are shared', async () => {
      await allConnections(haproxy.url('plain', '/file.bin'));
      await command(haproxy.url('plain', '/file.bin'));
    });

    it('P4: stopped in the middle and gone on with', () =>
      halfAndResume(haproxy.url('plain', '/limited/limited.bin')));

    it('P10: a location that compresses for others', () =>
      allConnections(haproxy.url('plain', '/gzip/file.bin')));

    for (const way of ['queue', 'impatient', 'deny', 'reject', 'tarpit'] as const satisfies Way[]) {
      it(`P21: ${way}: more connections than it wants`, async () => {
        // Two connections must take longer than the half second after which it gets impatient.
        const [path, reference] =
          way === 'impatient' ? ['/limited/limited.bin', LIMITED] : ['/steady/file.bin', FILE];
        const attempt = (): Promise<EngineRun> =>
          bench
            .engine({ connections: 8, retries: 4, deadlines: { firstByteMs: 10_000 } })
            .get(haproxy.url(way, path));
        let run = await attempt();
        if (way !== 'queue') {
          // On a busy machine the file may be whole before a third connection is open.
          for (let left = 3; retries(run) === 0 && left > 0; left--) run = await attempt();
          expect(retries(run), 'it objects').above(0);
        }
        expectDone(run, reference);
        expect(retries(run), 'no storm').below(30);
      });
    }

    it('P1: the server behind it dies in the middle: exit status 6, and what came is kept', async () => {
      const second = await Nginx.start({ limitRate: LIMIT });
      addFiles(second);
      const front = await Haproxy.start(second.url('/'));
      try {
        const engine = bench.engine({ connections: 2, retries: 1 });
        const running = engine.start(front.url('plain', '/limited/limited.bin'));
        await running.has(2 * MIB);
        await second.close();
        const last = expectFailed(await running.ended, 'HTTP_SERVER_ERROR');
        expect(last.exitStatus).equal(6);
        expect(engine.hasPart).equal(true);
      } finally {
        await Promise.all([front.close(), second.close()]);
      }
    });
  });

  describe('Squid in front of nginx', () => {
    let nginx: Nginx;
    let squid: Squid;
    before(async function () {
      requireServer('nginx', this);
      requireServer('squid', this);
      nginx = await Nginx.start({
        limitRate: LIMIT,
        extra: (root) => `location /whole/ { alias "${root}/"; }`,
      });
      addFiles(nginx);
      squid = await Squid.start(nginx.url('/'));
    });
    after(() => Promise.all([squid?.close(), nginx?.close()]));

    it('P1: ranges are passed on: 1, 4 and 16 connections, and the command', async () => {
      await allConnections(squid.url('/file.bin'));
      await command(squid.url('/file.bin'));
    });

    it('P1: ranges are cut out of the whole that it fetches and keeps', async () => {
      await allConnections(squid.url('/whole/file.bin'));
      await allConnections(squid.url('/whole/file.bin'));
      expect(squid.log.filter((line) => /HIT|UNMODIFIED/.test(line)).length).above(0);
    });

    it('P4: stopped in the middle and gone on with', () =>
      halfAndResume(squid.url('/limited/limited.bin')));

    it('P6: the shapes of its validators, kept or passed on', async () => {
      for (const target of ['/file.bin', '/whole/file.bin']) {
        expect(await shape(squid.url(target))).equal('strong ETag, date, proof etag, ranges yes');
      }
    });

    it('P6: it keeps one file while the server has another: one or the other, whole', async () => {
      const name = 'changes.bin';
      nginx.addContent(name, 7, FILE.size);
      const url = squid.url(`/whole/${name}`);
      expectDone(await bench.engine({ connections: 4 }).get(url), { ...FILE, seed: 7 });
      nginx.addContent(name, 8, FILE.size);
      const engine = bench.engine({ connections: 4 });
      const run = await engine.get(url);
      expect(run.status, told(run)).equal(0);
      expectOneOf(run, [7, 8]);
    });
  });
});

const retries = ({ events }: EngineRun): number =>
  events.filter(({ type }) => type === 'retry').length;

/** Fails unless the file is one of these contents as a whole. */
function expectOneOf(run: EngineRun, seeds: number[]): void {
  const wrong = seeds.filter((seed) => {
    try {
      expectSameContent(run.file, seed, FILE.size);
      return false;
    } catch {
      return true;
    }
  });
  expect(wrong.length).equal(seeds.length - 1);
}
