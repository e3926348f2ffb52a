import { expect } from 'chai';
import fc from 'fast-check';
import {
  compareValidators,
  ifRangeValue,
  keptValidators,
  readValidators,
  strongValidator,
  whyUnproven,
} from '../../../src/http/validators.js';
import type { Validators } from '../../../src/http/validators.js';
import { headOf } from './support.js';

const MODIFIED = 'Sun, 06 Nov 1994 08:49:37 GMT';
const MODIFIED_MS = Date.UTC(1994, 10, 6, 8, 49, 37);
const none: Validators = { etag: null, lastModified: null, lastModifiedMs: null, dateMs: null };

const strong = (tag: string): Partial<Validators> => ({
  etag: { opaque: `"${tag}"`, weak: false },
});
const weak = (tag: string): Partial<Validators> => ({ etag: { opaque: `"${tag}"`, weak: true } });
/** Last-Modified, and a Date that comes so many ms later. */
const modified = (ageMs: number | null, shiftMs = 0): Partial<Validators> => ({
  lastModified: MODIFIED,
  lastModifiedMs: MODIFIED_MS + shiftMs,
  dateMs: ageMs === null ? null : MODIFIED_MS + shiftMs + ageMs,
});
const of = (...parts: Array<Partial<Validators>>): Validators =>
  Object.assign({ ...none }, ...parts) as Validators;

describe('http/validators: readValidators', () => {
  it('reads all three fields', () => {
    const head = headOf({
      etag: 'W/"a!#~\xff"',
      'last-modified': MODIFIED,
      date: 'Sun, 06 Nov 1994 08:50:37 GMT',
    });
    expect(readValidators(head)).to.deep.equal({
      etag: { opaque: '"a!#~\xff"', weak: true },
      lastModified: MODIFIED,
      lastModifiedMs: MODIFIED_MS,
      dateMs: MODIFIED_MS + 60_000,
    });
  });

  it('reads a strong and an empty ETag', () => {
    expect(readValidators(headOf({ etag: '"x"' })).etag).to.deep.equal({
      opaque: '"x"',
      weak: false,
    });
    expect(readValidators(headOf({ etag: '""' })).etag).to.deep.equal({
      opaque: '""',
      weak: false,
    });
  });

  it('has nothing where nothing is said', () => {
    expect(readValidators(headOf({}))).to.deep.equal(none);
  });

  for (const [etag, opaque, weak] of [
    ['5f3-61a', '5f3-61a', false],
    ['W/5f3', '5f3', true],
    ["'x'", "'x'", false],
    ['"a b"', '"a b"', false],
    ['W/"a, b"', '"a, b"', true],
  ] as const) {
    it(`compares the ETag ${JSON.stringify(etag)}, though HTTP has none such`, () => {
      const read = readValidators(headOf({ etag }));
      expect(read.etag).to.deep.equal({ opaque, weak });
      expect(keptValidators(JSON.parse(JSON.stringify(read)))).to.deep.equal(read);
      expect(compareValidators(read, read)).to.equal(weak ? 'unproven' : 'same');
      const other = readValidators(headOf({ etag: `${etag}2` }));
      if (other.etag !== null) expect(compareValidators(read, other)).to.equal('different');
      expect(ifRangeValue(read), 'a server could take it for neither').to.equal(null);
    });
  }

  for (const etag of [
    ...['"x', 'x"', 'w/"x"', 'W "x"', '"a"b"', '"a", "b"', 'a, b', 'a b', '', 'W/', '""x""'],
    ...['null', 'NULL', 'undefined', 'none', 'nil', 'NaN', 'false', '0', '-', 'W/null'],
  ]) {
    it(`takes the ETag ${JSON.stringify(etag)} for none`, () => {
      expect(readValidators(headOf({ etag })).etag).to.equal(null);
    });
  }

  it('takes a field that says two things, or a date that is none, for absent', () => {
    const LATER = 'Sun, 06 Nov 1994 08:50:37 GMT';
    const read = readValidators(
      headOf({ etag: ['"a"', '"b"'], 'last-modified': 'yesterday', date: [MODIFIED, LATER] }),
    );
    expect(read).to.deep.equal(none);
  });

  it('takes a field that says one thing twice', () => {
    const twice = headOf({
      etag: ['"a"', '"a"'],
      'last-modified': [MODIFIED, MODIFIED],
      date: [MODIFIED, MODIFIED],
    });
    expect(readValidators(twice)).to.deep.equal(of(strong('a'), modified(0)));
  });

  for (const text of [
    ...['Sun, 06 Nov 1994 08:49:37 +0000', 'Sun, 06 Nov 1994 08:49:37 UTC'],
    ...['Sun, 6 Nov 1994 8:49:37 GMT', '1994-11-06T08:49:37Z'],
  ]) {
    it(`P6: Last-Modified: ${text} is evidence like any date, but never goes into If-Range`, () => {
      const headWith = (date: string) => headOf({ 'last-modified': text, date });
      const old = readValidators(headWith('Sun, 06 Nov 1994 08:50:37 +0000'));
      expect(old).to.deep.equal({ ...of(modified(60_000)), lastModified: text });
      expect(strongValidator(old)).to.deep.equal({ kind: 'date', value: text });
      expect(ifRangeValue(old)).to.equal(null);
      expect(compareValidators(old, old)).to.equal('same');
      const fresh = readValidators(headWith('Sun, 06 Nov 1994 08:50:36 GMT'));
      expect(compareValidators(fresh, old)).to.equal('unproven');
      expect(keptValidators(JSON.parse(JSON.stringify(old)))).to.deep.equal(old);
    });
  }

  it('whyUnproven: says of each field why it proves nothing', () => {
    const why = (fields: Record<string, string | string[]>) => whyUnproven(headOf(fields));
    const DATE = { date: MODIFIED };
    expect(why({ etag: '"a"' })).to.equal(null);
    expect(why({ etag: 'a' })).to.equal(null);
    expect(why({ 'last-modified': '1994-11-06T08:48:37Z', ...DATE })).to.equal(null);
    expect(why({})).to.equal('it gives no ETag, and it gives no Last-Modified');
    expect(why({ etag: 'W/"a"' })).to.contain('weak (W/)');
    expect(why({ etag: 'null' })).to.contain('its ETag is none');
    expect(why({ etag: ['"a"', '"b"'] })).to.contain('several ETags');
    expect(why({ 'last-modified': 'yesterday' })).to.contain('no date with a zone');
    expect(why({ 'last-modified': [MODIFIED, 'x'] })).to.contain('several Last-Modified');
    expect(why({ 'last-modified': MODIFIED })).to.contain('Date is missing');
    expect(why({ 'last-modified': MODIFIED, ...DATE })).to.contain('less than 60 s older');
  });

  it('survives JSON', () => {
    const read = of(weak('a'), modified(1));
    expect(JSON.parse(JSON.stringify(read))).to.deep.equal(read);
  });
});

describe('http/validators: P6: strongValidator and ifRangeValue', () => {
  const both = (v: Validators) => [strongValidator(v), ifRangeValue(v)];
  const date = { kind: 'date', value: MODIFIED };

  it('a date is weak while the time of the answer is not known, however old it is', () => {
    const old = of({ lastModified: 'Wed, 01 Jan 1950 00:00:00 GMT', lastModifiedMs: -631152e6 });
    expect(both(old)).to.deep.equal([null, null]);
    expect(compareValidators(old, old)).to.equal('unproven');
  });

  it('prefers a strong ETag', () => {
    const tag = { kind: 'etag', value: '"a"' };
    expect(both(of(strong('a')))).to.deep.equal([tag, '"a"']);
    expect(both(of(strong('a'), modified(60_000)))).to.deep.equal([tag, '"a"']);
  });

  it('takes a Last-Modified of at least 60 s before Date', () => {
    expect(both(of(modified(60_000)))).to.deep.equal([date, MODIFIED]);
    expect(both(of(modified(59_999)))).to.deep.equal([null, null]);
    expect(both(of(modified(-60_000)))).to.deep.equal([null, null]);
    expect(both(of(modified(null)))).to.deep.equal([null, null]);
    expect(both(of({ dateMs: MODIFIED_MS }))).to.deep.equal([null, null]);
  });

  it('has no use for a weak ETag, and sends no date beside one', () => {
    expect(both(of(weak('a')))).to.deep.equal([null, null]);
    expect(both(of(weak('a'), modified(60_000)))).to.deep.equal([date, null]);
    expect(both(none)).to.deep.equal([null, null]);
  });
});

describe('http/validators: P6: compareValidators', () => {
  const OLD = modified(60_000);
  const FRESH = modified(59_999);
  const OTHER = modified(60_000, 1000);
  const rows: Array<[string, Partial<Validators>, Partial<Validators>, string]> = [
    // What the ETags are, known, seen, then with Last-Modified: strong equal, fresh equal,
    // different, missing in the known, in the seen, in both.
    ['both strong, equal', strong('a'), strong('a'), 'same same same same same same'],
    [
      'both strong, unequal',
      strong('a'),
      strong('b'),
      'different different different different different different',
    ],
    [
      'both weak, unequal',
      weak('a'),
      weak('b'),
      'different different different different different different',
    ],
    [
      'both weak, equal',
      weak('a'),
      weak('a'),
      'same unproven different unproven unproven unproven',
    ],
    ['no ETag', {}, {}, 'same unproven different unproven unproven unproven'],
    [
      'strong known, missing now',
      strong('a'),
      {},
      'same unproven different unproven unproven unproven',
    ],
    [
      'weak known, missing now',
      weak('a'),
      {},
      'same unproven different unproven unproven unproven',
    ],
    ['strong now only', {}, strong('a'), 'same unproven different unproven unproven unproven'],
    ['weak now only', {}, weak('a'), 'same unproven different unproven unproven unproven'],
    ['turned weak', strong('a'), weak('a'), 'same unproven different unproven unproven unproven'],
    ['turned strong', weak('a'), strong('a'), 'same unproven different unproven unproven unproven'],
    [
      'turned weak and other',
      strong('a'),
      weak('b'),
      'unproven unproven different unproven unproven unproven',
    ],
    [
      'turned strong and other',
      weak('a'),
      strong('b'),
      'unproven unproven different unproven unproven unproven',
    ],
  ];
  const dates: Array<[string, Partial<Validators>, Partial<Validators>]> = [
    ['equal and strong Last-Modified', OLD, OLD],
    ['equal and fresh Last-Modified', FRESH, OLD],
    ['different Last-Modified', OLD, OTHER],
    ['Last-Modified seen only', {}, OLD],
    ['Last-Modified known only', OLD, {}],
    ['no Last-Modified', {}, {}],
  ];
  for (const [tags, known, seen, outcomes] of rows) {
    for (const [i, [what, knownDate, seenDate]] of dates.entries()) {
      const outcome = outcomes.split(' ')[i];
      it(`${tags}, ${what}: ${outcome}`, () => {
        expect(compareValidators(of(known, knownDate), of(seen, seenDate))).to.equal(outcome);
      });
    }
  }

  it('needs the strong date in the known answer, not in the one seen now', () => {
    expect(compareValidators(of(OLD), of(FRESH))).to.equal('same');
    expect(compareValidators(of(OLD), of(modified(null)))).to.equal('same');
    expect(compareValidators(of(modified(null)), of(OLD))).to.equal('unproven');
  });

  it('compares instants, not texts', () => {
    expect(compareValidators(of(OLD), of(OLD, { lastModified: 'x' }))).to.equal('same');
  });

  it('says same of anything and itself exactly when it has a strong validator', () => {
    const tag = fc.option(fc.record({ opaque: fc.constantFrom('"a"', '"b"'), weak: fc.boolean() }));
    const date = fc.option(fc.constantFrom(0, 1000, 60_000, 61_000));
    const any = fc
      .record({ etag: tag, lastModifiedMs: date, dateMs: date })
      .map((v): Validators => ({
        ...v,
        lastModified: v.lastModifiedMs === null ? null : String(v.lastModifiedMs),
      }));
    fc.assert(
      fc.property(any, any, (v, w) => {
        const itself = strongValidator(v) === null ? 'unproven' : 'same';
        expect(compareValidators(v, v)).to.equal(itself);
        if (strongValidator(v) === null) {
          expect(compareValidators(v, w)).to.not.equal('same');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('http/validators: keptValidators', () => {
  it('gives back what readValidators gave', () => {
    for (const v of [
      none,
      { ...none, ...strong('a') },
      { ...none, ...weak('a'), ...modified(9) },
    ]) {
      expect(keptValidators(JSON.parse(JSON.stringify(v)))).to.deep.equal(v);
    }
  });

  it('takes nothing else from a file', () => {
    const odd = [
      ...[null, undefined, 1, 'x', [], {}, { etag: 'x' }, { etag: { opaque: 1, weak: false } }],
      ...[{ etag: { opaque: '"a"' } }, { etag: { opaque: 'a b', weak: false } }],
      ...[
        { etag: { opaque: 'W/"a"', weak: false } },
        { etag: { opaque: 'null', weak: false } },
        { etag: { opaque: '"a\r\nX: y"', weak: false } },
      ],
      ...[{ lastModified: 'today', lastModifiedMs: 1 }, { lastModified: 5 }, { dateMs: '1' }],
      ...[{ dateMs: NaN }, { lastModifiedMs: MODIFIED_MS }],
    ];
    for (const value of odd) expect(keptValidators(value), JSON.stringify(value)).deep.equal(none);
  });

  it('reads the date again instead of believing its number', () => {
    const kept = keptValidators({ lastModified: MODIFIED, lastModifiedMs: 5 });
    expect(kept.lastModifiedMs).to.equal(MODIFIED_MS);
  });
});
