/** The examples of docs/proxies.md, run by a shell. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { examplesOf, runExample } from '../helpers/examples.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { CHECKOUT } from '../helpers/run-sluice.js';
import { SmallProxy } from '../helpers/small-proxy.js';

const PAGE = readFileSync(path.join(CHECKOUT, 'docs/proxies.md'), 'utf8');
const COMMANDS = examplesOf('docs/proxies.md');
const INFO = /^\$ (sluice info .*)\n(.*)$/m.exec(PAGE)!;

describe('e2e: the examples of docs/proxies.md', () => {
  const dir = tempDirPerTest();
  let origin: Origin;
  let proxy: SmallProxy;

  before(async () => {
    origin = await Origin.start({ size: 100_000, path: '/big.iso' });
    proxy = await SmallProxy.start({ names: { 'files.test': '127.0.0.1' } });
  });
  after(async () => {
    await proxy.close();
    await origin.close();
  });

  /** Runs a line of the page, with the ports that are free here. */
  function run(line: string): Promise<string> {
    const { port } = new URL(origin.url);
    return runExample(line, dir(), {
      '127.0.0.1:3128': `127.0.0.1:${proxy.port}`,
      'files.test/': `files.test:${port}/`,
      '127.0.0.1:8080': `127.0.0.1:${port}`,
    });
  }

  for (const [at, line] of COMMANDS.entries())
    it(line, async () => {
      const before = proxy.asked.length;
      await run(line);
      expectSameContent(path.join(dir(), 'big.iso'), origin.seed, origin.size);
      // The last one goes around it.
      expect(proxy.asked.length > before).equal(at < COMMANDS.length - 1);
    });

  it('info', async () => {
    const [, line = '', told = ''] = INFO;
    const shown = (await run(line)).split('\n').find((each) => each.startsWith('proxy'));
    const expected = told.replace('127.0.0.1:3128', `127.0.0.1:${proxy.port}`);
    expect(shown?.replace(/ +/g, ' ')).equal(expected.replace(/ +/g, ' '));
  });
});
