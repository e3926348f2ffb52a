import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { CHECKOUT } from '../helpers/run-sluice.js';

const run = promisify(execFile);

/** What the package may use: the modules that the lock file knows to be no development's. */
const DEPENDENCIES = ['hash-wasm', 'pino', 'piscina', 'saxes', 'tough-cookie'];

describe('e2e/pack', function () {
  this.timeout(400_000);
  const dir = tempDirPerTest();

  it('the tarball installs and runs outside the checkout', async () => {
    const packed = await run(
      'npm',
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', dir()],
      { cwd: CHECKOUT },
    );
    const tarball = path.join(dir(), packed.stdout.trim().split('\n').at(-1) ?? '');
    const home = path.join(dir(), 'home');
    const project = path.join(dir(), 'project');
    mkdirSync(home);
    mkdirSync(project);
    const env = { ...process.env, HOME: home, SLUICE_STATE_DIR: home };
    await install(tarball, project);
    const bin = path.join(project, 'node_modules', '.bin', 'sluice');
    const version = await run(bin, ['--version'], { cwd: project, env });
    expect(version.stdout).to.match(/^sluice\/\d+\.\d+\.\d+ /);
    const help = await run(bin, ['get', '--help'], { cwd: project, env });
    expect(help.stdout).to.contain('EXIT STATUS');
    const origin = await Origin.start({ size: 4 * 1024 * 1024, seed: 41 });
    try {
      const sum = `sha256:${origin.digest()}`;
      const args = ['get', origin.url, '-n', '4', '--checksum', sum];
      await run(bin, args, { cwd: project, env });
      expectSameContent(path.join(project, 'file.bin'), 41, 4 * 1024 * 1024);
    } finally {
      await origin.close();
    }
    const installed = path.join(project, 'node_modules', 'sluice');
    expect(readdirSync(installed)).to.include.members(['LICENSE', 'SECURITY.md', 'docs']);
    // Where coverage is measured, the package has the bundle only.
    const covered = { ...env, NODE_V8_COVERAGE: path.join(dir(), 'coverage') };
    await run(bin, ['help'], { cwd: project, env: covered });
    for (const own of ['test', 'dist/test', 'dist/src', 'src', 'node_modules/mocha']) {
      expect(existsSync(path.join(installed, own)), own).to.equal(false);
    }
  });

  /**
   * As npm does, without a network: the tarball's files, the modules that it names beside them, and
   * the command's link.
   */
  async function install(tarball: string, project: string): Promise<void> {
    const modules = path.join(project, 'node_modules');
    mkdirSync(path.join(modules, '.bin'), { recursive: true });
    mkdirSync(path.join(modules, 'sluice'));
    await run('tar', ['-xzf', tarball, '-C', path.join(modules, 'sluice'), '--strip-components=1']);
    const listed = await run('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
      cwd: CHECKOUT,
    }).catch((error: { stdout: string }) => error);
    const paths = listed.stdout.split('\n').filter((line) => line.includes('node_modules'));
    expect(paths.length).to.be.above(DEPENDENCIES.length);
    for (const from of paths) {
      cpSync(from, path.join(modules, path.relative(path.join(CHECKOUT, 'node_modules'), from)), {
        recursive: true,
      });
    }
    symlinkSync('../sluice/bin/run.js', path.join(modules, '.bin', 'sluice'));
  }
});
