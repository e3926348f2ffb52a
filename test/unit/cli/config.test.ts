/** The configuration: what it may say, and what counts where several say something. */
import { expect } from 'chai';
import { loadConfig } from '../../../src/cli/config/load.js';
import { applied } from '../../../src/cli/config/apply.js';
import type { Saying } from '../../../src/cli/config/keys.js';
import { configReport } from '../../../src/cli/config/show.js';
import { KEY_NAMES, scopeOf } from '../../../src/cli/config/keys.js';
import { downloadOptions } from '../../../src/cli/options.js';
import { SluiceError } from '../../../src/errors.js';
import type { SharedValues } from '../../../src/cli/flags.js';
import { hostBounds, valuesFor, withHostOptions } from '../../../src/open/host-sections.js';
import { COMMANDS } from '../../../src/commands/index.js';
import { parse } from '@oclif/core/parser';

const FILE = '/home/u/.config/sluice/config.json';

const load = (document: unknown) => {
  const text = typeof document === 'string' ? document : JSON.stringify(document, null, 1);
  return loadConfig({ path: FILE, text, isReadable: false });
};

function refusal(document: unknown): SluiceError {
  try {
    load(document);
  } catch (thrown) {
    return SluiceError.from(thrown);
  }
  throw new Error('it is taken');
}

/** What a command line and a configuration make together. */
async function together(document: unknown, ...words: string[]) {
  const { args, flags, strict } = COMMANDS.get;
  const parsed = await parse(words, { args, flags, strict });
  const said = new Map<string, Saying>();
  for (const token of parsed.raw) if (token.type === 'flag') said.set(token.flag, 'flag');
  return applied(parsed.flags as unknown as SharedValues, said, load(document));
}

/** The options of a download of a URL. */
async function optionsOf(url: string, document: unknown, ...words: string[]) {
  const settled = await together(document, ...words);
  return withHostOptions({ ...downloadOptions(settled.values, settled), url });
}

const at = (host: string, port = 443) => ({ host, port });

describe('the configuration', () => {
  const wrong: Array<[document: unknown, message: string, next: string]> = [
    ['{"jobs": 3', 'line 1: a comma or }', 'sluice help configuration'],
    [
      '{\n\n"conections": 3}',
      'line 3: there is no key "conections"',
      'Did you mean "connections"?',
    ],
    [{ hosts: { a: { conections: 3 } } }, 'line 4: there is no key', 'Did you mean "connections"?'],
    [{ host: {} }, 'there is no key "host"', 'Did you mean "hosts"?'],
    [{ output: 'f' }, 'there is no key "output"', 'sluice help configuration'],
    [{ connections: 65 }, '"connections" takes 1 to 64 or auto, not 65', 'sluice help'],
    [{ connections: [3] }, '"connections" takes a text', 'sluice help configuration'],
    [{ jobs: 0 }, '"jobs" takes 1 to', 'sluice help configuration'],
    [{ lanes: 'yes' }, '"lanes" takes true or false', 'sluice help configuration'],
    [{ sync: 'never' }, '"sync" takes auto, full, none, not never', 'sluice help configuration'],
    [{ 'stall-timeout': 'soon' }, '"stall-timeout" takes a time such as', 'sluice help'],
    [{ 'limit-rate': 'fast' }, '"limit-rate" takes bytes per second', 'sluice help'],
    [{ proxy: 'ftp://h' }, 'the proxy in "proxy" cannot be used', 'Write it as http://HOST'],
    [{ bearer: 't' }, '"bearer" is for one host only', '{"hosts": {"example.org": {"bearer"'],
    [{ hosts: { h: { jobs: 3 } } }, '"jobs" is for all hosts', 'outside of "hosts"'],
    [{ hosts: { 'http://h/': {} } }, 'line 3: a URL is no host', 'Write "example.org"'],
    [{ hosts: { h: {}, H: {} } }, 'the host H is there twice', 'sluice help'],
    [{ hosts: { h: { user: 'me' } } }, '"user" takes USER:PASSWORD', 'USER:'],
    [{ hosts: { h: { header: ['X'] } } }, 'a header has no colon', 'Name: value'],
    [{ hosts: { h: { header: { Range: 'x' } } } }, 'Range cannot be set', 'how ranges are'],
    [{ hosts: { h: { 'bearer-env': '$X' } } }, 'the name of a variable', 'sluice help'],
    [[], 'line 1: the document has to be an object', 'sluice help'],
  ];
  for (const [document, message, next] of wrong)
    it(`says what is wrong, where, and what to do: ${JSON.stringify(document)}`, () => {
      const { code, message: said, details } = refusal(document);
      expect([code, details.path]).deep.equal(['CONFIG_INVALID', FILE]);
      expect(said).contain(message);
      expect(said).match(/line \d+/);
      expect(details.next).contain(next);
    });

  it('P12: quotes no secret', () => {
    for (const text of [
      '{"hosts": {"h": {"bearer": "SECRET" "x": 1}}}',
      '{"hosts": {"h": {"user": "SECRET"}}}',
      '{"hosts": {"h": {"header": {"X": "SECRET\\u0001"}}}}',
      '{"proxy": "ftp://a:SECRET@h"}',
      '{"hosts": {"u:SECRET@h/": {}}}',
    ])
      expect(refusal(text).message).not.contain('SECRET');
  });

  it('secrets that others may read are refused; what is none may be read', () => {
    const readable = (document: unknown) =>
      loadConfig({ path: FILE, text: JSON.stringify(document), isReadable: true });
    for (const section of [{ bearer: 't' }, { user: 'a:b' }, { header: { A: 'b' } }])
      expect(() => readable({ hosts: { h: section } })).throw('is a secret');
    expect(() => readable({ proxy: 'http://a:b@h' })).throw('is a secret');
    readable({ proxy: 'http://h', connections: 4, hosts: { h: { 'bearer-env': 'TOKEN' } } });
  });

  it('a flag beats the section of a host, that what is set for all, and that the default', async () => {
    const document = {
      connections: 6,
      'stall-timeout': 9,
      hosts: { 'h.test': { connections: 2 }, '*.test': { connections: 3, retries: 0 } },
    };
    const of = async (host: string, ...words: string[]) => {
      const options = await optionsOf(`https://${host}/f`, document, ...words);
      return [options.connections, options.retries, options.deadlines.stallMs];
    };
    expect(await of('h.test')).deep.equal([2, 0, 9000]);
    expect(await of('g.test')).deep.equal([3, 0, 9000]);
    expect(await of('test')).deep.equal([6, 5, 9000]);
    expect(await of('h.test', '-n', '5', '--retries', '7')).deep.equal([5, 7, 9000]);
    expect(await of('h.test', '--stall-timeout', '1')).deep.equal([2, 0, 1000]);
  });

  it('none in the section of a host takes back what is set for all', async () => {
    const all = { 'low-speed': '1k:5s', 'max-time': 9 };
    const document = { ...all, hosts: { 'h.test': { 'low-speed': 'none', 'max-time': 'none' } } };
    const of = async (host: string) => {
      const { deadlines, maxTimeMs } = await optionsOf(`https://${host}/f`, document);
      return [deadlines.lowSpeed, maxTimeMs];
    };
    expect(await of('h.test')).deep.equal([undefined, null]);
    expect(await of('g.test')).deep.equal([{ bytesPerSecond: 1024, ms: 5000 }, 9000]);
  });

  it('the closest section counts, each key for itself; a port is a part of the host', async () => {
    const { sections } = await together({
      'user-agent': 'all',
      hosts: {
        '*.example.org': { 'user-agent': 'below', header: { A: '1', B: '1' }, 'per-host': 3 },
        'a.example.org': { header: { b: '2' } },
        'a.example.org:8443': { 'user-agent': 'port' },
        '[::1]': { 'user-agent': 'six' },
      },
    });
    const of = (host: string, port?: number) => valuesFor(sections, at(host, port));
    expect(of('example.org').userAgent).equal('all');
    expect(of('xexample.org').userAgent).equal('all');
    expect(of('a.example.org').userAgent).equal('below');
    expect(of('a.example.org', 8443).userAgent).equal('port');
    expect(of('a.example.org').headers).deep.equal(['b: 2', 'A: 1']);
    expect(of('::1').userAgent).equal('six');
    const bound = hostBounds(sections);
    expect(bound?.(at('a.example.org'))).deep.equal({ perHost: 3, isStrict: true });
    expect(bound?.(at('example.org'))).equal(null);
  });

  it('what goes together is said together, and can be taken back', async () => {
    const document = { ipv4: true, netrc: true, 'limit-rate': '5M', 'max-time': '1h' };
    const values = async (...words: string[]) => {
      const { values: found } = await together(document, ...words);
      return found as unknown as Record<string, unknown>;
    };
    expect(await values()).deep.include({ ipv4: true, netrc: true, 'limit-rate': '5M' });
    expect(await values('-6')).deep.include({ ipv4: false, ipv6: true });
    expect(await values('--netrc-file', 'f')).deep.include({ netrc: false, 'netrc-file': 'f' });
    expect(await values('--no-netrc')).deep.include({ netrc: false });
    const options = await optionsOf('http://h/', { 'limit-rate': '5M', 'max-time': '1h' });
    expect([options.rateLimit?.bytesPerSecond, options.maxTimeMs]).deep.equal([5 << 20, 3.6e6]);
    const none = ['--limit-rate', 'none', '--max-time', 'none'];
    const free = await optionsOf('http://h/', { 'limit-rate': '5M', 'max-time': '1h' }, ...none);
    expect([free.rateLimit, free.maxTimeMs]).deep.equal([null, null]);
  });

  it('paths count from the home directory and from that of the configuration', async () => {
    const { values } = await together({ dir: 'd', 'log-file': '~/l', 'cookie-file': '/c' });
    expect(values['log-file']).equal(`${process.env['HOME']}/l`);
    expect(values['cookie-file']).equal('/c');
    expect((values as unknown as { dir: string }).dir).equal('/home/u/.config/sluice/d');
  });

  it('a proxy of a host is for it whatever is set for others; the command line beats it', async () => {
    const document = {
      proxy: 'http://all:1',
      'no-proxy': 'h.test',
      hosts: { 'h.test': { proxy: 'http://own:2' }, 'direct.test': { proxy: '' } },
    };
    const of = async (host: string, ...words: string[]) => {
      const settled = await together(document, ...words);
      const { proxies, sections } = downloadOptions(settled.values, settled);
      return valuesFor(sections, at(host)).proxies ?? proxies;
    };
    expect(await of('other.test')).nested.include({
      'https.text': 'http://all:1',
      'https.from': `"proxy" in ${FILE}`,
      'except.text': 'h.test',
      'except.from': `"no-proxy" in ${FILE}`,
    });
    expect(await of('h.test'))
      .deep.include({ except: null })
      .nested.include({ 'http.text': 'http://own:2' });
    expect(await of('direct.test')).nested.include({ 'http.text': '' });
    expect(await of('h.test', '-x', 'http://said:3')).nested.include({
      'http.text': 'http://said:3',
    });
    expect(await of('h.test', '--no-proxy', '*')).nested.include({
      'http.text': 'http://own:2',
      'except.text': '*',
    });
  });

  it('a variable that is named and not set is told when its host is asked, not before', async () => {
    const document = { hosts: { 'h.test': { 'bearer-env': 'SLUICE_TEST_NONE' } } };
    const { sections } = await together(document);
    expect(valuesFor(sections, at('g.test')).bearer).equal(undefined);
    expect(() => valuesFor(sections, at('h.test'))).throw('SLUICE_TEST_NONE, which is not set');
    const said = await together(document, '--bearer', 'b');
    expect(valuesFor(said.sections, at('h.test')).bearer).equal(undefined);
  });

  it('is told for a URL, each value with where it comes from', async () => {
    const document = {
      connections: 6,
      hosts: { 'h.test': { connections: 2, 'user-env': 'ME', proxy: 'http://u:SECRET@p:1' } },
    };
    const of = async (key: string, url: string | null, said: Array<[string, Saying]> = []) => {
      const settled = await together(document);
      const values = { ...settled.values, connections: '5' };
      const reread = () => Promise.resolve(null);
      const whole = {
        ...settled,
        values,
        configuration: load(document),
        said: new Map(said),
        reread,
      };
      const found = configReport(whole, url).values.find(({ name }) => name === key);
      return found && [found.value, found.source, found.from, found.line];
    };
    const url = 'https://h.test/f';
    const place = 'hosts "h.test"';
    expect(await of('connections', null)).deep.equal(['6', 'general', null, 2]);
    expect(await of('connections', url)).deep.equal(['2', 'host', place, 5]);
    expect(await of('user', url)).deep.equal(['$ME', 'host', place, 6]);
    expect(await of('proxy', url)).deep.equal(['http://p:1', 'host', place, 7]);
    expect(await of('retries', url)).deep.equal([5, 'default', null, null]);
    expect(await of('connections', url, [['connections', 'flag']])).deep.equal([
      '5',
      'flag',
      '--connections',
      null,
    ]);
    expect(await of('connections', url, [['connections', 'environment']])).deep.equal([
      '5',
      'environment',
      'SLUICE_CONNECTIONS',
      null,
    ]);
    let refused = '';
    await of('retries', 'other.json').catch((thrown: Error) => (refused = thrown.message));
    expect(refused).contain('takes the URL of a download');
  });

  it('has a scope for every key, and every key is a flag or names a variable', () => {
    for (const key of KEY_NAMES) expect(scopeOf(key), key).oneOf(['general', 'any', 'host']);
    for (const key of ['toString', '__proto__', 'output', 'json'])
      expect(scopeOf(key)).equal(undefined);
  });
});
