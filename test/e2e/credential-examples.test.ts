/** The examples of docs/credentials.md, run by a shell. */
import { expect } from 'chai';
import path from 'node:path';
import { examplesOf, runExample } from '../helpers/examples.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

const WANTED = `Basic ${Buffer.from('alice:secret').toString('base64')}`;

describe('e2e: the examples of docs/credentials.md', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  before(async () => {
    origin = await Origin.start({ size: 100_000, path: '/big.iso' });
    origin.fault({
      times: Infinity,
      when: ({ fields, target }) =>
        target.startsWith('/cookie/')
          ? fields['cookie'] !== 'pass=open'
          : fields['authorization'] !== WANTED,
      fault: { kind: 'status', status: 401 },
    });
  });
  after(() => origin.close());

  const examples = examplesOf('docs/credentials.md');
  it('are there', () => expect(examples.length).above(5));

  for (const line of examples)
    it(line, async () => {
      const { port } = new URL(origin.url);
      await runExample(line, dir(), { '127.0.0.1:8080': `127.0.0.1:${port}` });
      expectSameContent(path.join(dir(), 'big.iso'), origin.seed, origin.size);
    });
});
