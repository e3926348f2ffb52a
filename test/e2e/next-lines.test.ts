/** What the command says to do next is done, as it stands: it must be the end of the trouble. */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expectStatus, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

const SIZE = 1024 * 1024;

describe('e2e/next-lines', () => {
  const dir = tempDirPerTest();
  let origin: Origin;
  before(async () => {
    origin = await Origin.start({ size: SIZE, seed: 4 });
  });
  after(() => origin.close());

  const nextOf = (stderr: string): string => /^ {2}next: (.*)$/m.exec(stderr)?.[1] ?? '';

  for (const [what, args, message, next] of [
    ['a URL behind -n', ['-n', 'URL'], /-n takes the number/, /-n 8/],
    ['a number behind -x', ['-x', '16', 'URL'], /-x takes the URL of a proxy/, /`-n 16`/],
    ['a mistyped flag', ['--conections', '4', 'URL'], /--conections/, /`--connections`/],
    ['a digest alone', ['get', 'd'.repeat(64)], /a checksum, not a URL/, /--checksum d{64}/],
    ['a Metalink', ['get', "it's.meta4"], /a Metalink/, /--metalink 'it'\\''s.meta4'/],
    ['a mistyped command', ['resum', 'x'], /no command resum/, /`sluice resume`/],
  ] as const) {
    it(`${what} is told, and what to write`, async () => {
      const words = args.map((word) => (word === 'URL' ? origin.url : word));
      const run = await runIn(dir(), words);
      expectStatus(run, 2);
      expect(run.stderr).to.match(message);
      expect(nextOf(run.stderr)).to.match(next);
    });
  }

  it('https to an http port says so', async () => {
    const plain = createServer();
    await once(plain.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = plain.address() as AddressInfo;
      const run = await runIn(dir(), [`https://127.0.0.1:${port}/x`, '--retries', '0']);
      expectStatus(run, 5);
      expect(run.stderr).to.contain('does not speak TLS');
    } finally {
      plain.close();
    }
  });

  it('-L and -c do nothing, and a bare digest is a checksum', async () => {
    const run = await runIn(dir(), ['-L', '-c', origin.url, '--checksum', origin.digest()]);
    expectStatus(run, 0);
    expect(run.stderr).to.contain('sha256 verified');
    expectSameContent(path.join(dir(), 'file.bin'), 4, SIZE);
  });
});
