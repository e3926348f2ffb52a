/** `--timestamping`: only what is newer is fetched, and the file has the server's time of change. */
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { doneParts } from '../../src/cli/sentences.js';
import { benchPerTest, expectDone, expectFailed, told } from '../helpers/engine.js';
import type { EngineRun } from '../helpers/engine.js';
import type { RecordedRequest } from '../helpers/fault-server.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const SIZE = 2 * 1024 * 1024;
const REFERENCE = { seed: 1, size: SIZE };
const MODIFIED = new Date('2024-01-02T03:04:05Z');

const value = ({ fields }: RecordedRequest, name: string): string | undefined => fields[name];

function expectUpToDate({ last }: EngineRun): void {
  if (last.type !== 'done') throw new Error(last.message);
  expect(last).include({ outcome: 'complete', upToDate: true });
  expect(doneParts(last, false)).include('already up to date');
}

describe('timestamping', () => {
  const bench = benchPerTest();

  /** A server that knows conditions, and one that does not. */
  async function serve(knows: boolean, options: OriginOptions = {}): Promise<Origin> {
    const origin = await bench.origin({ ...REFERENCE, lastModified: MODIFIED, ...options });
    if (knows)
      origin.fault({
        times: Infinity,
        when: (request) => {
          const tag = value(request, 'if-none-match');
          if (tag !== undefined) return tag === origin.representation.etag;
          const since = Date.parse(value(request, 'if-modified-since') ?? '');
          return since >= (origin.representation.lastModified?.getTime() ?? Infinity);
        },
        fault: { kind: 'status', status: 304 },
      });
    else
      origin.fault({
        times: Infinity,
        when: (request) => value(request, 'if-none-match') !== undefined,
        fault: { kind: 'full-200' },
      });
    return origin;
  }

  for (const knows of [true, false]) {
    const what = knows ? 'a server that knows conditions' : 'one that does not';

    it(`${what}: unchanged since the receipt, changed, and unchanged again`, async () => {
      const origin = await serve(knows, { etag: '"one"' });
      const engine = bench.engine({ timestamping: true });
      expectDone(await engine.get(origin.url), REFERENCE);
      expect(statSync(engine.file).mtimeMs).equal(MODIFIED.getTime());

      const asked = origin.requests.length;
      expectUpToDate(await engine.get(origin.url));
      const more = origin.requests.slice(asked);
      expect(more).to.have.length(1);
      expect(value(more[0] as RecordedRequest, 'if-none-match')).equal('"one"');

      const later = new Date('2025-05-06T07:08:09Z');
      origin.set({ etag: '"two"', seed: 2, lastModified: later });
      expectDone(await engine.get(origin.url), { seed: 2, size: SIZE });
      expect(statSync(engine.file).mtimeMs).equal(later.getTime());
      expectUpToDate(await engine.get(origin.url));
    });

    it(`${what}: a file without a receipt is judged by its time`, async () => {
      const origin = await serve(knows, { etag: 'none' });
      const engine = bench.engine({ timestamping: true });
      writeFileSync(engine.file, Buffer.alloc(SIZE));
      utimesSync(engine.file, MODIFIED, new Date(MODIFIED.getTime() + 500));
      expectUpToDate(await engine.get(origin.url));
      expect(readFileSync(engine.file)[7], 'it was left alone').equal(0);
      const since = value(origin.requests[0] as RecordedRequest, 'if-modified-since');
      expect(since).equal('Tue, 02 Jan 2024 03:04:05 GMT');

      utimesSync(engine.file, MODIFIED, new Date(MODIFIED.getTime() - 1000));
      expectDone(await engine.get(origin.url), REFERENCE);
    });
  }

  it('a file of another length is fetched, whatever its time, where the server tells the length', async () => {
    const origin = await serve(false, { etag: 'none' });
    const engine = bench.engine({ timestamping: true });
    writeFileSync(engine.file, 'short');
    expectDone(await engine.get(origin.url), REFERENCE);
  });

  it('nothing is there: no condition is sent', async () => {
    const origin = await serve(true);
    expectDone(await bench.engine({ timestamping: true }).get(origin.url), REFERENCE);
    for (const request of origin.requests)
      expect(value(request, 'if-modified-since') ?? value(request, 'if-none-match')).equal(
        undefined,
      );
  });

  it('P2: an update that fails leaves the old file as it is, and goes on later', async () => {
    const origin = await serve(true, { etag: '"one"' });
    const engine = bench.engine({ timestamping: true, retries: 0 });
    await engine.get(origin.url);
    origin.set({ etag: '"two"', seed: 2, lastModified: new Date() });
    origin.fault({ times: 2, fault: { kind: 'reset', at: 300_000 } });
    const broken = await engine.get(origin.url);
    expect(broken.last.type, told(broken)).equal('error');
    expect(statSync(engine.file).mtimeMs).equal(MODIFIED.getTime());
    expectDone(await engine.get(origin.url), { seed: 2, size: SIZE });
  });

  it('P8: a digest decides, and no condition is sent', async () => {
    const origin = await serve(true, { etag: '"one"' });
    const engine = bench.engine({ timestamping: true });
    writeFileSync(engine.file, Buffer.alloc(SIZE));
    const checksums = [{ algorithm: 'sha256', hex: '1'.repeat(64) } as const];
    const run = await engine.get(origin.url, { checksums });
    expect(run.last).include({ code: 'CHECKSUM_MISMATCH' });
    expect(origin.requests.some((request) => value(request, 'if-modified-since'))).equal(false);
  });

  it('a 304 that nobody asked for is refused', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.fault({ times: Infinity, fault: { kind: 'status', status: 304 } });
    expectFailed(await bench.engine().get(origin.url), 'HTTP_UNEXPECTED');
  });
});
