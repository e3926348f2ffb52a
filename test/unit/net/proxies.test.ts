import { expect } from 'chai';
import { proxyRules } from '../../../src/app/proxies.js';
import { SluiceError } from '../../../src/errors.js';
import { exemption } from '../../../src/net/no-proxy.js';
import { chooseProxy, parseProxy } from '../../../src/net/proxies.js';

const parse = (text: string) => parseProxy({ text, from: '--proxy' });

function refusedWith(act: () => unknown): SluiceError {
  try {
    act();
  } catch (error) {
    expect(error).instanceOf(SluiceError);
    return error as SluiceError;
  }
  throw new Error('nothing was refused');
}

describe('net/proxies: what names a proxy', () => {
  for (const [text, kind, host, port] of [
    ['proxy.example:3128', 'http', 'proxy.example', 3128],
    ['http://proxy.example', 'http', 'proxy.example', 1080],
    ['http://proxy.example:80/', 'http', 'proxy.example', 80],
    ['HTTPS://Proxy.Example', 'https', 'proxy.example', 443],
    ['socks5://[2001:db8::1]:9', 'socks5', '2001:db8::1', 9],
    ['socks5h://127.0.0.1', 'socks5h', '127.0.0.1', 1080],
  ] as const)
    it(`reads ${text}`, () => {
      expect(parse(text)).deep.equal({ kind, host, port, user: null, from: '--proxy' });
    });

  it('decodes userinfo, and takes the last @ as its end', () => {
    expect(parse('http://us%40er:p%3Aw@rd@h:1').user).deep.equal({
      user: 'us@er',
      password: 'p:w@rd',
    });
    expect(parse('user@h').user).deep.equal({ user: 'user', password: '' });
  });

  for (const text of [
    'ftp://u:canary@h',
    'socks4://u:canary@h',
    'socks4a://u:canary@h',
    'socks://u:canary@h',
    'http://u:canary@',
    'http://u:canary@h:0',
    'http://u:canary@h:65536',
    'http://u:canary@h:80x',
    'http://u:canary@h h',
    'http://u%3Av:canary@h',
    'http://u:canary%0a@h',
    'socks5://u:@h',
    `socks5://u:canary${'x'.repeat(250)}@h`,
    `http://u:canary@${'h'.repeat(5000)}`,
  ])
    it(`P12: refuses ${text.slice(0, 30)} and does not repeat it`, () => {
      const error = refusedWith(() => parse(text));
      expect(error.code).equal('USAGE');
      const said = `${error.message} ${error.details.next}`;
      expect(said).contain('--proxy').and.not.contain('canary');
    });
});

describe('net/no-proxy: hosts without a proxy', () => {
  for (const [list, host, port, fits] of [
    ['example.org', 'example.org', 80, true],
    ['example.org', 'www.example.org', 80, true],
    ['example.org', 'notexample.org', 80, false],
    ['.example.org', 'example.org', 80, true],
    ['.example.org', 'a.b.example.org', 80, true],
    ['Example.ORG.', 'example.org', 80, true],
    ['example.org', 'EXAMPLE.org.', 80, true],
    ['www.example.org', 'example.org', 80, false],
    ['a.test, b.test', 'b.test', 80, true],
    ['a.test b.test', 'b.test', 80, true],
    ['*', 'anything', 80, true],
    ['', 'example.org', 80, false],
    ['.', 'example.org', 80, false],
    ['example.org:80', 'example.org', 80, true],
    ['example.org:80', 'example.org', 443, false],
    ['192.0.2.1', '192.0.2.1', 80, true],
    ['192.0.2.1', '192.0.2.10', 80, false],
    ['192.0.2.1:80', '192.0.2.1', 81, false],
    ['192.0.2.0/24', '192.0.2.77', 80, true],
    ['192.0.2.0/24', '192.0.3.77', 80, false],
    ['192.0.2.0/0', '203.0.113.9', 80, true],
    ['192.0.2.0/33', '192.0.2.0', 80, false],
    ['192.0.2.0/x', '192.0.2.0', 80, false],
    ['10.0.0.0/8', 'ten.example', 80, false],
    ['2.1', '192.0.2.1', 80, false],
    ['2001:db8::/32', '2001:db8:1::5', 80, true],
    ['[2001:db8::1]', '2001:db8::1', 80, true],
    ['[2001:db8::1]:80', '2001:db8::1', 81, false],
    ['2001:DB8:0::1', '2001:db8::1', 80, true],
    ['2001:db8::/32', '192.0.2.1', 80, false],
  ] as const)
    it(`${fits ? 'has' : 'does not have'} ${host}:${port} in "${list}"`, () => {
      expect(exemption(list, host, port) !== null).equal(fits);
    });
});

describe('app/proxies: the command line and the environment', () => {
  const choose = (
    given: { proxy?: string; noProxy?: string },
    env: Record<string, string>,
    url: string,
  ): string => {
    const { proxy, why } = chooseProxy(proxyRules(given, env), new URL(url));
    return `${proxy?.host ?? 'none'} ${why}`;
  };
  const [http, https] = ['http://example.org/', 'https://example.org/'];

  it('takes the variable of the scheme, in lower case first, and all_proxy for the rest', () => {
    const env = { https_proxy: 'a', HTTPS_PROXY: 'b', all_proxy: 'c' };
    expect(choose({}, env, https)).equal('a https_proxy');
    expect(choose({}, env, http)).equal('c all_proxy');
    expect(choose({}, { HTTPS_PROXY: 'b' }, https)).equal('b HTTPS_PROXY');
    expect(choose({}, { ALL_PROXY: 'b' }, http)).equal('b ALL_PROXY');
    expect(choose({}, { https_proxy: '', HTTPS_PROXY: 'b' }, https)).equal('b HTTPS_PROXY');
    expect(choose({}, {}, http)).equal('none null');
  });

  it('does not take HTTP_PROXY: in a CGI script that is what a stranger sent', () => {
    expect(choose({}, { HTTP_PROXY: 'a' }, http)).equal('none null');
    expect(choose({}, { http_proxy: 'a' }, http)).equal('a http_proxy');
  });

  it('lets the command line beat the environment', () => {
    const env = { http_proxy: 'a', no_proxy: 'example.org' };
    expect(choose({ proxy: 'b', noProxy: '' }, env, http)).equal('b --proxy');
    expect(choose({ proxy: '', noProxy: '' }, env, http)).equal('none --proxy is empty');
    expect(choose({ noProxy: 'example.net' }, env, http)).equal('a http_proxy');
    expect(choose({ proxy: 'b' }, env, http)).equal('none no_proxy has example.org');
    expect(choose({ proxy: 'b', noProxy: 'org' }, {}, http)).equal('none --no-proxy has org');
  });

  it('reads what a variable says only when it is needed', () => {
    expect(choose({}, { http_proxy: 'ftp://x' }, https)).equal('none null');
    expect(refusedWith(() => choose({}, { http_proxy: 'ftp://x' }, http)).code).equal('USAGE');
    expect(refusedWith(() => proxyRules({ proxy: 'ftp://x' }, {})).code).equal('USAGE');
  });
});
