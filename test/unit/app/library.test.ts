import { expect } from 'chai';
import path from 'node:path';
import { download, inspect } from '../../../src/index.js';
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

  it('inspects a URL', async () => {
    const report = await inspect(origin.url);
    expect(report).to.include({ kind: 'url', size: 9_000_000, ranges: 'yes' });
  });
});
