/** Documents that a stranger could write: as slow as can be, or beyond a bound. */

const NAMESPACE = 'urn:ietf:params:xml:ns:metalink';
const MIB = 1024 * 1024;
/** Combining marks in the wrong order: to sort them takes a time that grows with the square of their number. */
const MARKS = '\u0315\u0300';
const URL_ = '<url>http://127.0.0.1:9/a</url>';

/** A Metalink 4 with these elements. */
export const metalink = (inside: string): string =>
  `<metalink xmlns="${NAMESPACE}">${inside}</metalink>`;

const file = (inside: string, name = 'a'): string => `<file name="${name}">${inside}</file>`;

/** As much of a text, over and over, as has so many characters. */
const fill = (text: string, characters: number): string =>
  text.repeat(Math.floor(characters / text.length));

const numbered = (count: number, of: (number: number) => string): string =>
  Array.from({ length: count }, (_, number) => of(number)).join('');

/** Metalinks that are refused, and what the refusal says; each kept a process busy for minutes at least. */
export const REFUSED_METALINKS: Record<string, { text: () => string; says: RegExp }> = {
  '900,000 attributes': {
    text: () => metalink(`<file ${numbered(900_000, (n) => `a${n.toString(36)}="" `)}/>`),
    says: /more than 256 attributes/,
  },
  '20,000 namespaces over 5,000 elements': {
    text: () =>
      `<metalink xmlns="${NAMESPACE}" ${numbered(20_000, (n) => `xmlns:a${n}="u" `)}>` +
      `${fill('<x/>', 20_000)}</metalink>`,
    says: /more than 256 attributes/,
  },
  'a name of 4 million marks': {
    text: () => metalink(file(URL_, MARKS.repeat(2_000_000))),
    says: /longer than 262144 characters/,
  },
  'a host of 4 million marks': {
    text: () => metalink(file(`<url>http://a${MARKS.repeat(2_000_000)}/</url>`)),
    says: /longer than 262144 characters/,
  },
  'a host of 200,000 marks': {
    text: () => metalink(file(`<url>http://a${MARKS.repeat(100_000)}/</url>`)),
    says: /no http or https URL/,
  },
  'a declaration of 8 million characters': {
    text: () => `<!${'x'.repeat(8_000_000)}`,
    says: /not well-formed/,
  },
  'a comment without an end': {
    text: () => metalink(`<!--${'-x'.repeat(4_000_000)}`),
    says: /longer than 262144 characters/,
  },
  'a processing instruction without an end': {
    text: () => metalink(`<?a ${'?x'.repeat(4_000_000)}`),
    says: /longer than 262144 characters/,
  },
  'an entity without an end': {
    text: () => metalink(`&${'a'.repeat(8_000_000)}`),
    says: /longer than 262144 characters/,
  },
  'a text of line ends': {
    text: () => metalink(file(`x${'\r'.repeat(8_000_000)}`)),
    says: /longer than 262144 characters/,
  },
  'a depth of a million': {
    text: () => '<a>'.repeat(1_000_000),
    says: /nested deeper than 32/,
  },
  'a million elements': {
    text: () => metalink('<a/>'.repeat(1_000_000)),
    says: /more than 200000 elements/,
  },
  'texts of 9 million characters': {
    text: () => metalink(fill(`<a>${'x'.repeat(10_000)}</a>`, 9_000_000)),
    says: /longer than 8388608 characters/,
  },
};

/** Metalinks within all bounds that take as long as is known. */
export const SLOW_METALINKS: Record<string, () => string> = {
  comments: () => metalink(fill('<!---x-x-->', 24 * MIB) + file(URL_)),
  'CDATA sections': () => metalink(fill('<![CDATA[ ]]>', 24 * MIB) + file(URL_)),
  'hosts of marks': () =>
    metalink(numbered(500, (n) => file(`<url>http://a${n}${MARKS.repeat(8_000)}/</url>`, `f${n}`))),
  'attributes and namespaces': () =>
    metalink(fill(`<a ${numbered(250, (n) => `xmlns:a${n}="u${n}" `)}/>`, 7 * MIB) + file(URL_)),
  'elements in the greatest depth': () =>
    metalink(fill(`${'<a>'.repeat(30)}${'</a>'.repeat(30)}`, MIB) + file(URL_)),
  pieces: () =>
    metalink(
      file(
        `${URL_}<pieces type="md5" length="1">${fill(`<hash>${'a'.repeat(32)}</hash>`, 24 * MIB)}</pieces>`,
      ),
    ),
  'pieces in the wrong order': () =>
    `<metalink xmlns="http://www.metalinker.org/"><files><file name="a"><verification>` +
    `<pieces type="md5" length="1">${numbered(
      400_000,
      (n) => `<hash piece="${399_999 - n}">${'a'.repeat(32)}</hash>`,
    )}</pieces></verification><resources>${URL_}</resources></file></files></metalink>`,
};

/** Comments, and some files behind them: a parser that does not look up is busy for seconds. */
export const slowest = (): string =>
  metalink(
    fill('<!---x-x-->', 42 * MIB) + numbered(500, (n) => file(`<url>http://a${n}/</url>`, `f${n}`)),
  );

const DIGEST = 'ab'.repeat(32);

/** Lists of checksums, and what is said of them. */
export const HOSTILE_LISTS: Record<string, { text: () => string; says: RegExp }> = {
  'a digest, blanks, a CR and one more character': {
    text: () => `${DIGEST}${' '.repeat(MIB - 80)}\rx`,
    says: /line 1 is longer than 16384 characters/,
  },
  'lines of blanks': {
    text: () => fill(`${DIGEST}${' '.repeat(16_000)}\u2028x\n`, MIB),
    says: /no line for/,
  },
  'lines of brackets': {
    text: () => fill(`SHA256 (${') = '.repeat(4_000)}\n`, MIB),
    says: /no checksum in it/,
  },
  'a line of 500,000 marks': {
    text: () => `${DIGEST}  ${MARKS.repeat(250_000)}`,
    says: /line 1 is longer than 16384 characters/,
  },
  'lines of marks': {
    text: () => fill(`${DIGEST}  ${MARKS.repeat(8_000)}\n`, MIB / 2),
    says: /no line for/,
  },
  'long names that disagree': {
    text: () => [DIGEST, '00'.repeat(32)].map((hex) => `${hex}  ${'d/'.repeat(8_000)}f`).join('\n'),
    says: /disagree/,
  },
};
