/** Stopped while the whole is being verified: nothing gets the name, and nothing is lost. */
import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bytesIn, claimed } from '../crash/claims.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { contentDigest } from '../helpers/content.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { findProgram } from '../helpers/real-server.js';
import { spawnSluice } from '../helpers/run-sluice.js';

const SIZE = 16 * 1024 * 1024;
const SEED = 81;
const OLD = 'what was there before';

describe('e2e/stopped while verifying', function () {
  this.timeout(60_000);
  const dir = tempDirPerTest();
  let origin: Origin;

  before(function () {
    if (findProgram('strace') === null && !process.env['CI']) return this.skip();
  });
  beforeEach(async () => {
    origin = await Origin.start({ size: SIZE, seed: SEED });
  });
  afterEach(() => origin.close());

  const digest = `sha256:${contentDigest(SEED, SIZE)}`;
  const args = ['-o', 'x', '-n', '4', '--checksum', digest];

  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`P2, P8: ${signal} leaves what was there, keeps the part, and the next run finishes`, async () => {
      const target = path.join(dir(), 'x');
      writeFileSync(target, OLD);
      // Each look into the part takes a tenth of a second: the verification takes long.
      const prefix = [
        ...['strace', '-f', '-D', '-qq', '-o', '/dev/null', '-P', `${target}.part`],
        ...['-e', 'inject=pread64:delay_enter=100000'],
      ];
      const run = spawnSluice(['get', origin.url, ...args, '--on-exists', 'overwrite', '-v'], {
        cwd: dir(),
        env: { SLUICE_STATE_DIR: path.join(dir(), '.state'), UV_USE_IO_URING: '0' },
        prefix,
      });
      await run.waitFor(/event=synced/);
      run.kill(signal);
      const stopped = await run.ended;
      expectStatus(stopped, status);
      expect(stopped.stderr).not.include('event=verified');
      expect(readFileSync(target, 'utf8')).equal(OLD);
      expect(filesIn(dir())).deep.equal(['x', 'x.part', 'x.sluice']);

      const before = origin.requests.length;
      // `resume` has no leave to replace what is there.
      expectStatus(await runIn(dir(), ['resume', 'x']), 11);
      expect(readFileSync(target, 'utf8')).equal(OLD);
      const again = ['get', origin.url, ...args, '--on-exists', 'overwrite'];
      expectStatus(await runIn(dir(), again), 0);
      expectSameContent(target, SEED, SIZE);
      expect(filesIn(dir())).deep.equal(['x']);
      const sent = origin.requests.slice(before).reduce((sum, each) => sum + each.bodyBytes, 0);
      expect(sent, 'fetched again').below(64 * 1024);
    });
  }

  it('P27: killed before it knew, and given again without the digest: the server is asked', async () => {
    const prefix = [
      ...['strace', '-f', '-D', '-qq', '-o', '/dev/null', '-P', path.join(dir(), 'x.part')],
      ...['-e', 'inject=pread64:delay_enter=100000'],
    ];
    const wrong = ['-o', 'x', '-n', '4', '--checksum', `sha256:${'00'.repeat(32)}`];
    const run = spawnSluice(['get', origin.url, ...wrong, '--sync', 'full', '-v'], {
      cwd: dir(),
      env: { SLUICE_STATE_DIR: path.join(dir(), '.state'), UV_USE_IO_URING: '0' },
      prefix,
    });
    await run.waitFor(/event=synced/);
    run.kill('SIGKILL');
    expect((await run.ended).signal).equal('SIGKILL');
    expect(bytesIn(claimed(path.join(dir(), 'x'))), 'all of it').equal(SIZE);
    origin.set({ seed: SEED + 1 });
    const before = origin.requests.length;
    expectStatus(await runIn(dir(), ['get', origin.url, '-o', 'x']), 0);
    expect(origin.requests.length).above(before);
    expectSameContent(path.join(dir(), 'x'), SEED + 1, SIZE);
  });
});
