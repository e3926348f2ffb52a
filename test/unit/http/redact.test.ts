import { expect } from 'chai';
import fc from 'fast-check';
import { escapeControl, redactUrl, redactWords } from '../../../src/http/redact.js';

describe('http/redact: P12: redactUrl', () => {
  for (const [text, shown] of [
    ['https://h/a/b', 'https://h/a/b'],
    ['https://u:p@h:8443/a?sig=1&x#frag', 'https://h:8443/a?<redacted>'],
    ['https://u@h', 'https://h/'],
    ['https://h/a?', 'https://h/a'],
    ['https://h/a#secret', 'https://h/a'],
    ['ftp://u:p@h/a;type=i', 'ftp://h/a;type=i'],
    ['socks5://u:p@h:1080', 'socks5://h:1080'],
    ['HTTPS:u:p@h/x', 'https://h/x'],
    ['https://h/\u202e\x1bx', 'https://h/%E2%80%AE%1Bx'],
    ['user:secret@host/x', '<URL not shown>'],
    ['mailto:secret@host', '<URL not shown>'],
    ['h.example/a?sig=1', '<URL not shown>'],
    ['h.example:443/a?sig=1', '<URL not shown>'],
    ['https://u:p@h:99999/', '<URL not shown>'],
    ['file:///secret', '<URL not shown>'],
    ['', '<URL not shown>'],
  ] as const) {
    it(`shows ${JSON.stringify(text)} as ${shown}`, () => {
      expect(redactUrl(text)).to.equal(shown);
    });
  }

  it('takes a URL, and leaves it alone', () => {
    const url = new URL('https://u:p@h/a?b#c');
    expect(redactUrl(url)).to.equal('https://h/a?<redacted>');
    expect(url.href).to.equal('https://u:p@h/a?b#c');
  });

  it('never throws, and never shows a canary', () => {
    const secret = 'CANARY';
    const piece = fc.constantFrom(
      'http',
      'https',
      ':',
      '/',
      '//',
      '@',
      '#',
      '\\',
      'h',
      '\n',
      '%',
      '[',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.constantFrom('?', '#'), (parts, mark) => {
        const shown = redactUrl(`${parts.join('')}${mark}${secret}`);
        expect(shown).to.not.contain(secret);
        expect(shown).to.equal(escapeControl(shown));
      }),
      { numRuns: 500 },
    );
  });
});

describe('http/redact: P12: redactWords', () => {
  for (const [text, shown] of [
    ['nothing in it', 'nothing in it'],
    ['Unexpected: https://u:p@h/a?b=c and x', 'Unexpected: https://h/a?<redacted> and x'],
    ['u:p@h, md5:http://u:p@h/', '<URL not shown> <URL not shown>'],
    ['--sync=http://h/?s', '<URL not shown>'],
    ['@list\nhttp://h/#f', '<URL not shown>\nhttp://h/'],
  ] as const) {
    it(`shows ${JSON.stringify(text)} as ${JSON.stringify(shown)}`, () => {
      expect(redactWords(text)).to.equal(shown);
    });
  }
});

describe('http/redact: P14: escapeControl', () => {
  for (const [text, shown] of [
    ['plain text, \u00e9 \u20ac \u{1f600} \\ "', 'plain text, \u00e9 \u20ac \u{1f600} \\ "'],
    ['a\x1b[2Jb', 'a\\x1b[2Jb'],
    ['\x00\x07\t\n\r\x1f', '\\x00\\x07\\x09\\x0a\\x0d\\x1f'],
    ['\x7f\x80\x9b\x9f\xad', '\\x7f\\x80\\x9b\\x9f\\xad'],
    ['\u0085\u061c\u200e\u202e\u2066', '\\x85\\u061c\\u200e\\u202e\\u2066'],
    ['\u200b\u2028\u2029\ufeff', '\\u200b\\u2028\\u2029\\ufeff'],
    ['\ud800x\udfff', '\\ud800x\\udfff'],
    ['\u{e0001}', '\\u{e0001}'],
    ['', ''],
  ] as const) {
    it(`shows ${JSON.stringify(text)}`, () => {
      expect(escapeControl(text)).to.equal(shown);
    });
  }
});
