/** Metalink 4 (RFC 5854) and 3: what is read, and what is refused. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import { MAX_PIECES, parseMetalink } from '../../../src/formats/metalink.js';
import type { MetalinkFile } from '../../../src/formats/metalink.js';
import { Pace } from '../../../src/formats/pace.js';

const SHA256 = 'ab'.repeat(32);
const SHA1 = 'cd'.repeat(20);

const four = (body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<metalink xmlns="urn:ietf:params:xml:ns:metalink">${body}</metalink>`;
const three = (body: string): string =>
  `<metalink version="3.0" xmlns="http://www.metalinker.org/"><files>${body}</files></metalink>`;
const file = (body: string, name = 'a.iso'): string => four(`<file name="${name}">${body}</file>`);
const URL_ = '<url>http://h.test/a.iso</url>';

const parse = (...blocks: string[]): Promise<MetalinkFile[]> =>
  parseMetalink(blocks, new Pace(new AbortController().signal));

async function refused(text: string, why: RegExp): Promise<void> {
  const error = await parse(text).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).instanceOf(SluiceError).include({ code: 'METALINK_INVALID' });
  expect(error).property('message').match(why).length.below(1001);
}

describe('formats/metalink', () => {
  it('P8: reads a document of version 4', async () => {
    const files = await parse(
      `\ufeff${four(`
      <generator>x</generator>
      <file name="dir/a.iso">
        <size>25</size><identity>A</identity>
        <hash type="sha-1">${SHA1}</hash>
        <hash type="sha-256">${SHA256.toUpperCase()}</hash>
        <hash type="sha-384">00</hash>
        <pieces length="10" type="sha-1"><hash>${SHA1}</hash><hash>${SHA1}</hash><hash>${SHA1}</hash></pieces>
        <url>http://last.test/a.iso</url>
        <url priority="2" location="de">https://user:pw@second.test/a.iso?q=1&amp;r=2#f</url>
        <url priority="1" location="fr"><![CDATA[http://first.test/a.iso]]></url>
        <url priority="1">ftp://ftp.test/a.iso</url>
        <url>not a URL</url>
        <metaurl mediatype="torrent">http://h.test/a.torrent</metaurl>
        <url xmlns="urn:other">http://other.test/</url>
      </file>
      <file name="b">${URL_}</file>`)}`,
    );
    expect(files).deep.equal([
      {
        name: 'a.iso',
        size: 25,
        hashes: [
          { algorithm: 'sha256', hex: SHA256 },
          { algorithm: 'sha1', hex: SHA1 },
        ],
        pieces: { algorithm: 'sha1', length: 10, hexes: [SHA1, SHA1, SHA1] },
        tooManyPieces: false,
        urls: [
          { url: 'http://first.test/a.iso', priority: 1, location: 'fr' },
          { url: 'https://second.test/a.iso?q=1&r=2', priority: 2, location: 'de' },
          { url: 'http://last.test/a.iso', priority: 999_999, location: null },
        ],
      },
      {
        name: 'b',
        size: null,
        hashes: [],
        pieces: null,
        tooManyPieces: false,
        urls: [{ url: 'http://h.test/a.iso', priority: 999_999, location: null }],
      },
    ]);
  });

  it('P8: reads a document of version 3', async () => {
    const other = 'ef'.repeat(20);
    const [only] = await parse(
      three(`<file name="a.iso"><size>15</size>
      <verification><hash type="md5">${'12'.repeat(16)}</hash><hash type="sha1">${SHA1}</hash>
        <pieces length="10" type="sha1"><hash piece="1">${other}</hash><hash piece="0">${SHA1}</hash></pieces>
      </verification>
      <resources maxconnections="1">
        <url type="http" preference="10" location="us">http://low.test/a.iso</url>
        <url type="bittorrent" preference="100">http://h.test/a.iso.torrent</url>
        <url type="ftp" preference="100">ftp://h.test/a.iso</url>
        <url type="http" preference="100">http://high.test/a.iso</url>
        <url>http://none.test/a.iso</url>
      </resources></file>`),
    );
    expect(only?.urls.map(({ url }) => url)).deep.equal([
      'http://high.test/a.iso',
      'http://low.test/a.iso',
      'http://none.test/a.iso',
    ]);
    expect(only?.hashes.map(({ algorithm }) => algorithm)).deep.equal(['sha1', 'md5']);
    expect(only?.pieces).deep.equal({ algorithm: 'sha1', length: 10, hexes: [SHA1, other] });
  });

  it('P13: names are made one safe component, and no two files get the same one', async () => {
    const nameOf = async (name: string): Promise<string | undefined> =>
      (await parse(file(URL_, name)))[0]?.name;
    expect(await nameOf('../../etc/passwd')).equal('passwd');
    expect(await nameOf('C:\\windows\\x.exe')).equal('x.exe');
    expect(await nameOf('.bashrc')).equal('bashrc');
    await refused(file(URL_, '..'), /no name/);
    await refused(file(URL_, ''), /no name/);
    const two = `<file name="x/A">${URL_}</file><file name="y/a">${URL_}</file>`;
    await refused(four(two), /same|would get the name a/);
  });

  it('P15: a document type, entities, and what is too big or too deep are refused', async () => {
    const lol = '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">';
    const body = `<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="&c;">${URL_}</file></metalink>`;
    await refused(`<!DOCTYPE metalink [${lol}]>${body}`, /DOCTYPE/);
    await refused(
      `<!DOCTYPE metalink SYSTEM "file:///etc/passwd">${file(URL_).slice(39)}`,
      /DOCTYPE/,
    );
    await refused(body, /well-formed/);
    await refused(file(`<size>&nbsp;</size>${URL_}`), /well-formed/);
    await refused(four('<a>'.repeat(40) + '</a>'.repeat(40)), /deeper/);
    await refused(four('<a/>'.repeat(200_001)), /elements/);
    await refused(file(URL_.repeat(1025)), /URLs/);
    await refused(four('<file name="x"/>'.repeat(4097)), /files/);
  });

  it('P15: the bounds: what is just within is read, one more is refused', async () => {
    const attributes = (count: number): string =>
      Array.from({ length: count }, (_, at) => `a${at}=""`).join(' ');
    const within = [
      four(`<file name="a" ${attributes(255)}>${URL_}</file>`),
      four('<a>'.repeat(31) + '</a>'.repeat(31) + `<file name="a">${URL_}</file>`),
      four('<a/>'.repeat(199_997) + `<file name="a">${URL_}</file>`),
      file(`${URL_}<!--${'x'.repeat(250_000)}-->`),
      file(`<url>http://h.test/${'x'.repeat(65_522)}</url>`),
      file(URL_.repeat(1024)),
    ];
    for (const text of within) expect(await parse(text)).length(1);
    const beyond: Array<[string, RegExp]> = [
      [four(`<file name="a" ${attributes(256)}>${URL_}</file>`), /more than 256 attributes/],
      [four('<a>'.repeat(32) + '</a>'.repeat(32)), /deeper than 32/],
      [four('<a/>'.repeat(199_998) + `<file name="a">${URL_}</file>`), /more than 200000/],
      [file(`${URL_}<!--${'x'.repeat(300_000)}-->`), /longer than 262144 characters/],
      [file(`<url>http://h.test/${'x'.repeat(65_523)}</url>`), /no http or https URL/],
    ];
    for (const [text, why] of beyond) await refused(text, why);
  });

  it('P15: digests of pieces do not count as elements; too many are passed over, and that is told', async () => {
    const md5 = '12'.repeat(16);
    const pieces = (count: number): string =>
      file(`${URL_}<pieces length="1" type="md5">${`<hash>${md5}</hash>`.repeat(count)}</pieces>`);
    const [most] = await parse(pieces(MAX_PIECES));
    expect(most?.pieces?.hexes).length(MAX_PIECES);
    expect(most?.tooManyPieces).equal(false);
    const [more] = await parse(pieces(MAX_PIECES + 1));
    expect(more?.pieces).equal(null);
    expect(more?.tooManyPieces).equal(true);
  });

  it('P8: it does not matter how the text is divided, and white space may come first', async () => {
    const text = `\r\n \ufeff${file(`${URL_}<size>25</size><!-- \r\n\u{1f600} --><hash type="sha-256">${SHA256}</hash>`)}`;
    const whole = await parse(text);
    expect(whole[0]).deep.include({ size: 25, name: 'a.iso' });
    expect(await parse(...text)).deep.equal(whole);
    expect(await parse(...(text.match(/[^]{1,7}/g) ?? []))).deep.equal(whole);
    await refused(`x${text}`, /well-formed/);
  });

  it('P8: what is malformed is refused, not passed over', async () => {
    await refused('', /well-formed|no element/);
    await refused('<html/>', /version/);
    await refused('<metalink/>', /version/);
    await refused(four(''), /no file/);
    await refused(file(''), /no http/);
    await refused(file(`${URL_}<size>-1</size>`), /size/);
    await refused(file(`${URL_}<size>1e3</size>`), /size/);
    await refused(file(`${URL_}<hash type="sha-256">${SHA1}</hash>`), /sha256/);
    await refused(file(`${URL_}<hash type="sha-1">${'xy'.repeat(20)}</hash>`), /sha1/);
    const pieces = (length: string, count: number): string =>
      `${URL_}<size>25</size><pieces type="sha-1" length="${length}">${`<hash>${SHA1}</hash>`.repeat(count)}</pieces>`;
    expect((await parse(file(pieces('10', 3))))[0]?.pieces?.hexes).length(3);
    for (const [length, count] of [
      ['10', 2],
      ['10', 4],
      ['0', 3],
      ['', 3],
      ['x', 3],
      ['30', 0],
    ] as const) {
      await refused(file(pieces(length, count)), /pieces/);
    }
    const numbered = (a: string, b: string): string =>
      three(
        `<file name="f"><verification><pieces length="9" type="sha1"><hash piece="${a}">${SHA1}</hash><hash piece="${b}">${SHA1}</hash></pieces></verification><resources>${URL_}</resources></file>`,
      );
    for (const [a, b] of [
      ['0', '0'],
      ['1', '2'],
      ['0', 'x'],
    ] as const) {
      await refused(numbered(a, b), /numbered/);
    }
    for (const cut of ['<metalink', '</metalink>', '<metalink></file>'])
      await refused(cut, /well-formed/);
  });

  it('P15: whatever the text, a Metalink or one refusal', async () => {
    const whole = file(
      `${URL_}<size>25</size><hash type="md5">${'12'.repeat(16)}</hash><pieces length="25" type="md5"><hash>${'12'.repeat(16)}</hash></pieces>`,
    );
    const edit = fc.record({
      at: fc.nat(whole.length),
      cut: fc.nat(12),
      put: fc.oneof(
        fc.string({ maxLength: 6 }),
        fc.constantFrom('<', '>', '&', '"', '<!DOCTYPE ', ']]>'),
      ),
    });
    const property = fc.asyncProperty(fc.array(edit, { maxLength: 4 }), async (edits) => {
      const text = edits.reduce(
        (now, { at, cut, put }) => now.slice(0, at) + put + now.slice(at + cut),
        whole,
      );
      try {
        for (const { name, urls } of await parse(text)) {
          expect(name).not.match(/[/\\]|^\.|^$/);
          expect(urls).not.deep.equal([]);
        }
      } catch (error) {
        expect(error).instanceOf(SluiceError).include({ code: 'METALINK_INVALID' });
      }
    });
    await fc.assert(property, { numRuns: 2000 });
  });
});
