/** The values of single fields. */
import assert from 'node:assert/strict';
import { parseContentRange, requireContentRange } from '../../../src/http/content-range.js';
import { parseHttpDate, parseLooseDate } from '../../../src/http/date.js';
import { parseDigestFields } from '../../../src/http/digest.js';
import { suggestedName } from '../../../src/http/disposition.js';
import { Fields } from '../../../src/http/head.js';
import type { ResponseHead } from '../../../src/http/head.js';
import { chooseName, safeName } from '../../../src/http/names.js';
import { redactUrl } from '../../../src/http/redact.js';
import { resolveRedirect } from '../../../src/http/redirect.js';
import { MAX_RETRY_AFTER_MS, parseRetryAfter } from '../../../src/http/retry-after.js';
import { parseUserUrl } from '../../../src/http/url.js';
import type { Target } from '../engine/fuzzer.js';
import { answered, fieldsOf } from './support.js';

const headOf = (status: number, fields: Array<[string, string]>): ResponseHead => ({
  status,
  minorVersion: 1,
  reason: '',
  fields: new Fields(fields),
});

const MAX_FIELD = 64 * 1024;

export const contentRange: Target = {
  name: 'content-range',
  modules: ['/src/http/content-range.js'],
  seeds: [
    ...['bytes 0-4/9', 'bytes 5-8/*', 'bytes */9', 'bytes */*', 'bytes 0-4/9\nbytes 0-4/9'],
    ...['bytes=0-4/9', '0 - 4 / 9', 'bytes: 0-4', 'bytes 0-4/9, bytes 0-4/9'],
  ],
  dictionary: [
    ...['bytes ', '0-', '/', '*', 'BYTES', 'items', '9007199254740990', '\n', ', ', '=', ':', '\t'],
  ],
  maxBytes: MAX_FIELD,
  run(input) {
    const text = input.toString('latin1');
    const lines = fieldsOf(text, 'content-range');
    const required = answered(() => requireContentRange(headOf(206, lines)).kind);
    const said = lines.map(([, value]) => answered(() => JSON.stringify(parseContentRange(value))));
    if (new Set(said).size > 1) assert.match(required, /^HTTP_/);
    return (
      required +
      answered(() => {
        const range = parseContentRange(text);
        if (range.kind === 'unsatisfied') return `unsatisfied ${range.total === null}`;
        for (const each of text.split(',')) {
          const numbers = [...each.matchAll(/[0-9]+|\*/g)].map(([digits]) => digits);
          // An open end is that of the whole.
          if (/-\s*\//.test(each)) numbers.splice(1, 0, String(BigInt(numbers[1] ?? '') - 1n));
          const [first = '', last = '', total = '*'] = numbers;
          assert.equal(String(range.start), String(BigInt(first)));
          assert.equal(String(range.end), String(BigInt(last) + 1n));
          assert.equal(String(range.total ?? '*'), total === '*' ? '*' : String(BigInt(total)));
        }
        assert(range.start < range.end && range.end <= (range.total ?? Infinity));
        return `range ${range.total === null}`;
      })
    );
  },
};

/** What no name may have, from wherever it comes. */
function checkName(name: string): void {
  assert(Buffer.byteLength(name) >= 1 && Buffer.byteLength(name) <= 240);
  assert.doesNotMatch(name, /[/\\<>:"|?*\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|^[.\- ]|[. ]$/u);
  assert.doesNotMatch(name, /^(?:con|prn|aux|nul|com\d|lpt\d) *(?:\.|$)/i);
  assert.equal(safeName(name), name);
}

export const disposition: Target = {
  name: 'disposition',
  modules: ['/src/http/disposition.js', '/src/http/names.js'],
  seeds: [
    'attachment; filename="a b"; filename*=UTF-8\'\'%e2%82%ac',
    "attachment; filename*=iso-8859-1'en'%e9.txt",
    'inline;filename=../../etc/passwd',
    'attachment; filename="=?utf-8?B?4oKs?="',
    'attachment; filename="=?utf-8?Q?=e2_=82?="',
    'attachment; filename="a\\"b\\\\c.tar.gz"; size=3',
    'filename=CON.txt',
    'attachment; filename="C:\\x\\-rf"',
  ],
  dictionary: [
    ...['filename=', 'filename*=', "UTF-8''", "iso-8859-1''", '; ', '"', '\\"', '%2f', '%00', '%'],
    ...[
      '=?utf-8?B?',
      '=?utf-8?Q?',
      '?=',
      '../',
      '..\\',
      'NUL',
      '.part',
      '\xe2\x80\xae',
      '\xcc\x81',
    ],
  ],
  maxBytes: MAX_FIELD,
  run(input) {
    const value = input.toString('latin1');
    const name = suggestedName(value)?.name ?? null;
    assert((name?.length ?? 0) <= input.length);
    const url = new URL('http://h/dir/');
    const chosen = chooseName(headOf(200, [['content-disposition', value]]), url);
    checkName(chosen);
    return `${name === null} ${chosen === 'download'} ${chosen === name}`;
  },
};

export const redirect: Target = {
  name: 'redirect',
  modules: ['/src/http/redirect.js', '/src/http/url.js', '/src/http/redact.js'],
  seeds: [
    'https://u:p@h.example:8443/a/../b?c=d#e',
    '//h/%2e%2e/\xc3\xa9?x',
    '../x?y',
    'http://[::1]:80/',
    'javascript:alert(1)',
    'HTTP://H\\x',
    '/a\n/b',
    'host/path',
    'http://\xe4\xbe\x8b.example/',
  ],
  dictionary: ['http://', 'https://', '//', 'u:p@', '\\', ':0', ':65536', '[', '%', '?', '#', '\n'],
  maxBytes: MAX_FIELD,
  run(input) {
    const text = input.toString('latin1');
    const shown = redactUrl(text);
    assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}#]|\?(?!<redacted>$)/u);
    assert.match(shown, /^(?:[a-z][a-z0-9+.-]*:\/\/[^/@]+(?:\/.*)?|<URL not shown>)$/u);
    const from = new URL('https://a.example/b?c#d');
    const led = answered(() => {
      const lines = fieldsOf(text, 'location');
      const to = resolveRedirect(from, headOf(302, lines), { allowDowngrade: text.length % 2 > 0 });
      assert.match(to.protocol, text.length % 2 > 0 ? /^https?:$/ : /^https:$/);
      assert.equal(to.username + to.password, '');
      assert.match(to.href, /^[\x21-\x7e]+$/);
      return `${to.protocol} ${to.origin === from.origin}`;
    });
    const given = answered(() => {
      const { url, userinfo } = parseUserUrl(text);
      assert.match(url.protocol, /^https?:$/);
      assert.equal(url.username + url.password + url.hash, '');
      assert.doesNotMatch(text.trim(), /[\x00-\x1f\x7f]/);
      return `url ${userinfo !== null}`;
    });
    return `${led} ${given}`;
  },
};

const DIGEST_HEX = { 'sha-256': 64, 'sha-512': 128, 'sha-1': 40, md5: 32 };

export const digest: Target = {
  name: 'digest',
  modules: ['/src/http/digest.js'],
  seeds: [
    'sha-256=:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=:;q=1, md5=:AAECAwQFBgcICQoLDA0ODw==:',
    '\nsha-256=:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=:',
    '\n\nSHA-256=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,md5=AAECAwQFBgcICQoLDA0ODw==',
    'a;b;c="d\\"", sha=:AAECAwQFBgcICQoLDA0ODxAREhM=:, x=?1, y=-1.5, z=tok/en',
  ],
  dictionary: [
    ...[
      'sha-256=:',
      'sha-512=:',
      'sha=:',
      'md5=:',
      ':',
      ';q',
      '="x"',
      ', ',
      '\n',
      '==',
      '?0',
      '1.',
    ],
    ...['AAECAwQFBgcICQoLDA0ODw==', 'SHA-256=', 'unixsum='],
  ],
  maxBytes: MAX_FIELD,
  run(input) {
    const text = input.toString('latin1');
    const fields = fieldsOf(text, 'repr-digest', 'content-digest', 'digest', 'content-encoding');
    const counts = [200, 206, 404].map((status) => {
      const digests = parseDigestFields(headOf(status, fields));
      for (const { algorithm, hex } of digests) {
        assert.match(hex, /^[0-9a-f]+$/);
        assert.equal(hex.length, DIGEST_HEX[algorithm]);
        // Only what stands there letter by letter, up to the bits that base64 leaves over.
        const base64 = Buffer.from(hex, 'hex').toString('base64').replace(/=+$/, '');
        assert(text.includes(base64.slice(0, -1)), `${hex} is not in the text`);
      }
      return Math.min(digests.length, 5);
    });
    assert.equal(counts[2], 0);
    return counts.join(' ');
  },
};

const NOW = Date.UTC(2026, 0, 2);

/** As far as Node reads the form at all, and to the millisecond: it knows no leap seconds and few zones. */
function assertSameInstant(text: string, ms: number): void {
  assert(Math.abs(ms) < 8.64e15);
  const plain = text
    .replace(/(\d):(\d\d):(\d\d),/, '$1:$2:$3.')
    .replace(/ (?:GMT|UTC|UT|Z)(?= ?[+-])/i, ' ');
  const nodes = Date.parse(plain);
  const hasZone = /(?:GMT|UTC|UT|Z|[+-]\d\d(?::?\d\d)?)(?: \d{4}| \(.*\))?$/i.test(plain);
  if (
    Number.isNaN(nodes) ||
    /:60/.test(plain) ||
    !hasZone ||
    Number(/\d{4}/.exec(plain)?.[0]) < 100
  )
    return;
  assert(Math.abs(nodes - Math.trunc(ms)) <= 1, `${text}: ${ms}, and ${nodes} by Node`);
}

export const dates: Target = {
  name: 'dates',
  modules: ['/src/http/date.js', '/src/http/retry-after.js'],
  seeds: [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    '120',
    '99999999999999999999',
    'Mon, 29 Feb 2024 23:59:60 GMT',
    'Sun, 6 Nov 1994 8:49:37 +0100',
    '1994-11-06T08:49:37.25Z',
    'Sun Nov 06 08:49:37 UTC 1994',
    'Sun Nov 06 1994 08:49:37 GMT+0000 (Coordinated Universal Time)',
  ],
  dictionary: [...'Mon,Feb,Dec, GMT,31,29,00,24:,:60,1900,9999,0000, -1,+0000,UTC'.split(',')],
  maxBytes: MAX_FIELD,
  run(input) {
    const text = input.toString('latin1');
    const ms = parseHttpDate(text, NOW);
    const wait = parseRetryAfter([text], NOW);
    const loose = parseLooseDate(text, NOW);
    // What it reads beyond HTTP's forms, Node's own reader takes for the same instant.
    if (ms !== null) assert.equal(loose, ms);
    else if (loose !== null) assertSameInstant(text, loose);
    if (ms !== null) {
      assert(Number.isSafeInteger(ms) && Math.abs(ms) < 8.64e15);
      assert.equal(wait, Math.min(Math.max(ms - NOW, 0), MAX_RETRY_AFTER_MS));
      const again = new Date(ms).toUTCString();
      if (/^\w{3},.* \d{4} /.test(text) && !text.includes(':60 ')) {
        assert.equal(again.slice(4), text.slice(4));
      }
    } else if (wait !== null) {
      assert.match(text, /^[0-9]+([ \t]*,[ \t]*[0-9]+)*$/);
      assert(wait >= 0 && wait <= MAX_RETRY_AFTER_MS);
    }
    return `${ms === null} ${wait === null} ${wait === 0} ${wait === MAX_RETRY_AFTER_MS}`;
  },
};
