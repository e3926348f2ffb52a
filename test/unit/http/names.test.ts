import { expect } from 'chai';
import { MAX_NAME_BYTES, chooseName, nameFromUrl, safeName } from '../../../src/http/names.js';
import { Fields } from '../../../src/http/head.js';
import { headOf } from './support.js';

describe('http/names: P13: safeName', () => {
  const cases: Array<[what: string, suggested: string, name: string | null]> = [
    ['keeps a good name', 'debian-12.iso', 'debian-12.iso'],
    ['keeps inner dots, dashes and spaces', 'a - b..c .iso', 'a - b..c .iso'],
    ['takes the last component', '/etc/passwd', 'passwd'],
    ['takes the last component of Windows', 'C:\\dir\\a.exe', 'a.exe'],
    ['takes the last of mixed ones', 'a\\b/c\\d', 'd'],
    ['overlooks a slash at the end', 'dir/file//\\', 'file'],
    ['is null for a traversal', '../..', null],
    ['is null for a traversal of Windows', '..\\..\\', null],
    ['strips what is left of one', '../.x', 'x'],
    ['strips leading dots', '...bashrc', 'bashrc'],
    ['strips leading dashes', '--rf', 'rf'],
    ['strips leading spaces', '  \u00a0a', 'a'],
    ['strips any mix of them', ' .-. -a', 'a'],
    ['strips trailing dots and spaces', 'a. . ', 'a'],
    ['keeps a trailing dash', 'a-', 'a-'],
    ['strips controls', 'a\x00b\x1b[31mc\nd\x7fe\x9bf', 'ab[31mcdef'],
    ['strips bidi marks', 'a\u202egpj.exe\u2066', 'agpj.exe'],
    ['strips zero-width marks', '\u200b\ufeffa\u200d\u2060b', 'ab'],
    ['strips line separators', 'a\u2028b\u2029c', 'abc'],
    ['strips fillers that are drawn as nothing', '\u3164a\u115f\u034f', 'a'],
    ['strips tags beyond the BMP', 'a\u{e0001}b', 'ab'],
    ['strips lone surrogates', 'a\ud800b\udc00', 'ab'],
    ['keeps what is beyond the BMP', 'a\u{1f600}.x', 'a\u{1f600}.x'],
    ['strips before it looks for dots', '\u200b.\u200ba', 'a'],
    ['strips before it looks for slashes', 'a/\u200b', 'a'],
    ['makes other spaces plain', 'a\u00a0b\u3000c\u2003d', 'a b c d'],
    ['replaces what Windows refuses', 'a<b>c:d"e|f?g*h', 'a_b_c_d_e_f_g_h'],
    ['composes (NFC)', 'e\u0301', '\u00e9'],
    ['composes what taking marks out joins', 'e\u200b\u0301', '\u00e9'],
    ['looks at the composed form', '\u037e\u1fef\u212a', ';`K'],
    ['marks a device name', 'CON', '_CON'],
    ['marks it with an extension', 'nul.tar.gz', '_nul.tar.gz'],
    ['marks it with spaces before the dot', 'aux  .txt', '_aux  .txt'],
    ['marks PRN', 'prn', '_prn'],
    ['marks COM1', 'Com1.x', '_Com1.x'],
    ['marks LPT9', 'lpt9', '_lpt9'],
    ['marks COM0', 'com0', '_com0'],
    ['marks superscript digits', 'COM\u00b9.x', '_COM\u00b9.x'],
    ['marks CONIN$', 'conin$', '_conin$'],
    ['marks CONOUT$', 'CONOUT$.x', '_CONOUT$.x'],
    ['marks CLOCK$', 'clock$', '_clock$'],
    ['leaves a longer name', 'console', 'console'],
    ['leaves COM10', 'com10', 'com10'],
    ['leaves COM', 'com', 'com'],
    ['leaves a device name further on', 'a.con', 'a.con'],
    ['leaves one after other text', 'xcon', 'xcon'],
    ['is null for nothing', '', null],
    ['is null for spaces', '   ', null],
    ['is null for slashes', '//', null],
    ['is null for marks alone', '\u200b\x1b', null],
    ['is null for a dash', '-', null],
  ];
  for (const [what, suggested, name] of cases) {
    it(what, () => {
      expect(safeName(suggested)).to.equal(name);
    });
  }

  it('is bounded in bytes, and keeps the extension', () => {
    expect(MAX_NAME_BYTES).to.equal(240);
    const long = 'x'.repeat(300);
    expect(safeName('x'.repeat(240))).to.equal('x'.repeat(240));
    expect(safeName('x'.repeat(241))).to.equal('x'.repeat(240));
    expect(safeName(`${long}.iso`)).to.equal(`${'x'.repeat(236)}.iso`);
    expect(safeName(`${long}.tar.zst`)).to.equal(`${'x'.repeat(232)}.tar.zst`);
    expect(safeName(`${long}.a b`)).to.equal('x'.repeat(240));
    expect(safeName(`${long}.${'e'.repeat(16)}`)).to.equal(`${'x'.repeat(223)}.${'e'.repeat(16)}`);
    expect(safeName(`${long}.${'e'.repeat(17)}`)).to.equal('x'.repeat(240));
  });

  it('cuts no code point', () => {
    expect(safeName('\u20ac'.repeat(100))).to.equal('\u20ac'.repeat(80));
    expect(safeName(`a${'\u20ac'.repeat(100)}`)).to.equal(`a${'\u20ac'.repeat(79)}`);
    expect(safeName(`aa${'\u20ac'.repeat(100)}`)).to.equal(`aa${'\u20ac'.repeat(79)}`);
    expect(safeName('\u{1f600}'.repeat(3), { maxBytes: 11 })).to.equal('\u{1f600}'.repeat(2));
    expect(safeName('\u{1f600}', { maxBytes: 3 })).to.equal(null);
  });

  it('has a clean end and start after the cut', () => {
    expect(safeName('abc. .defghijklmnopqrstuvwxyz', { maxBytes: 6 })).to.equal('abc');
    expect(safeName('abc   defghi.x', { maxBytes: 7 })).to.equal('abc.x');
    expect(safeName('abcdefgh.xyz', { maxBytes: 4 })).to.equal('abcd');
    expect(safeName('abcdefgh.xyz', { maxBytes: 5 })).to.equal('a.xyz');
    expect(safeName('\u{1f600}\u{1f600}.xyz', { maxBytes: 7 })).to.equal('\u{1f600}');
    expect(safeName('\u{1f600}.xyz', { maxBytes: 5 })).to.equal('\u{1f600}');
  });

  it('is no device name after the cut', () => {
    expect(safeName('CONSOLE', { maxBytes: 3 })).to.equal('_CO');
    expect(safeName('console.txt', { maxBytes: 7 })).to.equal('_co.txt');
    expect(safeName('nul.txt', { maxBytes: 7 })).to.equal('_nu.txt');
  });

  it('is linear in what it is given', () => {
    const started = process.hrtime.bigint();
    for (const piece of [' ', '.', '-', '/', 'a ', '. ', '\u200b', '.tar', 'e\u0301']) {
      safeName(piece.repeat(65_000));
      safeName(`a${piece.repeat(65_000)}b`);
    }
    expect(Number(process.hrtime.bigint() - started) / 1e6).to.be.below(4000);
  });
});

describe('http/names: P26: combining marks', () => {
  it('are not sorted by the hundred thousand: that takes the square of their number', () => {
    const marks = '\u0315\u0300'.repeat(2_000_000);
    const started = performance.now();
    const safe = safeName(`a${marks}.iso`);
    expect(performance.now() - started).to.be.below(5_000);
    expect(Buffer.byteLength(safe ?? '')).to.be.within(200, 240);
    expect(safe).to.match(/\.iso$/);
    // What is before the part that is looked at is a directory in any path of that length.
    expect(safeName(`${'d/'.repeat(100_000)}a.iso`)).to.equal('a.iso');
  });
});

describe('http/names: nameFromUrl', () => {
  for (const [path, name] of [
    ['/a/b.iso', 'b.iso'],
    ['/a/b%20c.iso?x=/y/z#/w', 'b c.iso'],
    ['/%E2%82%AC', '\u20ac'],
    ['/a%2Fb', 'b'],
    ['/%2e%2e%2fx', 'x'],
    ['/%1b%5bx', '[x'],
    ['/%E9.iso', '%E9.iso'],
    ['/100%', '100%'],
    ['/', 'download'],
    ['', 'download'],
    ['/a/', 'download'],
    ['/...', 'download'],
    ['/.htaccess', 'htaccess'],
    ['/index.html', 'index.html'],
  ] as const) {
    it(`P13: names ${path || 'nothing'} ${name}`, () => {
      expect(nameFromUrl(new URL(`https://h.example${path}`))).to.equal(name);
    });
  }
});

describe('http/names: chooseName', () => {
  const url = new URL('https://h.example/from-url');
  const choose = (value: string) => chooseName(headOf({ 'content-disposition': value }), url);

  it('P13: takes the name of the server, made safe, else that of the URL', () => {
    expect(choose('attachment; filename="../a.iso"')).to.equal('a.iso');
    expect(choose('attachment; filename=".."')).to.equal('from-url');
    expect(choose('attachment')).to.equal('from-url');
    expect(chooseName(headOf({}), url)).to.equal('from-url');
    expect(chooseName(null, url)).to.equal('from-url');
  });

  it('takes a name of an unknown charset only where the URL has none', () => {
    const raw = { 'content-disposition': 'attachment; filename="\xcf\xf0.iso"' };
    expect(chooseName(headOf(raw), url)).to.equal('from-url');
    expect(chooseName(headOf(raw), new URL('https://h.example/'))).to.equal('\xcf\xf0.iso');
    const word = { 'content-disposition': 'attachment; filename="=?x-none?Q?a?="' };
    expect(chooseName(headOf(word), url)).to.equal('from-url');
  });

  it('takes the first of several fields that gives a name', () => {
    const of = (...values: string[]) => {
      const lines = values.map((value): [string, string] => ['Content-Disposition', value]);
      return chooseName({ ...headOf({}), fields: new Fields(lines) }, url);
    };
    expect(of('attachment; filename=a', 'attachment; filename=b')).to.equal('a');
    expect(of('attachment; filename="a', 'attachment; filename=b')).to.equal('a');
    expect(of('inline', 'attachment; filename=b')).to.equal('b');
    expect(of("a; filename*=UTF-8''a%2Cb", 'a; filename=c')).to.equal('a,b');
  });
});
