/** What is claimed while a download runs is not read back for that. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runIn, expectStatus } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';

const MIB = 1024 * 1024;

describe('integration/checks', function () {
  this.timeout(120_000);
  const dir = tempDirPerTest();

  for (const flags of [[], ['--threads', '2']]) {
    it(`P3: CRCs of what is written come with it, not from the file: ${flags.join(' ')}`, async function () {
      if (findProgram('strace') === null) return this.skip();
      // Five seconds: checkpoints, and a sync at the end.
      const origin = await Origin.start({ size: 24 * MIB, seed: 5, rate: 1.2 * MIB });
      try {
        const trace = path.join(dir(), 'trace');
        const calls = ['-e', 'trace=pread64,fdatasync', '-s', '0'];
        const run = await runIn(
          dir(),
          ['get', origin.url, '-o', 'x', '-n', '4', '--sync', 'full', ...flags],
          {
            prefix: [
              'strace',
              '-f',
              '-qq',
              '-o',
              trace,
              '-P',
              path.join(dir(), 'x.part'),
              ...calls,
            ],
            env: { UV_USE_IO_URING: '0' },
          },
        );
        expectStatus(run, 0);
        expectSameContent(path.join(dir(), 'x'), 5, 24 * MIB);
        const lines = readFileSync(trace, 'utf8').split('\n');
        const read = lines
          .filter((line) => line.includes('pread64'))
          .reduce((sum, line) => sum + Number(/= (\d+)$/.exec(line)?.[1] ?? 0), 0);
        expect(lines.filter((line) => line.includes('fdatasync(')).length).to.be.above(1);
        // What comes before anything is known of the rate, and the seams.
        expect(read).to.be.below(2 * MIB);
      } finally {
        await origin.close();
      }
    });
  }
});
