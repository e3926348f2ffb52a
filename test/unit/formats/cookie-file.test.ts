import { expect } from 'chai';
import type { SluiceError } from '../../../src/errors.js';
import { parseCookieFile } from '../../../src/formats/cookie-file.js';

const parse = (...fields: string[]) => parseCookieFile(fields.join('\t'), 'cookies.txt');

describe("formats/cookie-file: Netscape's format", () => {
  it('reads the seven fields', () => {
    expect(parse('.A.test', 'TRUE', '/p', 'TRUE', '4102444800', 'n', 'v=w')).deep.equal([
      {
        domain: 'a.test',
        isHostOnly: false,
        path: '/p',
        isSecure: true,
        isHttpOnly: false,
        expiresMs: 4102444800000,
        name: 'n',
        value: 'v=w',
      },
    ]);
  });

  it('takes #HttpOnly_ for a cookie, and any other # for a comment', () => {
    const text = [
      '\uFEFF# Netscape HTTP Cookie File',
      '',
      '#HttpOnly_a.test\tFALSE\t/\tFALSE\t0\tn\tv',
      '#b.test\tFALSE\t/\tFALSE\t0\tn\tv',
    ].join('\r\n');
    const [cookie, ...others] = parseCookieFile(text, 'cookies.txt');
    expect(others).deep.equal([]);
    expect(cookie).deep.include({ isHttpOnly: true, isHostOnly: true, expiresMs: null });
  });

  it('takes what other programs write: no value, fractions of a second, an address, UTF-8', () => {
    expect(parse('a.test', 'FALSE', '/', 'FALSE', '0', 'n')[0]?.value).equal('');
    expect(parse('a.test', 'FALSE', '/', 'FALSE', '1.5', 'n', '')[0]?.expiresMs).equal(1500);
    expect(parse('127.0.0.1', 'FALSE', '', 'FALSE', '0', 'n', 'v')[0]).include({
      domain: '127.0.0.1',
      path: '/',
    });
    expect(parse('a.test', 'FALSE', '/', 'FALSE', '0', 'n', 'ü')[0]?.value).equal('Ã¼');
  });

  for (const [what, ...fields] of [
    ['blanks for tabs', 'a.test FALSE / FALSE 0 n canary'],
    ['too few fields', 'a.test', 'FALSE', '/', 'FALSE', '0'],
    ['too many fields', 'a.test', 'FALSE', '/', 'FALSE', '0', 'n', 'canary', 'x'],
    ['no domain', '', 'FALSE', '/', 'FALSE', '0', 'n', 'canary'],
    ['a domain with a path', 'a.test/x', 'FALSE', '/', 'FALSE', '0', 'n', 'canary'],
    ['a domain with a port', 'a.test:80', 'FALSE', '/', 'FALSE', '0', 'n', 'canary'],
    ['another word than TRUE', 'a.test', 'YES', '/', 'FALSE', '0', 'n', 'canary'],
    ['no number', 'a.test', 'FALSE', '/', 'FALSE', 'soon', 'n', 'canary'],
    ['no name', 'a.test', 'FALSE', '/', 'FALSE', '0', '', 'canary'],
    ['a control character', 'a.test', 'FALSE', '/', 'FALSE', '0', 'n', 'canary\x01'],
    ['a second cookie in it', 'a.test', 'FALSE', '/', 'FALSE', '0', 'n', 'canary; m=1'],
  ] as const)
    it(`P12: ${what} is an error with the line, and nothing of what stands there`, () => {
      try {
        parse('# first\na.test', 'FALSE', '/', 'FALSE', '0', 'n', `v\n${fields.join('\t')}`);
      } catch (error) {
        const { code, message } = error as SluiceError;
        expect(code).equal('CREDENTIALS_FILE');
        expect(message).contain('line 3:').and.not.contain('canary');
        return;
      }
      throw new Error('it was taken');
    });
});
