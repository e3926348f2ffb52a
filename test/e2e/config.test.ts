/** The configuration, through the command. */
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expectStatus, requireReachable, requireRoot, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { ALICE } from '../helpers/users.js';

describe('e2e: the configuration', () => {
  const dir = tempDirPerTest();
  let origin: Origin;
  before(async () => {
    origin = await Origin.start({ size: 1000, path: '/f' });
  });
  after(() => origin.close());

  /** Writes the configuration of {@link run}. */
  function configure(document: unknown, mode = 0o600): string {
    const file = path.join(dir(), 'config', 'sluice', 'config.json');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(document, null, 1), { mode });
    chmodSync(file, mode);
    return file;
  }

  const run = (args: string[], env: Record<string, string> = {}, user?: number) =>
    runIn(dir(), args, {
      env: { XDG_CONFIG_HOME: path.join(dir(), 'config'), ...env },
      ...(user !== undefined && { user }),
    });

  it('info --config tells what is set for a URL, without secrets', async () => {
    const file = configure({
      hosts: { 'h.test': { bearer: 'SECRET', header: { 'X-Key': 'SECRET' } } },
    });
    const { stdout, stderr } = await run(['info', '--config', 'https://h.test/f']);
    expect(stdout).contain(`configuration: ${file}\nfor: https://h.test/f\n`);
    expect(stdout).match(/^bearer +\[redacted\] +hosts "h\.test", line 4$/m);
    expect(stdout).match(/^header +X-Key: \[redacted\] +hosts/m);
    expect(stdout + stderr).not.contain('SECRET');
    const json = await run(['info', '--config', '--json', '--no-config']);
    expect(JSON.parse(json.stdout)).include({ kind: 'config', file: null, url: null });
  });

  it('is what a download does, and -o and flags beat it', async () => {
    const { host } = new URL(origin.url);
    configure({
      dir: 'd',
      hosts: { [host]: { 'bearer-env': 'TOKEN', header: { 'X-Team': 'build' } } },
    });
    const ended = await run(['get', origin.url], { TOKEN: 'abc' });
    expectStatus(ended, 0);
    expect(existsSync(path.join(dir(), 'config', 'sluice', 'd', 'f'))).equal(true);
    expect(origin.requests.at(-1)?.fields).include({
      authorization: 'Bearer abc',
      'x-team': 'build',
    });
    expectStatus(await run(['get', '--no-config', '-o', 'g', origin.url]), 0);
    expect(origin.requests.at(-1)?.fields).not.have.any.keys('authorization', 'x-team');
    const other = path.join(dir(), 'other.json');
    writeFileSync(other, JSON.stringify({ 'user-agent': 'other/1' }), { mode: 0o644 });
    for (const words of [
      ['--config-file', other],
      ['--config', other],
    ])
      expectStatus(
        await run(['get', ...words, '--on-exists', 'overwrite', '-o', 'g', origin.url]),
        0,
      );
    expect(origin.requests.at(-1)?.fields['user-agent']).equal('other/1');
  });

  it('says what is wrong with it before anything is asked, as JSON too', async () => {
    const file = configure({ conections: 6 });
    const asked = origin.requests.length;
    const text = await run(['get', origin.url]);
    expectStatus(text, 2);
    expect(text.stderr).contain(`file: ${file}`).and.contain('Did you mean "connections"?');
    const json = await run(['get', '--json', origin.url]);
    expectStatus(json, 2);
    expect(json.events).have.lengthOf(1);
    expect(json.events[0]).include({ type: 'error', code: 'CONFIG_INVALID', path: file });
    const info = await run(['info', '--json', origin.url]);
    expect(JSON.parse(info.stdout)).include({ kind: 'error', code: 'CONFIG_INVALID' });
    expect(origin.requests.length).equal(asked);
    const missing = await run(['get', '--config-file', 'none.json', origin.url]);
    expectStatus(missing, 2);
    expect(missing.stderr).contain('there is no such file');
  });

  it('P25: is not used where others may have written it; the command that is told mends it', async () => {
    const file = configure({ connections: 3 }, 0o666);
    const ended = await run(['info', '--config']);
    expectStatus(ended, 2);
    expect(ended.stderr).contain(`chmod go-w ${file}`);
    const [, command = ''] = /`(chmod .*)`/.exec(ended.stderr) ?? [];
    expect(spawnSync('sh', ['-c', command]).status).equal(0);
    expectStatus(await run(['info', '--config']), 0);
    configure({ hosts: { h: { bearer: 'SECRET' } } }, 0o640);
    const exposed = await run(['info', '--config']);
    expectStatus(exposed, 2);
    expect(exposed.stderr).contain(`chmod 600 ${file}`).and.not.contain('SECRET');
  });

  it('may be a link of the user to their own file', async () => {
    const file = configure({});
    const real = path.join(dir(), 'dotfiles.json');
    writeFileSync(real, '{"jobs": 7}', { mode: 0o644 });
    const moved = path.join(dir(), 'linked', 'sluice');
    mkdirSync(moved, { recursive: true });
    symlinkSync(real, path.join(moved, path.basename(file)));
    const env = { XDG_CONFIG_HOME: path.join(dir(), 'linked') };
    const { stdout } = await run(['info', '--config'], env);
    expect(stdout).match(/^jobs +7 +line 1$/m);
  });

  it("P25: another user's is not used, and that is said", async function () {
    requireRoot(this);
    requireReachable(this);
    configure({ connections: 3 }, 0o644);
    chmodSync(dir(), 0o755);
    chownSync(path.join(dir(), 'config', 'sluice', 'config.json'), ALICE + 1, ALICE + 1);
    const ended = await run(['info', '--config'], {}, ALICE);
    expectStatus(ended, 0);
    expect(ended.stderr).match(/belongs to the user with uid \d+ and is not used/);
    expect(ended.stdout).match(/^connections +auto +default$/m);
  });

  it('what is wrong with a command line is JSON under --json', async () => {
    for (const words of [['get', '--jsno'], ['gte'], ['resume', '--jobs', 'x']]) {
      const ended = await run([...words, '--json']);
      expectStatus(ended, 2);
      expect(ended.events).have.lengthOf(1);
      expect(ended.events[0]).include({ type: 'error', code: 'USAGE', exitStatus: 2 });
      expect(ended.stderr).equal('');
    }
    const info = await run(['info', '--json', '--nope']);
    expect(JSON.parse(info.stdout)).include({ kind: 'error', code: 'USAGE' });
    const argument = await run(['get', '--', '--json']);
    expect(argument.stdout).equal('');
  });
});
