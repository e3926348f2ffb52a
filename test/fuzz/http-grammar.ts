/**
 * Answers of the grammar and of its edges: what changing the bytes of a few right answers seldom
 * brings, because most changes only spoil them. Fields that frame a body come in every combination.
 */
import type { Random } from './engine/random.js';

const CRLF = '\r\n';
const SPACE = ['', ' ', ' ', ' ', '\t', '  ', ' \t', '\t '];
const AFTER = ['', '', '', '', ' ', '\t', ' \t '];
const FOLD = ['\r\n ', '\r\n\t', '\r\n  ', '\n ', '\n\t '];
/** Lines that are no fields, and some that another reader could take for one that counts. */
const STRANGERS = [
  ...['X : y', 'a b: c', ': v', 'no colon', '(x): y', '\xe9: y', ' lead: x', '\tlead', 'x y'],
  ...[
    'Content-Length : 5',
    'Transfer-Encoding\t: chunked',
    '\xa0Connection: close',
    ' Connection: x',
  ],
  ...['Content-Length 5', 'x Content-Length: 5', 'Content-Encoding : gzip', '"Connection": close'],
  ...['X: a\x1bb', 'X: a\x0bContent-Length: 5', 'Content-Length: 5\x7f'],
];
const SIZE_ENDS = [...Array.from({ length: 30 }, () => ''), ' ', '\t', '   ', ' \t ', ' ;a', '\n'];
const REASONS = [
  ...[' OK', ' ', '', ' \xe9\xff', ' a b  c ', ' \t', ' "x"', ' 200 OK'],
  ...[' OK', ' ', '', ' \xe9\xff', ' a b  c ', ' \t', ' "x"', 'OK', ' \x1b'],
];
const STATUSES = [
  '200',
  '200',
  '206',
  '204',
  '304',
  '302',
  '404',
  '416',
  '503',
  '599',
  '205',
  '101',
];
const INTERIM = ['100', '102', '103', '199'];
const VERSIONS = [
  ...Array.from({ length: 36 }, () => 'HTTP/1.1 '),
  ...Array.from({ length: 10 }, () => 'HTTP/1.0 '),
  ...['HTTP/1.2 ', 'HTTP/1.1  ', 'HTTP/1.1\t', 'HTTP/1.0 \t ', 'HTTP/2 ', 'http/1.1 ', 'Http/3.0 '],
];

/** Values that the two parsers could read differently, by field. */
const FRAMING: ReadonlyArray<readonly [name: string, values: readonly string[]]> = [
  [
    'Content-Length',
    [
      '0',
      '1',
      '5',
      '5',
      '5',
      '05',
      '10',
      '+5',
      '5, +5',
      '0x5',
      '5,5',
      '5 , 5',
      ',5',
      '5,',
      '5;5',
      '-0',
      '',
    ],
  ],
  ['Content-Length', ['9007199254740991', '9007199254740992', '18446744073709551616', '5', '5']],
  [
    'Transfer-Encoding',
    ['chunked', 'chunked', 'CHUNKED', 'gzip', 'gzip, chunked', 'chunked, gzip', 'identity', ''],
  ],
  [
    'Transfer-Encoding',
    ['chunked', 'chunked;q=1', 'chunked,', ',chunked', 'xchunked', 'chunked, Chunked'],
  ],
  [
    'Connection',
    ['close', 'keep-alive', 'close, keep-alive', 'upgrade', 'Upgrade, close', '', ','],
  ],
  ['Proxy-Connection', ['close', 'keep-alive']],
  ['Upgrade', ['h2c', 'websocket', '']],
];
const OTHERS: ReadonlyArray<readonly [name: string, values: readonly string[]]> = [
  ['X', ['', 'v', 'a b', '\xff\x80', 'a\tb', '::', 'x'.repeat(2000)]],
  ['!#$%&*+-.^_`|~', ['a,b;c="d"']],
  ...['Content-Lengt', 'Content-Length2', 'Transfer-Encodin', 'Content_Length', 'Keep-Alive'].map(
    (name): [string, string[]] => [name, ['5', 'chunked', 'close']],
  ),
  ['Content-Range', ['bytes 0-4/5']],
  ['Trailer', ['Content-Length']],
];
const EXTENSIONS = [
  ';a',
  ';a=b',
  ';a="b c"',
  ';a="\\""',
  ';a;b=c',
  '; a',
  ' ;a',
  ';a =b',
  ';',
  ';a=',
  '; a b',
  ';="',
  ';\xe9 ',
];

/** An answer: interim ones before it, its head, and a body that may fit. */
export function answer(random: Random): string {
  let text = '';
  while (random.below(5) === 0) text += head(random, INTERIM);
  return text + head(random, STATUSES) + body(random);
}

function head(random: Random, statuses: readonly string[]): string {
  const line = random.pick(VERSIONS) + random.pick(statuses) + random.pick(REASONS);
  const right = line + CRLF + fields(random, 6) + CRLF;
  switch (random.below(30)) {
    case 0:
      return right.replace(/\r\n/g, '\n');
    case 1:
      return right.replace(/\r\n/g, (end) => (random.below(2) > 0 ? end : '\n'));
    case 2:
      return right.replace(/(?<!^[^\n]*)\r\n/g, '\n');
    default:
      return right;
  }
}

function fields(random: Random, most: number): string {
  let text = '';
  for (let left = random.below(most); left > 0; left--) {
    const [name, values] = random.pick(random.below(3) > 0 ? FRAMING : OTHERS);
    const fold = random.below(25) === 0 ? random.pick(FOLD) : '';
    const value = random.pick(SPACE) + random.pick(values) + fold + random.pick(AFTER);
    text += `${anyCase(name, random)}:${value}${CRLF}`;
    if (random.below(40) === 0) text += random.pick(STRANGERS) + CRLF;
  }
  return text;
}

function anyCase(name: string, random: Random): string {
  if (random.below(5) > 0) return name;
  return [...name].map((c) => (random.below(2) > 0 ? c.toUpperCase() : c.toLowerCase())).join('');
}

function body(random: Random): string {
  if (random.below(2) === 0) return random.pick(['', 'hello', 'hello world, more than it']);
  let text = '';
  for (let left = random.below(4); left > 0; left--) text += chunk(random);
  const last = random.pick(['0', '0', '00', '000', '0;a=b']) + random.pick(SIZE_ENDS);
  const trailer = random.below(4) === 0 ? fields(random, 3) : '';
  return text + last + CRLF + trailer + CRLF + random.pick(['', '', '', 'junk']);
}

function chunk(random: Random): string {
  const length = 1 + random.below(20);
  const digits = random.pick(['', '0', '0000']) + length.toString(16);
  const size = random.below(2) > 0 ? digits.toUpperCase() : digits;
  const extension = random.below(10) === 0 ? random.pick(EXTENSIONS) : '';
  const [a, b] = random.below(20) === 0 ? ['\n', random.pick([CRLF, '\n'])] : [CRLF, CRLF];
  return `${size}${random.pick(SIZE_ENDS)}${extension}${a}${'x'.repeat(length)}${b}`;
}
