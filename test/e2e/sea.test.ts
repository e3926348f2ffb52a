/** The command as one executable file (`npm run sea`): it runs where there is no package, its threads too. */
import { execFile, spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { CHECKOUT } from '../helpers/run-sluice.js';

const run = promisify(execFile);
const SIZE = 8 * 1024 * 1024;

describe('e2e/sea', function () {
  this.timeout(120_000);
  const dir = tempDirPerTest();

  before(function () {
    const { stdout } = spawnSync(process.execPath, ['--help'], { encoding: 'utf8' });
    // Only newer versions of Node build executables by themselves.
    if (!stdout.includes('--build-sea')) this.skip();
    const built = spawnSync(process.execPath, ['scripts/sea/build.js'], { cwd: CHECKOUT });
    expect(built.status, String(built.stderr)).equal(0);
  });

  it('downloads with threads of its own, hashes, logs and explains itself', async () => {
    const home = path.join(dir(), 'home');
    mkdirSync(home);
    const command = path.join(dir(), 'sluice');
    linkSync(path.join(CHECKOUT, 'dist', 'sea', 'sluice'), command);
    const env = { PATH: '/nowhere', HOME: home };
    const origin = await Origin.start({ size: SIZE, seed: 6 });
    try {
      // The first answer does not bring everything before the others are asked.
      origin.allow(1024 * 1024);
      void origin.server
        .until(() => origin.requests.length >= 4)
        .then(() => origin.allow(Infinity));
      const words = ['get', origin.url, '-n', '4', '--threads', '2', '--log-file', 'log'];
      const sums = ['--checksum', `sha256:${origin.digest()}`];
      await run(command, [...words, ...sums], { cwd: dir(), env });
    } finally {
      await origin.close();
    }
    expectSameContent(path.join(dir(), 'file.bin'), 6, SIZE);
    expect(readFileSync(path.join(dir(), 'log'), 'utf8')).contain('"msg":"lease done"');
    const version = await run(command, ['--version'], { env });
    expect(version.stdout).match(/^sluice\/\d+\.\d+\.\d+ /);
    const help = await run(command, ['get', '--help'], { env });
    expect(help.stdout).contain('EXIT STATUS');
  });
});
