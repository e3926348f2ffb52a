/** No document, whatever is in it, keeps the process from its deadlines and its signals (P26). */
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { MAX_LIST_BYTES } from '../../src/formats/checksum-list.js';
import { MAX_METALINK_BYTES, parseMetalink } from '../../src/formats/metalink.js';
import { Pace } from '../../src/formats/pace.js';
import type { ErrorEvent } from '../../src/transfer/events.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import {
  HOSTILE_LISTS,
  REFUSED_METALINKS,
  SLOW_METALINKS,
  slowest,
} from '../helpers/hostile-documents.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice } from '../helpers/run-sluice.js';

/** What took minutes to hours takes a second; on a machine that is busy, some. */
const SOON_MS = 30_000;
/** As long as one turn of reading may take on a busy machine; alone it is some 10 ms. */
const TURN_MS = 2_000;

const BLOCK = 1024 * 1024;

const blocksOf = (text: string): string[] =>
  Array.from({ length: Math.ceil(text.length / BLOCK) }, (_, at) =>
    text.slice(at * BLOCK, (at + 1) * BLOCK),
  );

describe('security/documents', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: 1000 });
  });
  afterEach(() => origin.close());

  const write = (text: string): string => {
    const file = path.join(dir(), 'document');
    writeFileSync(file, text);
    return file;
  };

  for (const [what, { text, says }] of Object.entries(REFUSED_METALINKS)) {
    it(`P26: a Metalink with ${what} is refused at once, by the name of its bound`, async () => {
      const file = write(text());
      expect(statSync(file).size).most(MAX_METALINK_BYTES);
      const run = await runIn(dir(), ['get', '--metalink', file, '--json']);
      expectStatus(run, 2);
      const error = run.events.at(-1) as ErrorEvent;
      expect(error.code).equal('METALINK_INVALID');
      expect(error.message).match(says);
      expect(run.stdout.length).below(1_500);
      expect(run.ms).below(SOON_MS);
    });
  }

  for (const [what, { text, says }] of Object.entries(HOSTILE_LISTS)) {
    it(`P26: a list of checksums with ${what} is read at once, and quoted in excerpts`, async () => {
      const file = write(text());
      expect(statSync(file).size).most(MAX_LIST_BYTES);
      const args = ['get', origin.server.url('/f'), '--checksum', `@${file}`];
      const run = await runIn(dir(), args);
      expectStatus(run, 2);
      expect(run.stderr).match(says).length.below(1_500);
      expect(run.ms).below(SOON_MS);
    });
  }

  for (const [what, text] of Object.entries(SLOW_METALINKS)) {
    it(`P26: while a Metalink of ${what} is read others have their turn, and it can be stopped`, async () => {
      const blocks = blocksOf(text());
      const stop = new AbortController();
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      let stoppedMs = NaN;
      const timer = setTimeout(() => {
        stoppedMs = performance.now();
        stop.abort(new SluiceError('INTERRUPTED', 'stopped'));
      }, 20);
      const outcome: unknown = await parseMetalink(blocks, new Pace(stop.signal)).catch(
        (thrown: unknown) => thrown,
      );
      const tookMs = performance.now() - stoppedMs;
      clearTimeout(timer);
      delay.disable();
      expect(outcome).instanceOf(SluiceError).include({ code: 'INTERRUPTED' });
      expect(tookMs).below(TURN_MS);
      expect(delay.max / 1e6).below(TURN_MS);
    });
  }

  it('P26: --max-time and signals end the reading of a Metalink that takes long', async function () {
    this.timeout(600_000);
    const text = slowest();
    const file = write(text);
    expect(statSync(file).size).within(40e6, MAX_METALINK_BYTES);
    // How long it takes here and now, without an end: what is stopped takes a part of that.
    const began = performance.now();
    const files = await parseMetalink(blocksOf(text), new Pace(new AbortController().signal));
    expect(files).length(500);
    const wholeMs = performance.now() - began;

    origin.route('/x.meta4', { bytes: Buffer.from(text) });
    for (const where of [file, origin.server.url('/x.meta4')]) {
      const args = ['get', '--metalink', where, '--json', '--max-time', '500ms'];
      const run = await runIn(dir(), args);
      expectStatus(run, 4);
      expect(run.events.at(-1)).include({ type: 'error', code: 'MAX_TIME' });
      expect(run.ms, `of ${wholeMs} ms`).below(wholeMs / 2);
    }
    for (const [signal, status] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const sent = origin.server.until(
        ({ requests }) =>
          requests.at(-1)?.target === `/x.meta4?${signal}` && requests.at(-1)!.finished,
      );
      origin.route(`/x.meta4?${signal}`, { bytes: Buffer.from(text) });
      const url = origin.server.url(`/x.meta4?${signal}`);
      const run = spawnSluice(['get', '--metalink', url], { cwd: dir() });
      await sent;
      const signalled = performance.now();
      run.kill(signal);
      expectStatus(await run.ended, status);
      expect(performance.now() - signalled, `of ${wholeMs} ms`).below(wholeMs / 3);
    }
  });
});
