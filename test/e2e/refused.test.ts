/** What a digest refused, by the command: nothing of it becomes a file unasked (P27). */
import { expect } from 'chai';
import path from 'node:path';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

const SIZE = 4 * 1024 * 1024;
const WRONG = `sha256:${'00'.repeat(32)}`;

describe('e2e/what a digest refused', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: 1 });
    expectStatus(await get('--checksum', WRONG), 9);
  });
  afterEach(() => origin.close());

  const get = (...more: string[]) => runIn(dir(), ['get', origin.url, '-o', 'x', ...more]);
  const info = async (): Promise<Record<string, unknown>> =>
    JSON.parse((await runIn(dir(), ['info', 'x', '--json'])).stdout) as Record<string, unknown>;

  it('P27: the same get without --checksum asks, and gets the file that the server has now', async () => {
    origin.set({ seed: 2 });
    const before = origin.requests.length;
    const run = await get();
    expectStatus(run, 0);
    expect(origin.requests.length).above(before);
    expectSameContent(path.join(dir(), 'x'), 2, SIZE);
    expect(filesIn(dir())).deep.equal(['x']);
  });

  it('P27: the same file still: one question, a warning, and the file', async () => {
    const before = origin.requests.length;
    const run = await get();
    expectStatus(run, 0);
    expect(run.stderr).match(/warning: A digest refused these bytes before\. The server still has/);
    expect(origin.requests.slice(before)).length(1);
    expectSameContent(path.join(dir(), 'x'), 1, SIZE);
  });

  it('P27: with --checksum again it asks again, and what it says to do does it', async () => {
    const before = origin.requests.length;
    const again = await get('--checksum', WRONG);
    expectStatus(again, 9);
    expect(origin.requests.slice(before)).length(1);
    expect(again.stderr).match(/the server still has the same file/);
    expect(again.stderr).match(/--on-exists overwrite/);
    expectStatus(await get('--on-exists', 'overwrite'), 0);
    expectSameContent(path.join(dir(), 'x'), 1, SIZE);
    expect(
      origin.requests.slice(before).some(({ bodyBytes }) => bodyBytes > 1),
      'fetched',
    ).equal(true);
  });

  it('P27: info says that they were refused, and that resume will not do', async () => {
    const { stdout } = await runIn(dir(), ['info', 'x']);
    expect(stdout).match(/^refused +by a digest/m);
    expect(stdout).match(/^resumable +no: .*sluice get/m);
    expect(await info()).include({ refused: true, bytes: SIZE, missing: 0 });
    expectStatus(await runIn(dir(), ['resume', 'x']), 9);
    const sum = `sha256:${origin.digest()}`;
    expectStatus(await runIn(dir(), ['resume', 'x', '--checksum', sum]), 0);
    expectSameContent(path.join(dir(), 'x'), 1, SIZE);
  });
});
