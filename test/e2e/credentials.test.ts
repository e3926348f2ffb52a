/** Who one is: the command line, the environment and a netrc file; beside curl. */
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';

describe('e2e: credentials', () => {
  const dir = tempDirPerTest();
  let origin: Origin;

  beforeEach(async () => {
    origin = await Origin.start({ size: 1000, path: '/f' });
  });
  afterEach(() => origin.close());

  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const last = (): string | undefined => origin.requests.at(-1)?.fields['authorization'];

  /** Authorization that the server got. */
  async function sent(
    args: string[],
    env: Record<string, string> = {},
  ): Promise<string | undefined> {
    const run = await runIn(dir(), ['get', '--on-exists', 'overwrite', '-o', 'f', ...args], {
      env,
    });
    expectStatus(run, 0);
    return last();
  }

  it('SLUICE_USER and SLUICE_BEARER give way to what is given', async () => {
    const forUser = { SLUICE_USER: 'e:e1', SLUICE_USER_HOST: '127.0.0.1' };
    const env = { ...forUser, SLUICE_BEARER: 'token', SLUICE_BEARER_HOST: '127.0.0.1' };
    const { url } = origin;
    expect(await sent([url], env)).equal('Bearer token');
    expect(await sent([url], forUser)).equal(basic('e:e1'));
    expect(await sent([url, '-u', 'a:b'], env)).equal(basic('a:b'));
    expect(await sent([url, '-H', 'Authorization: Own x'], env)).equal('Own x');
    expect(await sent([url.replace('//', '//c:d@')], env)).equal(basic('c:d'));
    expect(await sent([url, '-u', 'a:b', '-H', 'Authorization: Own x'])).equal('Own x');
  });

  it('P11: a variable is for its host only, and has to name it', async () => {
    const { url } = origin;
    const { port } = new URL(url);
    const of = (host: string) => ({ SLUICE_BEARER: 'token', SLUICE_BEARER_HOST: host });
    expect(await sent([url], of(`127.0.0.1:${port}`))).equal('Bearer token');
    expect(await sent([url], of('other.test'))).equal(undefined);
    expect(await sent([url], of('127.0.0.1:1'))).equal(undefined);
    const run = await runIn(dir(), ['get', url], { env: { SLUICE_BEARER: 'token' } });
    expectStatus(run, 2);
    expect(run.stderr).contain('SLUICE_BEARER_HOST=HOST').and.not.contain('token');
  });

  const files: Array<[what: string, text: string]> = [
    ['one line', 'machine 127.0.0.1 login u password p\n'],
    ['lines', 'machine other\nlogin x\npassword y\nmachine 127.0.0.1\nlogin u\npassword p\n'],
    ['default', 'machine other login x password y\ndefault login u password p\n'],
    ['quotes', 'machine 127.0.0.1 login "u v" password "p \\"q\\" \\\\ #"\n'],
    ['a comment', '# default login x password y\nmachine 127.0.0.1 login u password p\n'],
    [
      'a macro',
      'macdef m\nmachine 127.0.0.1 login x password y\n\nmachine 127.0.0.1 login u password p\n',
    ],
    ['nobody', 'machine other login u password p\n'],
    ['two logins', 'machine 127.0.0.1 login u password p\nmachine 127.0.0.1 login v password q\n'],
  ];
  for (const [what, text] of files)
    it(`reads a netrc as curl does: ${what}`, async () => {
      const file = path.join(dir(), 'netrc');
      writeFileSync(file, text);
      for (const userinfo of ['', 'v@']) {
        const url = origin.url.replace('//', `//${userinfo}`);
        const args = ['-s', '-o', '/dev/null', '--netrc-optional', '--netrc-file', file, url];
        await promisify(execFile)('curl', args);
        const theirs = last();
        if (what === 'nobody' || userinfo === '' || what === 'two logins')
          expect(await sent([url, '--netrc-file', file])).equal(theirs);
      }
    });

  it('--netrc reads ~/.netrc, and goes without where it says nothing', async () => {
    const home = path.join(dir(), 'home');
    mkdirSync(home);
    writeFileSync(path.join(home, '.netrc'), 'machine 127.0.0.1 login u password p\n');
    expect(await sent([origin.url, '--netrc'], { HOME: home })).equal(basic('u:p'));
    expect(await sent([origin.url], { HOME: home })).equal(undefined);
  });

  it('P12: a netrc that cannot be read is told, without what it says', async () => {
    const file = path.join(dir(), 'netrc');
    const missing = await runIn(dir(), ['get', origin.url, '--netrc-file', file]);
    expectStatus(missing, 2);
    expect(missing.stderr).contain('CREDENTIALS_FILE').and.contain(file);
    writeFileSync(file, 'machine 127.0.0.1\nlogin u canary-password\n');
    const wrong = await runIn(dir(), ['get', origin.url, '--netrc-file', file, '-v']);
    expectStatus(wrong, 2);
    expect(wrong.stderr).contain('line 2').and.not.contain('canary');
    expect(filesIn(dir())).deep.equal(['netrc']);
  });

  it('P12: no password of a netrc is shown', async () => {
    const file = path.join(dir(), 'netrc');
    writeFileSync(file, 'machine 127.0.0.1 login canary-login password canary-password\n');
    origin.fault({ times: Infinity, fault: { kind: 'status', status: 403 } });
    const run = await runIn(dir(), ['get', origin.url, '--netrc-file', file, '-v', '--json']);
    expectStatus(run, 6);
    expect(last()).equal(basic('canary-login:canary-password'));
    expect(run.stdout + run.stderr)
      .not.contain('canary')
      .and.not.contain('Y2FuYXJ5');
  });
});
