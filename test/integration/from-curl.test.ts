/** A copied curl command gives the URL of `info`, and the fresh link of `resume`. */
import { expect } from 'chai';
import { benchPerTest, interrupt } from '../helpers/engine.js';
import { expectSameContent } from '../helpers/files.js';
import { runSluice } from '../helpers/run-sluice.js';

const MIB = 1024 * 1024;
const SIZE = 4 * MIB;

describe('--from-curl', () => {
  const bench = benchPerTest();

  it('info and resume send what the command sends', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 12 * MIB });
    const engine = bench.engine();
    origin.allow(2 * MIB);
    await interrupt(engine.start(origin.url), MIB, origin);
    origin.allow(SIZE);
    const command = `curl '${origin.url}?fresh=1' -H 'X-Key: 7'`;
    const before = origin.requests.length;
    const told = await runSluice(['info', '--from-curl', command, '--json'], { cwd: engine.dir });
    expect(JSON.parse(told.stdout)).include({ kind: 'url', size: SIZE });
    const args = ['resume', 'file.bin', '--from-curl', '-', '--json'];
    const done = await runSluice(args, { cwd: engine.dir, stdin: command });
    expect(done.status, done.stdout).equal(0);
    expectSameContent(engine.file, 1, SIZE);
    const asked = origin.requests.slice(before);
    expect(asked.length).greaterThan(1);
    for (const { target, fields } of asked) {
      expect(target).match(/\?fresh=1$/);
      expect(fields['x-key']).equal('7');
    }
  });

  it('a URL beside it is refused', async () => {
    for (const args of [
      ['info', 'http://h.test/'],
      ['resume', 'file.bin', '--url', 'http://h.test/'],
    ]) {
      const refused = await runSluice([...args, '--from-curl', 'curl http://h.test/']);
      expect(refused.status).equal(2);
      expect(refused.stderr).include('Leave');
    }
  });
});
