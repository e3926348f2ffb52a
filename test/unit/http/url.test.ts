import { expect } from 'chai';
import type { SluiceError } from '../../../src/errors.js';
import { MAX_URL_CHARS, parseUserUrl } from '../../../src/http/url.js';
import { refusal } from './support.js';

const SCHEMES = 'Write a URL with one of http, https, hf, s3, gs, az.';

describe('http/url: parseUserUrl', () => {
  it('reads http and https', () => {
    const { url, userinfo } = parseUserUrl('  HTTPS://H.example:8443/a b?c=d e\n');
    expect(url.href).to.equal('https://h.example:8443/a%20b?c=d%20e');
    expect(userinfo).to.equal(null);
    expect(parseUserUrl('http://h').url.href).to.equal('http://h/');
    expect(parseUserUrl('http://h/?u=http:///x').url.href).to.equal('http://h/?u=http:///x');
  });

  it('P12: takes userinfo and fragment off the URL', () => {
    const { url, userinfo } = parseUserUrl('https://us%40er:p%3Aw%20@h/a?b#c');
    expect(url.href).to.equal('https://h/a?b');
    expect(userinfo).to.deep.equal({ user: 'us@er', password: 'p:w ' });
    expect(parseUserUrl('https://u@h/').userinfo).to.deep.equal({ user: 'u', password: '' });
    expect(parseUserUrl('https://:p@h/').userinfo).to.deep.equal({ user: '', password: 'p' });
    expect(parseUserUrl('https://@h/').userinfo).to.equal(null);
    expect(parseUserUrl('https://100%:%E9@h/').userinfo).to.deep.equal({
      user: '100%',
      password: '%E9',
    });
  });

  it('keeps a backslash in the query', () => {
    expect(parseUserUrl('https://h/?a\\b').url.search).to.equal('?a\\b');
    expect(parseUserUrl('https://h/#a\\b').url.href).to.equal('https://h/');
  });

  for (const [text, message, next] of [
    ['', 'empty', 'https://example.com/file'],
    ['  ', 'empty', 'https://example.com/file'],
    ['example.com/a?sig=1', 'no scheme', 'Did you mean https://example.com/a?<redacted>?'],
    ['example.com:8080/a', 'no scheme', 'Did you mean https://example.com:8080/a?'],
    ['//example.com/a', 'no scheme', 'Did you mean https://example.com/a?'],
    ['user:pw@example.com/a', 'no scheme', 'Did you mean https://example.com/a?'],
    ['h.example/?u=ftp://x/', 'no scheme', 'Did you mean https://h.example/?<redacted>?'],
    ['h.example/https://x', 'no scheme', 'Did you mean https://h.example/https://x?'],
    ['two words', 'no scheme', 'Write it with https:// in front.'],
    ['?', 'no scheme', 'Write it with https:// in front.'],
    ['https:/example.com/a', 'no host', 'Write it as https://host/path.'],
    ['http:example.com/a', 'no host', 'Write it as https://host/path.'],
    ['https:///a', 'no host', 'Write it as https://host/path.'],
    ['HTTP://?a', 'no host', 'Write it as https://host/path.'],
    ['ftp://h/a', 'ftp is not supported', SCHEMES],
    ['S3+x.y-z://h/a', 's3+x.y-z is not supported', SCHEMES],
    ['file:///etc/passwd', 'file is not supported', SCHEMES],
    ['s3://b/k', 'such as s3:// cannot stand here', '`get`, `info` and `resume --url`'],
    ['https://', 'not a valid URL', 'Check its host name and its port.'],
    ['https://h:99999/', 'not a valid URL', 'Check its host name and its port.'],
    ['https://h h/', 'not a valid URL', 'Check its host name and its port.'],
    ['https://h/a\nb', 'control character', 'Write it on one line.'],
    ['https://h/a\tb', 'control character', 'Write it on one line.'],
    ['https://h/\x7f', 'control character', 'Write it on one line.'],
    ['https://h/\x1fa', 'control character', 'Write it on one line.'],
    ['https://good.example\\@evil.example/', 'backslash', '%5C'],
    ['https:\\\\h\\a', 'backslash', '%5C'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const error = refusal(() => parseUserUrl(text), 'URL_INVALID');
      expect(error.message).to.contain(message);
      expect(error.details.next).to.contain(next);
    });
  }

  it('P26: is bounded: a host of combining marks takes the square of their number', () => {
    const long = `https://h/${'x'.repeat(MAX_URL_CHARS - 10)}`;
    const wide = `https://h/${'\xe9'.repeat(8_000)}`;
    expect(parseUserUrl(long).url.href).to.equal(long);
    expect(parseUserUrl(wide).url.href).to.have.lengthOf(10 + 6 * 8_000);
    const started = performance.now();
    for (const [text, most] of [
      [`${long}x`, 65_536],
      [`${wide}${'\xe9'.repeat(3_000)}`, 65_536],
      [`${wide}${'\xe9'.repeat(9_000)}`, 16_384],
      [`https://a${'\u0315\u0300'.repeat(1_000_000)}/`, 16_384],
      [`https://a${'%cc%95%cc%80'.repeat(1_000_000)}/`, 65_536],
    ] as const) {
      const error = refusal(() => parseUserUrl(text), 'URL_INVALID');
      expect(error.message).to.equal(`the URL is longer than ${most} characters`);
    }
    // What is just within takes its time, and not more.
    parseUserUrl(`https://a${'\u0315\u0300'.repeat(8_000)}/`);
    parseUserUrl(`https://a${'%cc%95%cc%80'.repeat(5_000)}/`);
    expect(performance.now() - started).to.be.below(5_000);
  });

  it('P12: shows no secret of what it refuses', () => {
    for (const text of [
      'CANARY:CANARY@h/?CANARY#CANARY',
      'h/?CANARY',
      'https://u:CANARY@h:99999/?CANARY',
      'ftp://u:CANARY@h/?CANARY',
      'https://u:CANARY@h\\?CANARY',
      'https:u:CANARY@h',
      'https://h/\x00?CANARY',
    ]) {
      const error = refusal(() => parseUserUrl(text), 'URL_INVALID');
      expect(JSON.stringify(error.toRecord())).to.not.contain('CANARY');
    }
  });
});

describe('http/url: what was typed', () => {
  for (const [text, shown] of [
    ['foo', 'foo'],
    ['example.org:8080/x', 'example.org:8080/x'],
    ['http://', 'http://'],
    ['http://[::1/x', 'http://[::1/x'],
    ['http://user:secret@/x', undefined],
    ['user:secret@host/x', undefined],
    ['http:///x?token=secret', undefined],
    ['user:secret', undefined],
  ] as const) {
    it(`P12: the error of ${text} shows ${shown ?? 'nothing of it'}`, () => {
      let url: string | undefined;
      try {
        parseUserUrl(text);
      } catch (thrown) {
        url = (thrown as SluiceError).details.url;
      }
      expect(url).to.equal(shown);
    });
  }
});
