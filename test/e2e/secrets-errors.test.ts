/** P12 at every way to fail: a dozen secrets go in at once, and every artefact is searched. */
import { expect } from 'chai';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect as show } from 'node:util';
import { download, inspect } from '../../src/index.js';
import { SluiceError } from '../../src/errors.js';
import { expectNoneOf } from '../helpers/canaries.js';
import { certificates } from '../helpers/certificates.js';
import { runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { together } from '../helpers/together.js';

const SECRETS = [
  ...['canary-one-uname', 'canary-two-upass', 'canary-three-query', 'canary-four-signature'],
  ...['canary-five-header', 'canary-six-cookie', 'canary-seven-referer', 'canary-eight-fragment'],
  ...['canary-nine-hopquery', 'canary-ten-hopuser', 'canary-eleven-hoppass'],
];
const [UNAME, UPASS, QUERY, SIGNATURE, HEADER, COOKIE, REFERER, FRAGMENT] = SECRETS;
const [HOP_QUERY, HOP_USER, HOP_PASS] = SECRETS.slice(8);
/** The journal has to ask the URLs again, with their queries. */
const IN_JOURNAL = [QUERY, SIGNATURE, HOP_QUERY];

const expectNone = (text: string, where: string, allowed: unknown[] = []): void =>
  expectNoneOf(SECRETS, text, where, allowed);

const HEADERS = [`X-Secret: ${HEADER}`, `Cookie: id=${COOKIE}`];
const REFERRER = `http://x.example/?r=${REFERER}`;

/** The URL with userinfo, a signed query and a fragment. */
const withSecrets = (url: string): string =>
  `${url.replace('//', `//${UNAME}:${UPASS}@`)}?token=${QUERY}&X-Amz-Signature=${SIGNATURE}#${FRAGMENT}`;

describe('e2e/secrets in errors', () => {
  const dir = tempDirPerTest();
  let origin: Origin;
  let secure: Origin;
  let ways: Record<string, string>;

  before(async () => {
    origin = await Origin.start({ size: 100_000 });
    secure = await Origin.start({ tls: (await certificates()).selfSigned });
    const closed = await Origin.start({ size: 1 });
    const route = (target: string, fault: Parameters<Origin['fault']>[0]['fault']): string => {
      const when = (request: { target: string }): boolean => request.target.startsWith(target);
      origin.fault({ when, fault, times: Infinity });
      return origin.server.url(target);
    };
    const hop = (to: string): string =>
      `${to.replace('//', `//${HOP_USER}:${HOP_PASS}@`)}?Signature=${HOP_QUERY}`;
    const redirect = (target: string, to: string): string =>
      route(target, { kind: 'redirect', location: hop(to) });
    ways = {
      'a name that does not exist': 'http://no-such-host.invalid/x',
      'a refused connection': closed.url,
      'a certificate that is not known': secure.url,
      'no TLS': origin.url.replace('http:', 'https:'),
      'a refusal': route('/404', { kind: 'status', status: 404 }),
      'a failing server': route('/500', { kind: 'status', status: 500 }),
      nonsense: route('/raw', { kind: 'raw', bytes: 'nonsense\r\n\r\n' }),
      'a circle': route('/loop', { kind: 'redirect', location: hop(origin.server.url('/loop')) }),
      'an encoded answer': route('/gzip', { kind: 'encoding', encoding: 'gzip' }),
      'a wrong range': route('/range', { kind: 'content-range', value: 'bytes 5-9/10' }),
      'a body that ends early': route('/early', { kind: 'early-end', at: 50_000 }),
      'a redirect to a refusal': redirect('/hop1', origin.server.url('/404')),
      'a redirect to nowhere': redirect('/hop2', closed.url),
      'a redirect to another scheme': redirect('/hop3', 'gopher://h/x'),
      'a redirect that is no URL': redirect('/hop4', 'http://[::1/x'),
      'a redirect to the file': redirect('/hop5', origin.url),
    };
    await closed.close();
  });
  after(async () => {
    await origin.close();
    await secure.close();
  });

  it('P12: no secret is in any artefact of any way to fail', async function () {
    this.timeout(400_000);
    const flags = [...HEADERS.flatMap((header) => ['-H', header]), '-e', REFERRER];
    const attempt = async ([what, url]: [string, string]): Promise<void> => {
      const cwd = mkdtempSync(path.join(dir(), 'way-'));
      for (const more of [
        ['get', '-v', '--json'],
        ['get', '--retries', '0'],
        ['info', '--json'],
      ]) {
        const [command = '', ...rest] = more;
        const args = [command, withSecrets(url), ...flags, ...rest, '--connect-timeout', '1'];
        if (command === 'get') args.push('--log-file', 'log', '--max-time', '1');
        const run = await runIn(cwd, args, { env: { DEBUG: '*', XDG_CONFIG_HOME: dir() } });
        expectNone(run.stdout + run.stderr, `the output of ${more.join(' ')}: ${what}`);
      }
    };
    // All at once would be so many processes that no other test gets on.
    await together(Object.entries(ways), ([what]) => what, attempt, 4);
    const files = readdirSync(dir(), { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile())) {
      const text = readFileSync(path.join(file.parentPath, file.name), 'latin1');
      expectNone(text, file.name, file.name.endsWith('.sluice') ? IN_JOURNAL : []);
    }
    expect(files.map(({ name }) => name)).to.include('log');
    // All of them were in play.
    const sent = origin.requests.map(({ head }) => head).join();
    for (const secret of [QUERY, SIGNATURE, HEADER, COOKIE, REFERER]) expect(sent).include(secret);
    expect(sent).include(Buffer.from(`${UNAME}:${UPASS}`).toString('base64'));
  });

  it('P12: nor in what the library says or throws', async function () {
    const deadlines = { connectMs: 1000, firstByteMs: 1000, stallMs: 1000 };
    const options = { headers: HEADERS, referer: REFERRER, retries: 0, maxTimeMs: 1000, deadlines };
    const attempt = async ([what, url]: [string, string]): Promise<void> => {
      const said: unknown[] = [];
      const cwd = mkdtempSync(path.join(dir(), 'way-'));
      const running = download(withSecrets(url), { ...options, dir: cwd });
      for await (const event of running) said.push(event, running.snapshot());
      try {
        said.push(await inspect(withSecrets(url), options));
      } catch (thrown) {
        expect(thrown, what).to.be.instanceOf(SluiceError);
        const error = thrown as SluiceError;
        said.push(error.toRecord(), error.stack, String(error), show(error.cause));
      }
      expectNone(JSON.stringify(said), what);
      expectNone(show(said, { depth: 9 }), what);
    };
    await Promise.all(Object.entries(ways).map(attempt));
  });
});
