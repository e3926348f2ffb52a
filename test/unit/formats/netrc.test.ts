import { expect } from 'chai';
import type { SluiceError } from '../../../src/errors.js';
import { netrcFor, parseNetrc } from '../../../src/formats/netrc.js';

const one = (text: string, host = 'a.test', login: string | null = null): string | null => {
  const entry = netrcFor(parseNetrc(text, 'netrc'), host, login, true);
  return entry === null ? null : `${entry.login}:${entry.password}`;
};

describe("formats/netrc: curl's dialect", () => {
  for (const [what, text, expected] of [
    ['one line', 'machine a.test login u password p', 'u:p'],
    ['many lines', 'machine\na.test\n  login u\n\tpassword p\n', 'u:p'],
    ['CRLF', 'machine a.test\r\nlogin u\r\npassword p\r\n', 'u:p'],
    ['another case', 'MACHINE A.Test LOGIN u Password p', 'u:p'],
    [
      'the first of two',
      'machine a.test login u password p machine a.test login v password q',
      'u:p',
    ],
    [
      'another machine before',
      'machine b.test login v password q machine a.test login u password p',
      'u:p',
    ],
    ['default behind', 'machine b.test login v password q default login u password p', 'u:p'],
    ['default before', 'default login u password p machine a.test login v password q', 'u:p'],
    ['an account', 'machine a.test login u account x password p', 'u:p'],
    [
      'a comment line',
      '# machine a.test login v password q\nmachine a.test login u password p',
      'u:p',
    ],
    ['a comment behind', 'machine a.test login u password p # machine', 'u:p'],
    ['quotes', 'machine a.test login "u v" password "p\\"q\\\\r\\n#"', 'u v:p"q\\r\n#'],
    ['a # inside', 'machine a.test login u password p#q', 'u:p#q'],
    [
      'a macro',
      'machine a.test login u password p\nmacdef init\nmachine a.test\nlogin v\n\nmachine b.test login x password y',
      'u:p',
    ],
    [
      'a macro before',
      'macdef init\nmachine a.test login v password q\n\nmachine a.test login u password p',
      'u:p',
    ],
    ['no password', 'machine a.test login u', 'u:'],
    ['nobody', 'machine b.test login u password p', null],
    ['an empty file', '', null],
  ] as const)
    it(what, () => expect(one(text)).equal(expected));

  it('finds the password of a login', () => {
    const text = 'machine a.test login u password p\nmachine a.test login v password q';
    expect(one(text, 'a.test', 'v')).equal('v:q');
    expect(one(text, 'a.test', 'w')).equal(null);
    expect(one('machine a.test password p', 'a.test', 'v')).equal(':p');
  });

  it('P11: keeps what is for every machine from those that a server names', () => {
    const entries = parseNetrc('default login u password p', 'netrc');
    expect(netrcFor(entries, 'a.test', null, false)).equal(null);
  });

  for (const [what, text, line] of [
    ['no machine', '\nmachine', 2],
    ['no password', 'machine a login u password # canary', 1],
    ['an open quote', 'machine a\nlogin "canary', 2],
    ['another word', 'machine a\nlogin u canary', 2],
  ] as const)
    it(`P12: ${what} is an error with its line, and nothing of what stands there`, () => {
      try {
        parseNetrc(text, 'netrc');
      } catch (error) {
        const { code, message, details } = error as SluiceError;
        expect(code).equal('CREDENTIALS_FILE');
        expect(message).contain(`line ${line}:`).and.not.contain('canary');
        expect(details.next).contain('machine HOST login NAME password PASSWORD');
        return;
      }
      throw new Error('it was taken');
    });

  it('P26: reads a file of the greatest length in linear time', () => {
    const text = 'machine a login "b" password c\n'.repeat(30_000);
    const began = performance.now();
    expect(parseNetrc(text, 'netrc')).length(30_000);
    expect(performance.now() - began).below(2000);
  });
});
