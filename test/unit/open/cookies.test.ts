import { expect } from 'chai';
import { parseCookieFile } from '../../../src/formats/cookie-file.js';
import { parseResponseHead } from '../../../src/http/head.js';
import type { ResponseHead } from '../../../src/http/head.js';
import { Cookies, MAX_FIELD_CHARS, MAX_OF_ANSWER, MAX_SET } from '../../../src/open/cookies.js';

function headWith(lines: readonly string[]): ResponseHead {
  const fields = lines.map((line) => `Set-Cookie: ${line}\r\n`).join('');
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n`, 'latin1');
  return parseResponseHead(bytes, 0, bytes.length, 0)!.head;
}

/** What `to` is sent after `from` has set these. */
async function after(from: string, lines: string[], to: string): Promise<string | null> {
  const cookies = new Cookies();
  await cookies.hear(new URL(from), headWith(lines));
  return cookies.valueFor(new URL(to), null);
}

const file = (...lines: string[][]): Cookies =>
  new Cookies(parseCookieFile(lines.map((line) => line.join('\t')).join('\n'), 'cookies.txt'));

describe('transfer/cookies: RFC 6265', () => {
  for (const [what, from, line, to, expected] of [
    ['the host', 'https://a.example/', 'n=v', 'https://a.example/x', 'n=v'],
    ['another port', 'https://a.example/', 'n=v', 'https://a.example:444/x', 'n=v'],
    ['a host below', 'https://a.example/', 'n=v', 'https://b.a.example/', null],
    [
      'a host below, with Domain',
      'https://a.example/',
      'n=v; Domain=a.example',
      'https://b.a.example/',
      'n=v',
    ],
    ['another site', 'https://a.example/', 'n=v', 'https://b.example/', null],
    [
      'another site, by Domain',
      'https://a.example/',
      'n=v; Domain=b.example',
      'https://b.example/',
      null,
    ],
    [
      'a name that ends alike',
      'https://a.example/',
      'n=v; Domain=a.example',
      'https://ba.example/',
      null,
    ],
    ['a public suffix', 'https://a.co.uk/', 'n=v; Domain=co.uk', 'https://b.co.uk/', null],
    [
      'a private suffix',
      'https://a.github.io/',
      'n=v; Domain=github.io',
      'https://b.github.io/',
      null,
    ],
    ['an address', 'http://192.0.2.1/', 'n=v', 'http://192.0.2.1/', 'n=v'],
    ['a part of an address', 'http://192.0.2.1/', 'n=v; Domain=2.1', 'http://192.0.2.1/', null],
    ['its path', 'https://a.example/', 'n=v; Path=/p', 'https://a.example/p/q', 'n=v'],
    ['another path', 'https://a.example/', 'n=v; Path=/p', 'https://a.example/pq', null],
    ['the path of the URL', 'https://a.example/p/f', 'n=v', 'https://a.example/', null],
    ['Secure over https', 'https://a.example/', 'n=v; Secure', 'https://a.example/', 'n=v'],
    ['Secure over http', 'https://a.example/', 'n=v; Secure', 'http://a.example/', null],
    ['Secure to this machine', 'https://127.0.0.1/', 'n=v; Secure', 'http://127.0.0.1/', null],
    ['Secure set over http', 'http://a.example/', 'n=v; Secure', 'https://a.example/', null],
    ['expired', 'https://a.example/', 'n=v; Max-Age=0', 'https://a.example/', null],
    [
      'expired by date',
      'https://a.example/',
      'n=v; Expires=Thu, 01 Jan 1970 00:00:01 GMT',
      'https://a.example/',
      null,
    ],
    ['HttpOnly', 'https://a.example/', 'n=v; HttpOnly', 'https://a.example/', 'n=v'],
    [
      '__Host- with Domain',
      'https://a.example/',
      '__Host-n=v; Secure; Path=/; Domain=a.example',
      'https://a.example/',
      null,
    ],
    ['no cookie at all', 'https://a.example/', ';;', 'https://a.example/', null],
  ] as const)
    it(`P11: ${what}: ${expected ?? 'nothing'}`, async () => {
      expect(await after(from, [line], to)).equal(expected);
    });

  it('takes a cookie back that is set anew as expired', async () => {
    const url = 'https://a.example/';
    expect(await after(url, ['n=v', 'm=w', 'n=; Max-Age=0'], url)).equal('m=w');
  });

  it("sends one field: the user's own, and what is not named there", async () => {
    const cookies = new Cookies();
    const url = new URL('https://a.example/');
    expect(await cookies.valueFor(url, 'own=1')).equal('own=1');
    await cookies.hear(url, headWith(['n=v', 'own=2']));
    expect(await cookies.valueFor(url, 'own=1')).equal('own=1; n=v');
  });

  it('sends what a file has, each to its hosts', async () => {
    const cookies = file(
      ['.a.example', 'TRUE', '/', 'FALSE', '0', 'all', '1'],
      ['a.example', 'FALSE', '/', 'FALSE', '4102444800', 'host', '2'],
      ['#HttpOnly_a.example', 'FALSE', '/', 'TRUE', '0', 'safe', '3'],
      ['a.example', 'FALSE', '/', 'FALSE', '1', 'old', '4'],
      ['.co.uk', 'TRUE', '/', 'FALSE', '0', 'suffix', '5'],
      ['127.0.0.1', 'FALSE', '/', 'FALSE', '0', 'address', '6'],
    );
    const to = (url: string): Promise<string | null> => cookies.valueFor(new URL(url), null);
    expect(await to('https://a.example/')).equal('all=1; host=2; safe=3');
    expect(await to('http://a.example/')).equal('all=1; host=2');
    expect(await to('http://b.a.example/')).equal('all=1');
    expect(await to('http://x.co.uk/')).equal(null);
    expect(await to('http://127.0.0.1:8080/x')).equal('address=6');
    expect(await to('http://other.example/')).equal(null);
  });

  it('P15: bounds what servers set, and what is sent', async () => {
    const cookies = new Cookies();
    const url = new URL('https://a.example/');
    const many = Array.from({ length: 150 }, (_, i) => `a${i}=${'x'.repeat(200)}`);
    await cookies.hear(url, headWith(many));
    const value = (await cookies.valueFor(url, null)) ?? '';
    expect(value.length).most(MAX_FIELD_CHARS);
    expect(value.split('; ').length).most(MAX_OF_ANSWER);
    await cookies.hear(url, headWith([`long=${'x'.repeat(5000)}`]));
    expect(await cookies.valueFor(url, null)).equal(value);
    for (let i = 0; i < 30; i++)
      await cookies.hear(
        url,
        headWith(Array.from({ length: 50 }, (_, j) => `b${i}-${j}=; Path=/b${i}/${j}`)),
      );
    let kept = 0;
    for (let i = 0; i < 30; i++)
      for (let j = 0; j < 50; j++)
        if (
          (await cookies.valueFor(new URL(`https://a.example/b${i}/${j}`), null))?.includes(
            `b${i}-${j}=`,
          )
        )
          kept++;
    expect(kept).equal(MAX_SET - MAX_OF_ANSWER);
  });
});
