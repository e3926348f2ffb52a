import { expect } from 'chai';
import fc from 'fast-check';
import { suggestedName } from '../../../src/http/disposition.js';

const filenameFromDisposition = (value: string) => suggestedName(value)?.name ?? null;

const utf8 = (text: string) => Buffer.from(text).toString('latin1');

describe('http/disposition', () => {
  const cases: Array<[what: string, value: string, name: string | null]> = [
    ['a token', 'attachment; filename=a.iso', 'a.iso'],
    ['a quoted string', 'attachment; filename="a b;c=d.iso"', 'a b;c=d.iso'],
    ['inline', 'inline; filename="a"', 'a'],
    ['any case and white space', 'ATTACHMENT ;\tFileName \t=\t "a" ; x=y', 'a'],
    ['escapes', 'attachment; filename="a\\"b\\\\c\\d"', 'a"b\\cd'],
    ['a parameter before', 'attachment; x="filename=no;"; filename=yes', 'yes'],
    ['a parameter after', 'attachment; filename=yes; size=5', 'yes'],
    ['the first of two', 'attachment; filename=a; filename=b', 'a'],
    ['filename* in UTF-8', "attachment; filename*=UTF-8''%e2%82%ac%20rates", '\u20ac rates'],
    ['filename* with a language', "attachment; filename*=utf-8'en'a%2Fb", 'a/b'],
    ['filename* in ISO-8859-1', "attachment; filename*=iso-8859-1''%A3", '\xa3'],
    ['filename* before filename', "attachment; filename*=UTF-8''b; filename=a", 'b'],
    ['filename* after filename', "attachment; filename=a; filename*=UTF-8''b", 'b'],
    [
      'a second filename* when the first is broken',
      "a; filename*=UTF-8''%; filename*=UTF-8''b",
      'b',
    ],
    ['the first of two filename*', "a; filename*=UTF-8''b; filename*=UTF-8''c", 'b'],
    ['a traversal, as it is', "attachment; filename*=UTF-8''%2e%2e%2fx", '../x'],
    ['a quote in the text', "attachment; filename*=UTF-8''it's", "it's"],
    ['filename for invalid UTF-8', "attachment; filename=a; filename*=UTF-8''%ff", 'a'],
    ['filename for a bad percent', "attachment; filename=a; filename*=UTF-8''%4", 'a'],
    ['filename for a percent of no digits', "attachment; filename=a; filename*=UTF-8''%zz", 'a'],
    ['filename for an unknown charset', "attachment; filename=a; filename*=x-none''b", 'a'],
    ['filename* in utf8', "attachment; filename=a; filename*=utf8''%e2%82%ac", '\u20ac'],
    [
      'filename* in UTF8 with a blank',
      "attachment; filename=a; filename*= UTF8''%e2%82%ac",
      '\u20ac',
    ],
    ['filename* in latin1', "attachment; filename=a; filename*=latin1''%A3", '\xa3'],
    ['filename* in ISO8859-1', "attachment; filename=a; filename*=ISO8859-1''%A3", '\xa3'],
    ['ISO-8859-1 as browsers do', "a; filename*=ISO-8859-1''%80", '\u20ac'],
    ['filename* in windows-1251', "a; filename*=windows-1251''%CF%F0%E8", '\u041f\u0440\u0438'],
    ['filename* in cp1251', "a; filename*=cp1251''%CF", '\u041f'],
    ['filename* in Shift_JIS', "a; filename*=Shift_JIS''%93%FA%96%7B", '\u65e5\u672c'],
    ['filename* in GBK', "a; filename*=GBK''%D6%D0", '\u4e2d'],
    ['filename* in EUC-KR', "a; filename*=euc-kr''%C7%D1", '\ud55c'],
    ['filename* in Big5', "a; filename*=big5''%A4%A4", '\u4e2d'],
    [
      'filename for bytes that are not of the charset',
      "a; filename=a; filename*=shift_jis''%93",
      'a',
    ],
    ['filename for no charset', "attachment; filename=a; filename*=''b", 'a'],
    ['filename for a value without quotes', 'attachment; filename=a; filename*=b', 'a'],
    ['filename for one quote', "attachment; filename=a; filename*=UTF-8'b", 'a'],
    ['filename for an empty filename*', "attachment; filename=a; filename*=UTF-8''", 'a'],
    ['a line break, as it is', "a; filename*=UTF-8''a%0Ab", 'a\nb'],
    ['raw UTF-8 in filename*', `a; filename*=UTF-8''${utf8('\u20ac')}`, '\u20ac'],
    ['quotes around filename*', 'attachment; filename*="UTF-8\'\'%e2%82%ac"', '\u20ac'],
    ['raw UTF-8', `attachment; filename="${utf8('\u20acx')}"`, '\u20acx'],
    ['raw latin1', 'attachment; filename="\xe9x"', '\xe9x'],
    ['no type', 'filename="a"', 'a'],
    ['no semicolon after the type', 'attachment filename=a', 'a'],
    ['a tab after the type', 'attachment\tfilename=a', 'a'],
    ['a comma after the type', 'attachment,filename=a', 'a'],
    ['spaces without quotes', 'attachment; filename=a b.iso ; x=y', 'a b.iso'],
    ['a quote that does not end', 'attachment; filename="a b', 'a b'],
    ['a backslash at the very end', 'attachment; filename="a\\', 'a\\'],
    ['text after the quote', 'attachment; filename="a"b; x=y', 'a'],
    ['percent-encoding, as browsers do', 'attachment; filename="a%20b"', 'a b'],
    ['percent-encoded UTF-8', 'attachment; filename="%E2%82%AC.iso"', '\u20ac.iso'],
    ['percent-encoding without quotes', 'attachment; filename=%E2%82%AC.iso', '\u20ac.iso'],
    ['percent signs, as they are', 'attachment; filename="100%"', '100%'],
    ['a percent sign among others, as they are', 'a; filename="a%20b 5%"', 'a%20b 5%'],
    ['percent-encoding of no UTF-8, as it is', 'a; filename="%CF%F0"', '%CF%F0'],
    [
      'percent signs beside raw UTF-8, as they are',
      `a; filename="${utf8('\u20ac')}%20"`,
      '\u20ac%20',
    ],
    ['an encoded word in base64', 'a; filename="=?UTF-8?B?4oKs?="', '\u20ac'],
    ['an encoded word in Q', 'a; filename="=?utf-8?q?=E2=82=AC_100%41?="', '\u20ac 100%41'],
    ['an encoded word of latin1', 'a; filename="=?ISO-8859-1?Q?=e9?="', '\xe9'],
    ['a broken encoded word, as it is', 'a; filename="=?UTF-8?Q?=e?="', '=?UTF-8?Q?=e?='],
    ['a word of an unknown charset, as it is', 'a; filename="=?x?Q?a?="', '=?x?Q?a?='],
    ['text behind a word', 'a; filename="=?UTF-8?B?4oKs?=.pdf"', '\u20ac.pdf'],
    ['text before a word', 'a; filename="b =?UTF-8?Q?a?="', 'b a'],
    ['several words', 'a; filename="=?UTF-8?B?4oKs?= =?UTF-8?B?4oKs?="', '\u20ac\u20ac'],
    [
      'words that cut a character',
      'a; filename="=?utf-8?B?4oI=?= =?UTF-8?B?rC5wZGY=?="',
      '\u20ac.pdf',
    ],
    [
      'words of several charsets',
      'a; filename="=?latin1?Q?=A3?= =?utf-8?Q?=E2=82=AC?= x"',
      '\xa3\u20ac x',
    ],
    ['a word with a language', 'a; filename="=?utf-8*de?Q?=E2=82=AC?="', '\u20ac'],
    ['words without quotes', 'a; filename==?UTF-8?B?4oKs?= =?UTF-8?B?4oKs?=', '\u20ac\u20ac'],
    ['a word in Shift_JIS', 'a; filename="=?SHIFT_JIS?B?k/qWew==?="', '\u65e5\u672c'],
    ['a blank in a word', 'a; filename="=?UTF-8?Q?a b?="', 'a b'],
    [
      'a broken word beside a good one',
      'a; filename="=?UTF-8?Q?=e?= =?UTF-8?Q?a?="',
      '=?UTF-8?Q?=e?= a',
    ],
    ['empty parameters', 'attachment;; ; filename=a', 'a'],
    ['a plain name that looks encoded', `attachment; filename="utf-8''a%20b"`, "utf-8''a b"],
    ['Latin1 that is cut, and the plain name', "a; filename*=iso-8859-1''a%e; filename=b", 'b'],
    ['a mail word that is cut', 'a; filename="=?iso-8859-1?Q?a=E?="', '=?iso-8859-1?Q?a=E?='],
    ['an empty name', 'attachment; filename=""', null],
    ['an empty token', 'attachment; filename=', null],
    ['only a type', 'attachment', null],
    ['another parameter', 'attachment; name=a', null],
    ['a longer name', 'attachment; xfilename=a; filenamex=b', null],
    ['nothing', '', null],
  ];
  for (const [what, value, name] of cases) {
    it(`reads ${what}`, () => {
      expect(filenameFromDisposition(value)).to.equal(name);
    });
  }

  it('reads back every name that is sent by RFC 8187', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (name) => {
        const encoded = Buffer.from(name)
          .toString('hex')
          .replace(/../g, (hex) => `%${hex}`);
        const expected = Buffer.from(name).toString();
        fc.pre(!expected.startsWith('\ufeff'));
        expect(filenameFromDisposition(`attachment; filename*=UTF-8''${encoded}`)).to.equal(
          expected,
        );
      }),
    );
  });

  it('reads back every name in quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), (name) => {
        fc.pre(!name.includes('=?') && !name.includes('%'));
        const quoted = name.replace(/["\\]/g, '\\$&');
        expect(filenameFromDisposition(`attachment; filename="${quoted}"; x=y`)).to.equal(name);
      }),
    );
  });

  for (const [what, value, isCertain] of [
    ['raw UTF-8', `a; filename="${utf8('\u20ac')}"`, true],
    ['raw bytes of another charset', 'a; filename="\xcf\xf0"', false],
    ['a word of an unknown charset', 'a; filename="=?x?Q?a?="', false],
    ['filename* beside raw bytes', `a; filename="\xcf"; filename*=UTF-8''a`, true],
  ] as const) {
    it(`is ${isCertain ? '' : 'not '}certain of ${what}`, () => {
      expect(suggestedName(value)).include({ isCertain });
    });
  }

  it('P15: is linear in 64 KiB of anything', () => {
    const started = process.hrtime.bigint();
    for (const piece of [
      ';',
      '=',
      '"',
      '\\',
      'a;',
      '=;',
      'a ',
      '="',
      ' ',
      "'",
      '=?',
      '=?a?B?',
      '=?a?B?b?= ',
      '%',
      'a',
    ]) {
      filenameFromDisposition(piece.repeat(65_536 / piece.length));
      filenameFromDisposition(`${piece.repeat(65_000 / piece.length)}=`);
      filenameFromDisposition(`filename=${piece.repeat(65_000 / piece.length)}`);
      filenameFromDisposition(`filename*=UTF-8''${piece.repeat(65_000 / piece.length)}`);
    }
    expect(Number(process.hrtime.bigint() - started) / 1e6).to.be.below(4000);
  });
});
