import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { download, inspect, SluiceError } from '../../../src/index.js';
import type { DownloadEvent } from '../../../src/index.js';
import { Origin } from '../../helpers/origin.js';
import { expectSameContent, tempDirPerTest } from '../../helpers/files.js';

describe('the library', () => {
  const dir = tempDirPerTest();
  let origin: Origin;
  let state: string | undefined;

  beforeEach(async () => {
    state = process.env['SLUICE_STATE_DIR'];
    process.env['SLUICE_STATE_DIR'] = path.join(dir(), 'state');
    process.env['SLUICE_CACHE_DIR'] = path.join(dir(), 'cache');
    origin = await Origin.start({ seed: 5, size: 9_000_000 });
  });

  afterEach(async () => {
    delete process.env['SLUICE_CACHE_DIR'];
    if (state === undefined) delete process.env['SLUICE_STATE_DIR'];
    else process.env['SLUICE_STATE_DIR'] = state;
    await origin.close();
  });

  async function collect(events: AsyncIterable<DownloadEvent>): Promise<DownloadEvent[]> {
    const all: DownloadEvent[] = [];
    for await (const event of events) all.push(event);
    return all;
  }

  it('yields the events of a download, from start to done', async () => {
    const events = await collect(download(origin.url, { dir: dir(), connections: 2 }));
    expect(events[0]?.type).to.equal('start');
    const last = events.at(-1);
    expect(last?.type).to.equal('done');
    if (last?.type === 'done') expectSameContent(last.path, 5, 9_000_000);
  });

  it('stops when its signal is aborted, and says so as its last event', async () => {
    const controller = new AbortController();
    origin.set({ rate: 200_000 });
    const events: DownloadEvent[] = [];
    for await (const event of download(origin.url, { dir: dir(), signal: controller.signal })) {
      events.push(event);
      if (event.type === 'start') controller.abort();
    }
    const last = events.at(-1);
    expect(last?.type === 'error' && last.exitStatus).to.equal(130);
  });

  it('records a trace, which is whole when the result is there', async () => {
    const trace = path.join(dir(), 'run.trace');
    const records = (): Array<{ type: string; event?: { type: string } }> =>
      readFileSync(trace, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { type: string; event?: { type: string } });
    await download(origin.url, { dir: dir(), connections: 2, trace }).result;
    const types = records().map(({ type, event }) => event?.type ?? type);
    expect(types[0]).to.equal('trace');
    expect(types).to.include.members(['start', 'lease', 'ended', 'done']);
    expect(types.at(-1)).to.equal('end');
    const nobody = 'http://127.0.0.1:1/file.bin';
    const refused = download(nobody, { output: path.join(dir(), 'x'), retries: 0, trace });
    expect(await refused.result.catch(({ code }: SluiceError) => code)).to.equal('CONNECT_FAILED');
    const after = records().map(({ type, event }) => event?.type ?? type);
    expect(after.slice(-2)).to.deep.equal(['error', 'end']);
    writeFileSync(trace, 'mine');
    const spared = download(origin.url, { dir: dir(), trace });
    expect(await spared.result.catch(({ code }: SluiceError) => code)).to.equal('TARGET_EXISTS');
    expect(readFileSync(trace, 'utf8')).to.equal('mine');
    expect(() => download(origin.url, { trace: '' })).to.throw(SluiceError, 'option trace takes');
  });

  it('inspects a URL', async () => {
    // The type of a literal says that it is a URL: `ranges` needs no narrowing.
    const { size, ranges } = await inspect(`http://127.0.0.1:${origin.server.port}/file.bin`);
    expect({ size, ranges }).to.deep.equal({ size: 9_000_000, ranges: 'yes' });
    const report = await inspect(origin.url);
    expect(report).to.include({ kind: 'url', size: 9_000_000 });
  });

  it('inspect stops when its signal is aborted', async () => {
    origin.fault({ times: Infinity, fault: { kind: 'stall-head', at: 0 } });
    const controller = new AbortController();
    const asked = inspect(origin.url, { signal: controller.signal }).catch((e: unknown) => e);
    await origin.server.until(({ requests }) => requests.length > 0);
    controller.abort();
    expect(await asked)
      .to.be.instanceOf(SluiceError)
      .and.include({ code: 'INTERRUPTED' });
    const late = inspect(origin.url, { signal: controller.signal }).catch((e: unknown) => e);
    expect(await late).to.include({ code: 'INTERRUPTED' });
    expect(origin.requests).to.have.length(1);
  });

  it('several loops over one download share its events, and all end', async () => {
    const running = download(origin.url, { dir: dir() });
    const both = await Promise.all([collect(running), collect(running)]);
    const types = both.flat().map(({ type }) => type);
    expect(types.filter((type) => type === 'done')).to.have.length(1);
    expect(await collect(running)).to.deep.equal([]);
  });

  it('a loop that is left early does not stop the download', async () => {
    const running = download(origin.url, { dir: dir() });
    for await (const event of running) if (event.type === 'start') break;
    const rest = await collect(running);
    expect(rest.at(-1)?.type).to.equal('done');
    expectSameContent(path.join(dir(), 'file.bin'), 5, 9_000_000);
  });

  it('P8: a checksum in capitals is the same checksum', async () => {
    const hex = origin.digest().toUpperCase();
    const options = { dir: dir(), checksums: [{ algorithm: 'sha256', hex }] } as const;
    const last = (
      await collect(download(origin.url, { ...options, checksums: [...options.checksums] }))
    ).at(-1);
    expect(last).to.deep.include({ type: 'done', digests: { sha256: hex.toLowerCase() } });
  });

  it('an option that is undefined is not said', async () => {
    const options = { dir: dir(), connections: undefined, retries: undefined, tls: {} };
    const last = (await collect(download(origin.url, options))).at(-1);
    expect(last?.type).to.equal('done');
  });

  it('refuses what it does not understand before it asks anything', () => {
    const wrong: Array<Record<string, unknown>> = [
      ...[0, 65, 1.5, NaN, '8', null].map((connections) => ({ connections })),
      ...[-1, 65, 'x'].map((threads) => ({ threads })),
      ...[-1, 1.5, Infinity].map((retries) => ({ retries })),
      ...[-5, 0, 2 ** 31].map((maxTimeMs) => ({ maxTimeMs })),
      ...[{ connectMs: 0 }, { connect: 5 }, 5].map((deadlines) => ({ deadlines })),
      ...[{ verify: 'no' }, { rejectUnauthorized: false }, null].map((tls) => ({ tls })),
      ...[['sha256:00'], [{ algorithm: 'foo', hex: '00' }], [{ algorithm: 'md5', hex: '00' }]].map(
        (checksums) => ({ checksums }),
      ),
      ...[{ checksum: 'sha256:00' }, { toString: 1 }, { mode: 'resume' }, { url: 'http://x/' }],
      ...[{ onExists: 'x' }, { sync: 1 }, { preallocate: '' }, { family: 5 }, { insist: 1 }],
      ...[{ headers: 'A: b' }, { headers: [1] }, { user: 'a:b' }, { output: '' }, { dir: '' }],
    ];
    for (const options of wrong) {
      const call = (): unknown => download(origin.url, options);
      expect(call, JSON.stringify(options)).to.throw(SluiceError).with.property('code', 'USAGE');
    }
    for (const url of [undefined, null, 1, new URL(origin.url)])
      expect(() => download(url as unknown as string)).to.throw(
        SluiceError,
        'the URL is not a text',
      );
    expect(origin.requests).to.deep.equal([]);
  });
});
