import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { benchPerTest } from '../helpers/engine.js';
import { findProgram } from '../helpers/real-server.js';
import { CHECKOUT, parseEvents } from '../helpers/run-sluice.js';

const MIB = 1024 * 1024;
const SIZE = 24 * MIB;
const BOUND = 6 * MIB;
const MAIN = path.join(CHECKOUT, 'dist/test/helpers/backlog-main.js');

/** What `strace -f` saw of the part: the most that was written and covered by no sync. */
function mostUnsynced(trace: string): { bytes: number; syncs: number } {
  const syncing = new Map<string, number>();
  let written = 0;
  let synced = 0;
  let bytes = 0;
  let syncs = 0;
  for (const line of trace.split('\n')) {
    const [, pid = '', name = '', tail = ''] =
      /^(\d+) .*?(pwrite64|fdatasync)(.*)$/.exec(line) ?? [];
    const result = /= (\d+)(?: \([A-Z]+\))?$/.exec(tail)?.[1];
    if (name === 'pwrite64' && result !== undefined) written += Number(result);
    if (name === 'fdatasync' && !tail.startsWith(' resumed')) syncing.set(pid, written);
    if (name === 'fdatasync' && result !== undefined) {
      synced = syncing.get(pid) ?? 0;
      syncs++;
    }
    bytes = Math.max(bytes, written - synced);
  }
  expect(written).to.be.at.least(SIZE);
  return { bytes, syncs };
}

describe('integration/backlog', function () {
  this.timeout(120_000);
  const dir = tempDirPerTest();
  const bench = benchPerTest();

  for (const threads of [0, 2]) {
    it(`P16: a disk slower than the network holds connections back, and none is late: ${threads} threads`, async function () {
      if (findProgram('strace') === null) return this.skip();
      const origin = await bench.origin({ size: SIZE, seed: 5 });
      const file = path.join(dir(), 'x');
      const trace = path.join(dir(), 'trace');
      // Each sync takes longer than a connection may be silent.
      const { stdout } = await promisify(execFile)(
        'strace',
        [
          ...['-f', '-qq', '-o', trace, '-s', '0', '-P', `${file}.part`],
          ...['-e', 'trace=pwrite64,fdatasync', '-e', 'inject=fdatasync:delay_enter=1500000'],
          ...[process.execPath, MAIN, origin.url, file, String(BOUND), String(threads)],
        ],
        { env: { ...process.env, UV_USE_IO_URING: '0' }, maxBuffer: 16 * MIB },
      );
      const events = parseEvents(stdout);
      expect(events.filter(({ type }) => type === 'retry')).to.deep.equal([]);
      expectSameContent(file, 5, SIZE);
      const { bytes, syncs } = mostUnsynced(readFileSync(trace, 'utf8'));
      expect(bytes)
        .to.be.at.most(BOUND)
        .and.above(BOUND / 4);
      expect(syncs).to.be.at.least(SIZE / BOUND - 1);
      // What is held back is not thought slow: nothing is asked for twice, nobody is replaced.
      const asked = origin.requests.length;
      expect(asked).to.be.below(16);
    });
  }
});
