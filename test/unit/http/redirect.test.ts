import { expect } from 'chai';
import {
  MAX_REDIRECTS,
  isRedirect,
  resolveRedirect,
  sameOrigin,
} from '../../../src/http/redirect.js';
import { headOf, refusal } from './support.js';

function resolve(from: string, location: string | string[], allowDowngrade = false): string {
  const base = new URL(from);
  const to = resolveRedirect(base, headOf({ location }, 302), { allowDowngrade });
  expect(base.href, 'the URL that it came from is left alone').to.equal(new URL(from).href);
  return to.href;
}

describe('http/redirect: isRedirect', () => {
  it('is so for 301, 302, 303, 307 and 308', () => {
    const all = Array.from({ length: 500 }, (_, i) => i + 100);
    const statuses = all.filter((status) => isRedirect(headOf({}, status)));
    expect(statuses).to.deep.equal([301, 302, 303, 307, 308]);
    expect(MAX_REDIRECTS).to.equal(10);
  });

  it('is so for 300 where one of the choices is named', () => {
    expect(isRedirect(headOf({ location: '/x' }, 300))).to.equal(true);
    expect(isRedirect(headOf({ location: '/x' }, 304))).to.equal(false);
    expect(isRedirect(headOf({ location: '/x' }, 201))).to.equal(false);
  });
});

describe('http/redirect: resolveRedirect', () => {
  const from = 'https://a.example/dir/file?q';

  it('resolves absolute and relative references', () => {
    expect(resolve(from, 'https://b.example:8443/x?y')).to.equal('https://b.example:8443/x?y');
    expect(resolve(from, '/x')).to.equal('https://a.example/x');
    expect(resolve(from, 'x')).to.equal('https://a.example/dir/x');
    expect(resolve(from, '../x')).to.equal('https://a.example/x');
    expect(resolve(from, '?z')).to.equal('https://a.example/dir/file?z');
    expect(resolve(from, '//b.example/x')).to.equal('https://b.example/x');
    expect(resolve('http://a.example/', 'https://a.example/')).to.equal('https://a.example/');
    expect(resolve('http://a.example/', 'http://b.example/')).to.equal('http://b.example/');
  });

  it('passes the fragment on, unless Location has its own (RFC 9110 §10.2.2)', () => {
    expect(resolve(`${from}#f`, '/x')).to.equal('https://a.example/x#f');
    expect(resolve(`${from}#f`, '/x#g')).to.equal('https://a.example/x#g');
    expect(new URL(resolve(`${from}#f`, '/x#')).hash).to.equal('');
  });

  it('P11: never takes credentials from a server', () => {
    expect(resolve(from, 'https://u:p@b.example/x')).to.equal('https://b.example/x');
    expect(resolve(from, '//u@b.example/x')).to.equal('https://b.example/x');
    expect(resolve('https://u:p@a.example/', '/x')).to.equal('https://a.example/x');
  });

  it('percent-encodes raw bytes as they are, UTF-8 and latin1', () => {
    const utf8 = Buffer.from('/\u00e9\u20ac').toString('latin1');
    expect(resolve(from, utf8)).to.equal('https://a.example/%C3%A9%E2%82%AC');
    expect(resolve(from, '/\xe9\x80')).to.equal('https://a.example/%E9%80');
    expect(resolve(from, '/?\xff')).to.equal('https://a.example/?%FF');
    expect(resolve(from, '/a b%20c')).to.equal('https://a.example/a%20b%20c');
    const host = Buffer.from('https://\u00e9.example/').toString('latin1');
    expect(resolve(from, host)).to.equal('https://xn--9ca.example/');
  });

  it('takes a Location that is there twice with the same value', () => {
    expect(resolve(from, ['/x', '/x'])).to.equal('https://a.example/x');
  });

  it('P11: goes from https to http only when that is allowed', () => {
    const error = refusal(() => resolve(from, 'http://b.example/x?sig=1'), 'REDIRECT_DOWNGRADE');
    expect(error.details).to.deep.equal({
      url: 'https://a.example/dir/file?<redacted>',
      httpStatus: 302,
      next: 'Ask for a URL that stays on https, or take the risk with --allow-downgrade.',
    });
    expect(error.message).to.contain('http://b.example/x').and.not.contain('sig');
    expect(resolve(from, 'http://b.example/x', true)).to.equal('http://b.example/x');
  });

  for (const [what, location] of [
    ['an empty Location', ''],
    ['two different ones', ['/x', '/y']],
    ['no URL', 'https://'],
    ['a bad port', 'https://b:99999/'],
    ['ftp', 'ftp://b.example/x'],
    ['file', 'file:///etc/passwd'],
    ['data', 'data:text/plain,x'],
    ['javascript', 'javascript:1'],
    ['a tab', '/a\tb'],
    ['a line break', '/a\nb'],
    ['NUL', '/a\x00'],
    ['US', '/a\x1fb'],
    ['DEL', '/a\x7f'],
    ['P26: a URL beyond its bound', `https://a${'\xcc\x95\xcc\x80'.repeat(5_000)}/`],
  ] as const) {
    it(`refuses ${what}`, () => {
      const error = refusal(
        () => resolve(from, typeof location === 'string' ? location : [...location]),
        'REDIRECT_INVALID',
      );
      expect(error.details.httpStatus).to.equal(302);
      expect(error.details.url).to.equal('https://a.example/dir/file?<redacted>');
    });
  }

  it('P26: refuses what many relative ones have made too long', () => {
    let url = from;
    const step = (): string => (url = resolve(url, `${'a'.repeat(20_000)}/`));
    step();
    step();
    step();
    expect(url).to.have.length.below(65_536);
    const error = refusal(step, 'REDIRECT_INVALID');
    expect(error.message).to.equal('the redirect leads to a URL of more than 65536 characters');
  });

  it('says in which region the bucket is, where S3 says nothing else', () => {
    const head = headOf({ 'x-amz-bucket-region': 'eu-west-1' }, 301);
    const run = () => resolveRedirect(new URL(from), head, { allowDowngrade: true });
    const error = refusal(run, 'REDIRECT_INVALID');
    expect(error.message).to.equal('the bucket is in another region: eu-west-1');
    expect(error.details.next).to.contain('AWS_REGION=eu-west-1');
  });

  it('refuses no Location at all', () => {
    const run = () => resolveRedirect(new URL(from), headOf({}, 301), { allowDowngrade: true });
    refusal(run, 'REDIRECT_INVALID');
  });
});

describe('http/redirect: P11: sameOrigin', () => {
  const same = (a: string, b: string) => sameOrigin(new URL(a), new URL(b));

  it('needs scheme, host and port', () => {
    expect(same('https://h/a?b#c', 'https://u:p@H:443/x')).to.equal(true);
    expect(same('http://h/', 'https://h/')).to.equal(false);
    expect(same('http://h:443/', 'https://h:443/')).to.equal(false);
    expect(same('https://h/', 'https://h:444/')).to.equal(false);
    expect(same('https://h/', 'https://h2/')).to.equal(false);
    expect(same('https://h.example/', 'https://x.h.example/')).to.equal(false);
  });
});
