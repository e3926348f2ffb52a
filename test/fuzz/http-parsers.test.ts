import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../src/errors.js';
import { ChunkedDecoder } from '../../src/http/chunked.js';
import { parseDigestFields } from '../../src/http/digest.js';
import { parseHttpDate } from '../../src/http/date.js';
import { suggestedName } from '../../src/http/disposition.js';
import { bodyFraming, mayReuse } from '../../src/http/framing.js';
import { Fields, MAX_FIELDS, parseResponseHead } from '../../src/http/head.js';
import type { ResponseHead } from '../../src/http/head.js';
import { chooseName, safeName } from '../../src/http/names.js';
import { escapeControl, redactUrl } from '../../src/http/redact.js';
import { resolveRedirect } from '../../src/http/redirect.js';
import { writeRequest } from '../../src/http/request.js';
import { parseUserUrl } from '../../src/http/url.js';
import { compareValidators, readValidators } from '../../src/http/validators.js';
import { ANSWERS, cuts, mutated, pieces, runs } from './http-support.js';
import { decodePlainly } from './targets/chunked.js';

/** The result as a text, or the code of the refusal; anything else thrown fails the test. */
function outcome(run: () => unknown): string {
  try {
    return JSON.stringify(run()) ?? 'undefined';
  } catch (thrown) {
    if (!(thrown instanceof SluiceError)) throw thrown;
    expect(thrown.code).to.not.equal('DEFECT');
    return thrown.code;
  }
}

/** The head as `pieces` bring it, in a buffer that starts with other bytes. */
function parsePieces(parts: string[]): string {
  const buffer = Buffer.from(`xx${parts.join('')}`, 'latin1');
  let to = 2;
  let scanned = 2;
  for (const part of parts) {
    to += part.length;
    const seen = to;
    const from = scanned;
    let result: string;
    try {
      const parsed = parseResponseHead(buffer, 2, seen, from);
      if (parsed === null) {
        scanned = seen;
        continue;
      }
      result = JSON.stringify({ ...parsed.head, end: parsed.end - 2 });
    } catch (thrown) {
      if (!(thrown instanceof SluiceError)) throw thrown;
      return thrown.code;
    }
    return result;
  }
  return 'null';
}

describe('fuzz: http/head', () => {
  it('never crashes, never hangs, and does not depend on how the bytes come', () => {
    fc.assert(
      fc.property(mutated(ANSWERS), cuts, (text, places) => {
        const whole = parsePieces([text]);
        expect(parsePieces(pieces(text, places))).to.equal(whole);
        expect(parsePieces([...text])).to.equal(whole);
      }),
      { numRuns: runs(500) },
    );
  });

  it('accepts only what keeps its rules', () => {
    fc.assert(
      fc.property(mutated(ANSWERS), (text) => {
        const buffer = Buffer.from(text, 'latin1');
        outcome(() => {
          const parsed = parseResponseHead(buffer, 0, buffer.length);
          if (parsed === null) return null;
          const { head, end } = parsed;
          expect(text.slice(0, end)).to.match(/\n\r?\n$/);
          expect(head.status).to.be.within(100, 599);
          expect(head.fields.entries.length).to.be.at.most(MAX_FIELDS);
          for (const [name, value] of head.fields.entries) {
            expect(name).to.match(/^[!#$%&'*+\-.^_`|~0-9a-z]+$/);
            expect(value).to.match(
              /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/,
            );
          }
          mayReuse(head, bodyFraming('GET', head));
          return null;
        });
      }),
      { numRuns: runs(500) },
    );
  });
});

/** The body as `pieces` bring it: its data and what is left, `open` when it goes on. */
function decodePieces(parts: string[]): string {
  const decoder = new ChunkedDecoder();
  let data = '';
  let rest: string | null = null;
  try {
    for (const part of parts) {
      if (rest !== null) {
        rest += part;
        continue;
      }
      const buffer = Buffer.from(`..${part}.`, 'latin1');
      const result = decoder.decode(buffer, 2, 2 + part.length);
      expect(result.dataEnd).to.be.within(2, result.consumed);
      data += buffer.toString('latin1', 2, result.dataEnd);
      if (result.done) rest = part.slice(result.consumed - 2);
      else expect(result.consumed).to.equal(2 + part.length);
      expect(buffer.toString('latin1', 0, 2)).to.equal('..');
      expect(buffer.at(-1)).to.equal(0x2e);
    }
  } catch (thrown) {
    if (!(thrown instanceof SluiceError)) throw thrown;
    return 'refused';
  }
  return rest === null ? `open ${data}` : `done ${JSON.stringify({ data, rest })}`;
}

describe('fuzz: http/chunked', () => {
  const BODIES = [
    '5\r\nhello\r\n0\r\n\r\n',
    '1;a\r\nx\r\nb ;c="d"\r\nhello world\r\n00\r\nA: b\r\nC:\r\n\r\nrest',
    '0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    'f\r\n0123456789abcde\r\n2\r\n\r\n\r\n0\r\n\r\n',
  ];

  it('agrees with a plain decoder, however the bytes come', () => {
    fc.assert(
      fc.property(mutated(BODIES), cuts, (text, places) => {
        const reference = decodePlainly(text);
        const whole = decodePieces([text]);
        if (reference === null) expect(whole).to.match(/^(?:open|refused)/);
        else expect(whole).to.equal(`done ${JSON.stringify(reference)}`);
        expect(decodePieces(pieces(text, places))).to.equal(whole);
        expect(decodePieces([...text])).to.equal(whole);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('gives back every body in every cut', () => {
    const chunk = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), cuts, (chunks, places) => {
        const coded = chunks.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('');
        const data = chunks.join('');
        expect(decodePieces(pieces(`${coded}0\r\n\r\n`, places))).to.equal(
          `done ${JSON.stringify({ data, rest: '' })}`,
        );
      }),
      { numRuns: runs(300) },
    );
  });
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
    .map((codes) => String.fromCharCode(...codes)),
  mutated(
    [
      '../a.tar.gz',
      'CON.txt',
      '-rf',
      '.x',
      'C:\\a|b',
      '\u202egpj.exe',
      'e\u200b\u0301',
      'x'.repeat(300) + '.iso',
    ],
    6,
  ),
);

describe('fuzz: http/names and http/redact', () => {
  it('P13: safeName gives one safe component within its bound, and stays as it is', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 260 }), (text, maxBytes) => {
        const name = safeName(text, { maxBytes });
        if (name === null) return;
        expect(Buffer.byteLength(name)).to.be.within(1, maxBytes);
        expect(name).to.not.match(/[/\\<>:"|?*\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(name).to.not.match(/^[.\- ]|[. ]$/);
        expect(name).to.not.match(/^(?:con|prn|aux|nul|com\d|lpt\d) *(?:\.|$)/i);
        expect(name).to.equal(name.normalize('NFC'));
        expect(safeName(name, { maxBytes })).to.equal(name);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('P14: escapeControl leaves no byte that a terminal would act upon', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = escapeControl(text);
        expect(shown).to.not.match(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(escapeControl(shown)).to.equal(shown);
        expect(redactUrl(text)).to.not.match(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('fuzz: the other readers of src/http', () => {
  const VALUES = [
    'attachment; filename="a b"; filename*=UTF-8\'\'%e2%82%ac',
    'sha-256=:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=:;q=1, md5=:AA==:',
    'https://u:p@h.example:8443/a/../b?c=d#e',
    '//h/%2e%2e/\xc3\xa9?x',
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'W/"abc"',
    'bytes 0-4/9',
  ];
  const NAMES = [
    ...['content-disposition', 'repr-digest', 'digest', 'location', 'etag', 'last-modified'],
    ...['date', 'content-length', 'transfer-encoding', 'connection', 'content-encoding'],
  ];
  const heads = fc
    .array(fc.tuple(fc.constantFrom(...NAMES), mutated(VALUES, 5)), { maxLength: 5 })
    .map((entries): ResponseHead => ({
      status: 200,
      minorVersion: 1,
      reason: '',
      fields: new Fields(entries),
    }));
  const base = new URL('https://a.example/b');

  it('answer or refuse with a code, whatever they are given', () => {
    fc.assert(
      fc.property(heads, heads, mutated(VALUES, 6), (head, other, text) => {
        outcome(() => bodyFraming('GET', head));
        outcome(() => parseDigestFields(head));
        outcome(() => compareValidators(readValidators(head), readValidators(other)));
        outcome(() => parseHttpDate(text));
        outcome(() => suggestedName(text));
        expect(safeName(chooseName(head, base))).to.not.equal(null);
        outcome(() => {
          const to = resolveRedirect(base, head, { allowDowngrade: true });
          expect(to.protocol).to.match(/^https?:$/);
          expect(to.username + to.password).to.equal('');
          expect(to.href).to.match(/^[\x21-\x7e]+$/);
          return to;
        });
        outcome(() => {
          const { url } = parseUserUrl(text);
          expect(url.username + url.password + url.hash).to.equal('');
          return url;
        });
      }),
      { numRuns: runs(500) },
    );
  });

  it('a request that is written is the request that was meant', () => {
    const field = fc.tuple(mutated(['X-A', 'Accept'], 2), mutated(VALUES, 3));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 4 }), mutated(['/a?b'], 2), (fields, target) => {
        outcome(() => {
          const written = writeRequest({ method: 'GET', target, host: 'h', fields }).toString(
            'latin1',
          );
          const lines = written.split('\r\n');
          const hosts = fields.filter(([name]) => name.toLowerCase() === 'host').length;
          expect(lines).to.have.length(4 + fields.length - hosts);
          expect(lines[0]).to.equal(`GET ${target} HTTP/1.1`);
          expect(lines.slice(2, -2)).to.deep.equal(fields.map((entry) => entry.join(': ')));
          expect(written).to.not.match(/\r(?!\n)|(?<!\r)\n/);
          return null;
        });
      }),
      { numRuns: runs(500) },
    );
  });
});
