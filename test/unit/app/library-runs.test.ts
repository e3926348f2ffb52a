/** The library: results, streams, pools, links that expire, runs that are shared, and what is left behind. */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { SluiceError, createPool, download } from '../../../src/index.js';
import type { DownloadEvent, RunningDownload } from '../../../src/index.js';
import { contentAt } from '../../helpers/content.js';
import { expectSameContent, tempDirPerTest } from '../../helpers/files.js';
import { Origin } from '../../helpers/origin.js';

const SIZE = 4_000_000;

async function collect(events: AsyncIterable<DownloadEvent>): Promise<DownloadEvent[]> {
  const all: DownloadEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const failureOf = async ({ result }: RunningDownload): Promise<SluiceError> =>
  result.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as SluiceError,
  );

/** How many listen to what is the whole process's. */
function listeners(): Record<string, number> {
  const names = [
    ...Object.keys(constants.signals),
    ...['exit', 'beforeExit', 'uncaughtException', 'unhandledRejection', 'warning', 'message'],
  ];
  return Object.fromEntries(names.map((name) => [name, process.listenerCount(name)]));
}

describe('runs of the library', () => {
  const dir = tempDirPerTest();
  const set = new Map<string, string | undefined>();
  let origin: Origin;

  beforeEach(async () => {
    for (const name of ['SLUICE_STATE_DIR', 'SLUICE_CACHE_DIR']) {
      set.set(name, process.env[name]);
      process.env[name] = path.join(dir(), 'state');
    }
    origin = await Origin.start({ seed: 5, size: SIZE });
  });

  afterEach(async () => {
    for (const [name, before] of set)
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    await origin.close();
  });

  it('result resolves with the last event, and rejects with the error', async () => {
    const done = await download(origin.url, { dir: dir() }).result;
    expect(done).include({ type: 'done', bytes: SIZE });
    origin.fault({ times: Infinity, fault: { kind: 'status', status: 404 } });
    const error = await failureOf(download(`${origin.url}x`, { dir: dir(), retries: 0 }));
    expect(error).instanceOf(SluiceError);
    expect(error).include({ code: 'HTTP_REFUSED', exitStatus: 6 });
    expect(error.details).include({ httpStatus: 404 });
  });

  it('stream gives the bytes in order, and makes no file', async () => {
    const running = download(origin.url, { dir: dir(), connections: 4, threads: 0 });
    const chunks: Buffer[] = [];
    for await (const chunk of running.stream({ windowBytes: 1_048_576 }))
      chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(contentAt(5, 0, SIZE))).equal(true);
    expect((await running.result).path).equal('-');
  });

  it('webStream gives the same, and ends only when the digest holds', async () => {
    const checksums = [{ algorithm: 'sha256' as const, hex: '0'.repeat(64) }];
    const running = download(origin.url, { checksums, threads: 0 });
    let bytes = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of running.webStream()) bytes += chunk.length;
    };
    const error = await read().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).include({ code: 'CHECKSUM_MISMATCH' });
    expect(bytes).at.most(SIZE);
    expect(await failureOf(running)).include({ exitStatus: 9 });
  });

  it('a stream that is destroyed ends the download; a late one is refused', async () => {
    origin.set({ rate: 1_000_000 });
    const running = download(origin.url, { threads: 0 });
    const stream = running.stream();
    for await (const chunk of stream) {
      expect(chunk).to.have.length.above(0);
      break;
    }
    expect(await failureOf(running)).include({ code: 'OUTPUT_CLOSED' });

    origin.set({ rate: Infinity });
    const other = download(origin.url, { dir: dir() });
    await other.result;
    expect(() => other.stream()).throws('has another place');
  });

  it('two downloads of one target share one run; one of them may leave it', async () => {
    const leaving = new AbortController();
    const options = { dir: dir(), threads: 0 };
    const [one, two] = [
      download(origin.url, options),
      download(origin.url, { ...options, signal: leaving.signal }),
    ];
    leaving.abort();
    expect(await failureOf(two)).include({ code: 'INTERRUPTED' });
    const events = await collect(one);
    expect(events.filter(({ type }) => type === 'start')).to.have.length(1);
    expectSameContent(path.join(dir(), 'file.bin'), 5, SIZE);
    // Over: the next call asks again.
    expect(await download(origin.url, options).result).include({ outcome: 'complete' });
  });

  it('another digest for the same target is another run, which does not get it', async () => {
    origin.set({ rate: 4_000_000 });
    const one = download(origin.url, { dir: dir() });
    for await (const { type } of one) if (type === 'progress') break;
    const checksums = [{ algorithm: 'sha256' as const, hex: '0'.repeat(64) }];
    const two = download(origin.url, { dir: dir(), checksums });
    expect(await failureOf(two)).include({ code: 'TARGET_BUSY' });
    await one.result;
  });

  it('P20: a function gives a fresh link at the start, and when one has expired', async () => {
    origin.set({ rate: 4_000_000 });
    let given = 0;
    const link = (): Promise<string> => Promise.resolve(`${origin.url}?key=${++given}`);
    let served = 0;
    origin.fault({
      times: Infinity,
      when: ({ target }) => target.endsWith('key=1') && ++served > 1,
      fault: { kind: 'status', status: 403 },
    });
    const running = download(link, { dir: dir(), connections: 4, threads: 0 });
    expect(await running.result).include({ outcome: 'downloaded' });
    expect(given).above(1);
    expectSameContent(path.join(dir(), 'file.bin'), 5, SIZE);
    // Another link of the same file: known, by its receipt.
    expect(await download(link, { dir: dir() }).result).include({ outcome: 'complete' });
  });

  it('a function that fails, or gives no link, fails the download', async () => {
    const none = download((() => 7) as unknown as () => string);
    expect(await failureOf(none)).include({ code: 'URL_INVALID' });
    const error = await failureOf(download(() => Promise.reject(new Error('no token'))));
    expect(error.message).contains('no token');
  });

  it('a pool bounds connections to a host and the rate over its downloads', async () => {
    const limitRate = 8_000_000;
    const pool = createPool({ connections: 4, perHost: 3, limitRate });
    const began = performance.now();
    const names = ['a', 'b', 'c'];
    const runs = names.map((output) => pool.download(origin.url, { dir: dir(), output }));
    await Promise.all(runs.map(({ result }) => result));
    const seconds = (performance.now() - began) / 1000;
    expect(seconds, 'under its rate').above((0.9 * (3 * SIZE)) / limitRate);
    // The server may still see one that is closed already; without the bound it would see twelve.
    expect(origin.server.connections.maximum).at.most(4);
    // A name is free again when its download is over.
    expect(await pool.download(origin.url, { dir: dir(), output: 'a' }).result).include({
      outcome: 'complete',
    });
    await pool.close();
    expect(() => pool.download(origin.url)).throws('closed');
    expect(() => createPool({ perHost: 0 })).throws('pool.perHost');
  });

  it('leaves no listener behind', async () => {
    const before = listeners();
    const pool = createPool();
    await pool.download(origin.url, { dir: dir(), connections: 4, threads: 1 }).result;
    await pool.close();
    for await (const chunk of download(origin.url).stream()) void chunk;
    await failureOf(download('http://127.0.0.1:1/x', { retries: 0 }));
    expect(listeners()).deep.equal(before);
  });

  it('a process that looks at events only does not die of the result', () => {
    const library = pathToFileURL(path.resolve('dist/src/index.js')).href;
    const program = `
      import { download } from ${JSON.stringify(library)};
      const running = download('http://127.0.0.1:1/x', { retries: 0 });
      for await (const event of running) console.log(event.type);
      const other = download('http://127.0.0.1:1/y', { retries: 0 });
      await other.result.catch((error) => console.log(error.code));
      download('http://127.0.0.1:1/z', { retries: 0 });`;
    const args = ['--unhandled-rejections=strict', '--input-type=module', '-e', program];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: dir(),
      encoding: 'utf8',
    });
    expect({ status, stderr }).deep.equal({ status: 0, stderr: '' });
    expect(stdout).equal('error\nCONNECT_FAILED\n');
  });
});
