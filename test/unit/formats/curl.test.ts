import { expect } from 'chai';
import fc from 'fast-check';
import type { SluiceError } from '../../../src/errors.js';
import { commandWords } from '../../../src/formats/command-words.js';
import { parseCurl } from '../../../src/formats/curl.js';
import type { CurlCommand } from '../../../src/formats/curl.js';

const SAID: CurlCommand = {
  url: 'https://dl.example.test/a%20b.iso?x=1&y=2',
  headers: ['accept: */*', 'X-Quote: it\'s "so"', 'Cookie: sid=1; theme=dark'],
  cookieFile: null,
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
  referer: null,
  user: null,
  bearer: null,
  proxy: null,
  insecure: false,
};

/** As Chrome and Firefox write them. */
const COPIED: Array<[string, string]> = [
  [
    'bash',
    `curl 'https://dl.example.test/a%20b.iso?x=1&y=2' \\
  -H 'accept: */*' \\
  -H 'accept-encoding: gzip, deflate, br, zstd' \\
  -H $'X-Quote: it\\'s "so"' \\
  -H 'Range: bytes=100-' \\
  -b 'sid=1; theme=dark' \\
  -A 'Mozilla/5.0 (X11; Linux x86_64)' \\
  --compressed ;`,
  ],
  [
    'cmd',
    `curl ^"https://dl.example.test/a^%^20b.iso?x=1^&y=2^" ^\r
  -H ^"accept: */*^" ^\r
  -H ^"Accept-Encoding: gzip^" ^\r
  -H ^"X-Quote: it's ^\\^"so^\\^"^" ^\r
  -b ^"sid=1; theme=dark^" ^\r
  -A ^"Mozilla/5.0 (X11; Linux x86_64)^" ^\r
  --compressed`,
  ],
  [
    'cmd in its older form',
    `curl "https://dl.example.test/a%20b.iso?x=1&y=2" ^
  -H "accept: */*" ^
  -H "X-Quote: it's ""so""" ^
  -H "Cookie: sid=1; theme=dark" ^
  -A "Mozilla/5.0 (X11; Linux x86_64)" ^
  --compressed`,
  ],
];

/** Chrome's quoting. For cmd it doubles every backslash, which Windows does not undo: not so here. */
function bashWord(text: string): string {
  if (!/[^\x20-\x7e]|'/.test(text)) return `'${text}'`;
  const escaped = text
    .replace(/\\/g, '\\\\')
    .replace(/'/g, "\\'")
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `$'${escaped}'`;
}

function cmdWord(text: string): string {
  const escaped = text
    .replace(/(\\*)("|$)/g, (_, slashes: string, quote: string) =>
      quote === '' ? slashes + slashes : `${slashes}${slashes}\\"`,
    )
    .replace(/[^a-zA-Z0-9\s_\-:=+~'/.,?;()*`]/g, '^$&')
    .replace(/%(?=[a-zA-Z0-9_])/g, '%^')
    .replace(/\r?\n/g, '^\n\n');
  return `^"${escaped}^"`;
}

describe('formats/curl: what browsers copy', () => {
  for (const [name, text] of COPIED)
    it(`reads ${name}`, () => expect(parseCurl(text)).deep.equal(SAID));

  it('reads letters, names and clusters', () => {
    const said = parseCurl(
      "curl -sSLk -HX-A:1 -u 'a:b' --proxy socks5://p:1 -e http://r/ -X GET --oauth2-bearer t h.test/f",
    );
    expect(said).deep.equal({
      ...{ url: 'http://h.test/f', headers: ['X-A:1'], cookieFile: null, userAgent: null },
      ...{ referer: 'http://r/', user: 'a:b', bearer: 't', proxy: 'socks5://p:1', insecure: true },
    });
  });

  it('sends what is not ASCII as curl does: the bytes of UTF-8', () => {
    const [line] = parseCurl("curl -H $'X-A: \\u00e9\\xc3\\xa9' h.test").headers;
    expect(Buffer.from(line ?? '', 'latin1').toString('utf8')).equal('X-A: éé');
  });

  for (const [what, named] of [
    ['-X POST', '--request'],
    ['--data-raw x=SECRET', '--data-raw'],
    ['-dSECRET', '--data'],
    ['--json {}', '--json'],
    ['-F a=SECRET', '--form'],
    ['-T SECRET', '--upload-file'],
    ['-I', '--head'],
    ['--frobnicate', '--frobnicate'],
    ['-Z', '-Z'],
  ] as const)
    it(`refuses ${what} by name, and tells no value`, () => {
      try {
        parseCurl(`curl http://h.test/ ${what}`);
        expect.fail('it was read');
      } catch (error) {
        const { code, message } = error as SluiceError;
        expect(code).equal('USAGE');
        expect(message).contain(`${named}:`).and.not.contain('SECRET');
      }
    });

  for (const text of [
    ...['', 'wget http://h.test', 'curl', 'curl a.test b.test', "curl 'http://h.test", 'curl "a'],
    ...['curl $HOME', 'curl "`id`"', 'curl a.test; rm -rf x', 'curl a.test & b', 'curl a.test\nid'],
    ...['curl ^"a^" ^\n& del x', "curl a.test -H $'a\\U00110000'", 'curl a.test -H', 'curl a\0'],
  ])
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseCurl(text))
        .throw()
        .with.property('code', 'USAGE');
    });

  for (const [dialect, quote] of [
    ['bash', bashWord],
    ['cmd', cmdWord],
  ] as const)
    it(`gives back every word that is quoted for ${dialect}`, () => {
      const character = fc.constantFrom(...'ab %^"\'\\$`&|<>!\n\té€😀;#()'.match(/./gsu)!);
      const word = fc.string({ unit: character, maxLength: 20 });
      fc.assert(
        fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
          const text = `curl ${words.map(quote).join(dialect === 'cmd' ? ' ^\n  ' : ' \\\n  ')}`;
          expect(commandWords(text)).deep.equal(['curl', ...words]);
        }),
      );
    });

  it('P15: whatever the text is, it is read or refused as a usage error', () => {
    const bits = [
      "'",
      '"',
      "$'",
      '^',
      '\\',
      '^"',
      '\n',
      ' ',
      'curl ',
      '-H ',
      'a',
      '\\u',
      '\\x4',
      '7',
    ];
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...bits), fc.string())), (parts) => {
        try {
          parseCurl(`curl ${parts.join('')}`);
        } catch (error) {
          expect((error as SluiceError).code).equal('USAGE');
        }
      }),
    );
  });
});
