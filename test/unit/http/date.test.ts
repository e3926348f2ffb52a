import { expect } from 'chai';
import fc from 'fast-check';
import { parseHttpDate, parseLooseDate } from '../../../src/http/date.js';
import { MAX_RETRY_AFTER_MS, parseRetryAfter } from '../../../src/http/retry-after.js';

const AT = Date.UTC(1994, 10, 6, 8, 49, 37);

describe('http/date: parseHttpDate', () => {
  it('reads the three forms of RFC 9110 §5.6.7', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT')).to.equal(AT);
    expect(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT', now)).to.equal(AT);
    expect(parseHttpDate('Sun Nov  6 08:49:37 1994')).to.equal(AT);
    expect(parseHttpDate('Wed Nov 16 08:49:37 1994')).to.equal(AT + 10 * 86_400_000);
  });

  it('reads what toUTCString writes, for every year of four digits', () => {
    const date = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(date, (at) => {
        expect(parseHttpDate(at.toUTCString())).to.equal(Math.floor(at.getTime() / 1000) * 1000);
      }),
    );
  });

  it('reads every weekday and month, the ends of the clock and of the months', () => {
    const names = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
    for (const name of names) {
      expect(parseHttpDate(`${name}, 06 Nov 1994 08:49:37 GMT`)).to.equal(AT);
    }
    const long = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
    for (const name of long) {
      expect(parseHttpDate(`${name}, 06-Nov-94 08:49:37 GMT`, AT)).to.equal(AT);
    }
    const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
    for (const [i, month] of months.entries()) {
      expect(parseHttpDate(`Sun, 28 ${month} 1994 00:00:00 GMT`)).to.equal(Date.UTC(1994, i, 28));
    }
    expect(parseHttpDate('Sun, 31 Dec 1994 23:59:59 GMT')).to.equal(Date.UTC(1995, 0, 1) - 1000);
    expect(parseHttpDate('Sun, 31 Dec 1994 23:59:60 GMT')).to.equal(Date.UTC(1995, 0, 1));
    expect(parseHttpDate('Thu, 29 Feb 1996 00:00:00 GMT')).to.equal(Date.UTC(1996, 1, 29));
    expect(parseHttpDate('Sun, 01 Jan 0050 00:00:00 GMT')).to.equal(
      Date.parse('0050-01-01T00:00:00Z'),
    );
  });

  it('takes a two-digit year for the last one that is not more than 50 years ahead', () => {
    const now = Date.UTC(2026, 5, 15);
    const year = (digits: string, from = now) => {
      const ms = parseHttpDate(`Sunday, 15-Jun-${digits} 00:00:00 GMT`, from);
      return ms === null ? null : new Date(ms).getUTCFullYear();
    };
    expect(year('26')).to.equal(2026);
    expect(year('00')).to.equal(2000);
    expect(year('27')).to.equal(2027);
    expect(year('76')).to.equal(2076);
    expect(year('77')).to.equal(1977);
    expect(year('99')).to.equal(1999);
    expect(year('10', Date.UTC(1990, 0, 1))).to.equal(2010);
    expect(parseHttpDate('Sunday, 16-Jun-76 00:00:00 GMT', now)).to.equal(Date.UTC(1976, 5, 16));
    expect(parseHttpDate('Sunday, 30-Feb-76 00:00:00 GMT', now)).to.equal(null);
  });

  for (const text of [
    ...['', 'x', '0', '784111777', 'Sun, 06 Nov 1994 08:49:37', 'Sun, 06 Nov 1994 08:49:37 UTC'],
    ...[
      'Sun, 6 Nov 1994 08:49:37 GMT',
      'Sun, 06 nov 1994 08:49:37 GMT',
      '06 Nov 1994 08:49:37 GMT',
    ],
    ...[
      'Sun, 06 Nov 94 08:49:37 GMT',
      'Sun, 06 Nov 19940 08:49:37 GMT',
      'Xxx, 06 Nov 1994 08:49:37 GMT',
    ],
    ...[
      'Sun, 06 Nov 1994 24:00:00 GMT',
      'Sun, 06 Nov 1994 08:60:37 GMT',
      'Sun, 06 Nov 1994 08:49:61 GMT',
    ],
    ...[
      'Sun, 00 Nov 1994 08:49:37 GMT',
      'Sun, 31 Nov 1994 08:49:37 GMT',
      'Wed, 29 Feb 1995 00:00:00 GMT',
    ],
    ...[
      'Sun, 32 Dec 1994 00:00:00 GMT',
      'Sun, 06 Nov 1994 8:49:37 GMT',
      ' Sun, 06 Nov 1994 08:49:37 GMT',
    ],
    ...[
      'Sun, 06 Nov 1994 08:49:37 GMT ',
      'Sun, 06 Nov 1994 08:49:37 +0000',
      'Sun,06 Nov 1994 08:49:37 GMT',
    ],
    ...[
      'Sun, 06-Nov-94 08:49:37 GMT',
      'Sunday, 06-Nov-1994 08:49:37 GMT',
      'Sunday, 06 Nov 94 08:49:37 GMT',
    ],
    ...[
      'xSunday, 06-Nov-94 08:49:37 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMTx',
      'Sun Nov 6 08:49:37 1994',
    ],
    ...['Sun Nov 06  08:49:37 1994', 'Sun Nov  6 08:49:37 1994 GMT', 'xSun Nov  6 08:49:37 1994'],
    ...['Sun, 06 Nov 1994 08:49:37 GMT\n', 'Sun Nov  0 08:49:37 1994'],
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(parseHttpDate(text, AT)).to.equal(null);
    });
  }
});

describe('http/date: parseLooseDate', () => {
  for (const text of [
    ...['Sun, 06 Nov 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 08:49:37 +0000'],
    ...[
      'Sun, 06 Nov 1994 08:49:37 UTC',
      'Sun, 06 Nov 1994 08:49:37 -0000',
      'Sun, 6 Nov 1994 8:49:37 GMT',
    ],
    ...[
      'Sun, 06 Nov 1994 09:49:37 +0100',
      'Sun, 06 Nov 1994 03:19:37 -05:30',
      '06 Nov 1994 08:49:37 GMT',
    ],
    ...[
      'Sun, 06 Nov 1994 08:49:37 GMT+0000',
      'Sun, 06-Nov-1994 08:49:37 GMT',
      'Sunday, 06 November 1994 08:49:37 Z',
    ],
    ...[
      'sun, 06 nov 1994 08:49:37 gmt',
      'Sun 06 Nov 1994 08:49:37 UT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
    ],
    ...[
      '1994-11-06T08:49:37Z',
      '1994-11-06T08:49:37+00:00',
      '1994-11-06 08:49:37 UTC',
      '1994-11-06T10:49:37+02',
    ],
    ...['1994-11-06 08:49:37 +0000', '1994-11-06T08:49:37.000Z', '1994-11-06t08:49:37z'],
    ...['Sun Nov  6 08:49:37 1994', 'Sun Nov 6 08:49:37 1994', 'Sun Nov 06 08:49:37 UTC 1994'],
    ...[
      'Sun Nov  6 08:49:37 GMT 1994',
      'Sun Nov  6 09:49:37 GMT +0100 1994',
      'Sun Nov 06 09:49:37 +0100 1994',
    ],
    ...[
      'Sun Nov 06 1994 08:49:37 GMT+0000 (Coordinated Universal Time)',
      'Sun, Nov 6, 1994 08:49:37 GMT',
    ],
  ]) {
    it(`reads ${JSON.stringify(text)}`, () => {
      expect(parseLooseDate(text, AT)).to.equal(AT);
    });
  }

  it('keeps parts of a second, for they tell two files apart', () => {
    expect(parseLooseDate('1994-11-06T08:49:37.25Z')).to.equal(AT + 250);
    expect(parseLooseDate('1994-11-06T08:49:37,001Z')).to.equal(AT + 1);
    expect(parseLooseDate('Sun, 06 Nov 1994 08:49:37.5 GMT')).to.equal(AT + 500);
    const [a, b] = ['000001', '000002'].map((part) =>
      parseLooseDate(`2024-11-06T08:49:37.${part}Z`),
    );
    expect(a).to.not.equal(b);
  });

  for (const text of [
    ...[
      '',
      'yesterday',
      '0',
      '784111777',
      'Sun, 06 Nov 1994 08:49:37',
      '1994-11-06T08:49:37',
      '1994-11-06',
    ],
    ...[
      'Sun, 06 Nov 1994 08:49:37 EST',
      'Sun, 06 Nov 1994 08:49:37 CET',
      'Sun, 06 Nov 94 08:49:37 GMT',
    ],
    ...['11/06/1994 08:49:37 GMT', '06.11.1994 08:49:37 GMT', 'Sun, 06 11 1994 08:49:37 GMT'],
    ...[
      'Sun, 06 Noz 1994 08:49:37 GMT',
      'Sun, 06 Novembers 1994 08:49:37 GMT',
      'Sun, 06 No 1994 08:49:37 GMT',
    ],
    ...[
      'Sun, 31 Nov 1994 08:49:37 +0000',
      'Sun, 06 Nov 1994 24:49:37 +0000',
      'Sun, 06 Nov 1994 08:60:37 UTC',
    ],
    ...[
      'Sun, 06 Nov 1994 08:49:61 UTC',
      'Sun, 06 Nov 1994 08:49:37 +1500',
      'Sun, 06 Nov 1994 08:49:37 +0060',
    ],
    ...[
      '1994-13-06T08:49:37Z',
      '1994-00-06T08:49:37Z',
      '1994-11-31T08:49:37Z',
      '1994-11-06T08:49:37Zx',
    ],
    ...[
      ' 1994-11-06T08:49:37Z',
      '1994-11-06T08:49:37 PST',
      '1994-11-06T8:49:37Z',
      '94-11-06T08:49:37Z',
    ],
  ]) {
    it(`does not guess at ${JSON.stringify(text)}`, () => {
      expect(parseLooseDate(text, AT)).to.equal(null);
    });
  }

  it('reads every date that it reads in ISO 8601 and with any offset as Node does', () => {
    const date = fc.date({ min: new Date(0), max: new Date('9999-12-30'), noInvalidDate: true });
    fc.assert(
      fc.property(date, fc.integer({ min: -840, max: 840 }), (at, minutes) => {
        expect(parseLooseDate(at.toISOString())).to.equal(at.getTime());
        const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
        const two = (value: number): string => String(value).padStart(2, '0');
        const zone = `${minutes < 0 ? '-' : '+'}${two(hours)}${two(rest)}`;
        const text = `${at.toUTCString().slice(0, -3)}${zone}`;
        expect(parseLooseDate(text)).to.equal(Date.parse(text));
      }),
    );
  });
});

describe('http/retry-after: P21', () => {
  const now = AT;
  const wait = (...values: string[]) => parseRetryAfter(values, now);

  it('reads seconds', () => {
    expect(wait('0')).to.equal(0);
    expect(wait('120')).to.equal(120_000);
  });

  it('reads a date, and takes the past for now', () => {
    expect(wait('Sun, 06 Nov 1994 08:49:47 GMT')).to.equal(10_000);
    expect(wait('Sun, 06 Nov 1994 08:49:37 GMT')).to.equal(0);
    expect(wait('Sun, 06 Nov 1994 08:49:36 GMT')).to.equal(0);
    expect(wait('Sunday, 06-Nov-94 08:49:38 GMT')).to.equal(1000);
  });

  it('is at most a day', () => {
    expect(MAX_RETRY_AFTER_MS).to.equal(86_400_000);
    expect(wait('86400')).to.equal(86_400_000);
    expect(wait('86399')).to.equal(86_399_000);
    expect(wait('86401')).to.equal(86_400_000);
    expect(wait('9'.repeat(400))).to.equal(86_400_000);
    expect(wait('Sun, 06 Nov 2094 08:49:37 GMT')).to.equal(86_400_000);
  });

  it('understands nothing else', () => {
    for (const value of ['', '-1', '+1', '1.5', '1s', ' 1', '5,', '5, x', 'soon', '0x5']) {
      expect(wait(value), value).to.equal(null);
    }
    expect(wait()).to.equal(null);
  });

  it('takes the longest of several, and leaves out what it does not understand', () => {
    expect(wait('5', '7')).to.equal(7000);
    expect(wait('5, 7,6')).to.equal(7000);
    expect(wait('soon', '3')).to.equal(3000);
    expect(wait('Sun, 06 Nov 1994 08:49:47 GMT', '3')).to.equal(10_000);
    expect(wait('soon', 'later')).to.equal(null);
  });
});
