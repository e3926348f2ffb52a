import { expect } from 'chai';
import {
  baseFields,
  hostHeader,
  parseHeaderFlag,
  requestTarget,
  writeRequest,
} from '../../../src/http/request.js';
import type { RequestSpec, UserField } from '../../../src/http/request.js';
import { refusal } from './support.js';

const spec = (fields: RequestSpec['fields'], more: Partial<RequestSpec> = {}): RequestSpec => ({
  method: 'GET',
  target: '/a?b',
  host: 'h:1',
  fields,
  ...more,
});

describe('http/request: writeRequest', () => {
  it('writes the request line, Host first, then the fields in order', () => {
    const written = writeRequest(
      spec([
        ['B', '2'],
        ['A', '1'],
        ['Empty', ''],
        ['L', '\xe9\t~'],
      ]),
    );
    expect(written.toString('latin1')).to.equal(
      'GET /a?b HTTP/1.1\r\nHost: h:1\r\nB: 2\r\nA: 1\r\nEmpty: \r\nL: \xe9\t~\r\n\r\n',
    );
  });

  it('writes HEAD, CONNECT and no fields', () => {
    expect(writeRequest(spec([], { method: 'HEAD' })).toString()).to.equal(
      'HEAD /a?b HTTP/1.1\r\nHost: h:1\r\n\r\n',
    );
    expect(writeRequest(spec([], { method: 'CONNECT', target: 'h:1' })).toString()).to.equal(
      'CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n',
    );
  });

  it('lets a Host among the fields take the place of the other', () => {
    expect(
      writeRequest(
        spec([
          ['A', '1'],
          ['hOST', 'x'],
        ]),
      ).toString(),
    ).to.equal('GET /a?b HTTP/1.1\r\nHost: x\r\nA: 1\r\n\r\n');
    refusal(
      () =>
        writeRequest(
          spec([
            ['Host', 'x'],
            ['host', 'x'],
          ]),
        ),
      'USAGE',
    );
    refusal(() => writeRequest(spec([['Host', '']])), 'USAGE');
  });

  it('refuses a target or a Host that would break the request', () => {
    for (const target of ['', '/a b', '/a\r\nX: y', '/\x00', '/\xe9', '/\x7f', '/\u{1f600}']) {
      refusal(() => writeRequest(spec([], { target })), 'USAGE');
    }
    for (const host of ['', 'h h', 'h\r\nX: y', 'h\n', 'h\u0100']) {
      refusal(() => writeRequest(spec([], { host })), 'USAGE');
    }
  });

  it('refuses names and values that cannot be sent, and never shows a value', () => {
    for (const name of ['', 'A B', 'A:', 'A\r', 'A\n', '\xe9', 'A\x00']) {
      refusal(() => writeRequest(spec([[name, 'x']])), 'USAGE');
    }
    for (const value of ['a\rb', 'a\nb', 'a\x00b', 'a\x1fb', 'a\x7fb', '\u0100', 'a\r\n']) {
      const error = refusal(() => writeRequest(spec([['X-Key', `secret${value}`]])), 'USAGE');
      expect(error.message).to.contain('X-Key').and.not.contain('secret');
    }
  });
});

describe('http/request: requestTarget and hostHeader', () => {
  it('is path and query, without fragment and userinfo', () => {
    const target = (text: string) => requestTarget(new URL(text));
    expect(target('http://u:p@h/a/b%20c?x=1&y#z')).to.equal('/a/b%20c?x=1&y');
    expect(target('http://h')).to.equal('/');
    expect(target('http://h/a#?')).to.equal('/a');
    expect(target('http://h/a?')).to.equal('/a?');
    expect(target('http://h/a?#x')).to.equal('/a?');
    expect(target('http://h/a?b?')).to.equal('/a?b?');
    expect(target('http://h/a?b?x')).to.equal('/a?b?x');
  });

  it('names the port only when it is not the default', () => {
    expect(hostHeader(new URL('http://h:80/'))).to.equal('h');
    expect(hostHeader(new URL('https://H:443/'))).to.equal('h');
    expect(hostHeader(new URL('https://h:80/'))).to.equal('h:80');
    expect(hostHeader(new URL('http://[::1]:8080/'))).to.equal('[::1]:8080');
  });
});

describe('http/request: baseFields', () => {
  const base = (extra: UserField[], more = {}) => baseFields({ userAgent: 'ua', extra, ...more });
  const defaults = [
    ['User-Agent', 'ua'],
    ['Accept', '*/*'],
    ['Accept-Encoding', 'identity'],
  ];

  it('P10: has the defaults, identity among them', () => {
    expect(base([])).to.deep.equal(defaults);
    expect(base([], { userAgent: '' })).to.deep.equal(defaults.slice(1));
  });

  it('asks for a range, inclusive on the wire, and for If-Range only with it', () => {
    const range = { start: 0, end: 10 };
    expect(base([], { range })).to.deep.equal([...defaults, ['Range', 'bytes=0-9']]);
    expect(base([], { range: { start: 5, end: null }, ifRange: '"e"' })).to.deep.equal([
      ...defaults,
      ['Range', 'bytes=5-'],
      ['If-Range', '"e"'],
    ]);
    expect(base([], { ifRange: '"e"' })).to.deep.equal(defaults);
  });

  it('lets the user add, replace, remove and empty fields', () => {
    expect(
      base([
        ['X', '1'],
        ['x', '2'],
      ]),
    ).to.deep.equal([...defaults, ['X', '1'], ['x', '2']]);
    expect(base([['accept', 'text/html']])).to.deep.equal([
      defaults[0],
      defaults[2],
      ['accept', 'text/html'],
    ]);
    expect(base([['USER-AGENT', null]])).to.deep.equal(defaults.slice(1));
    expect(base([['Accept', '']])).to.deep.equal([defaults[0], defaults[2], ['Accept', '']]);
    expect(base([['Host', 'x']])).to.deep.equal([...defaults, ['Host', 'x']]);
    expect(base([['X-None', null]])).to.deep.equal(defaults);
  });

  for (const name of [
    ...['Range', 'If-Range', 'Accept-Encoding', 'Content-Length', 'Transfer-Encoding'],
    ...['Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer', 'Upgrade', 'Expect'],
  ]) {
    it(`refuses ${name} from the user, in any case, also to remove it`, () => {
      const error = refusal(() => base([[name, 'secret']]), 'USAGE');
      expect(error.message).to.contain(name).and.not.contain('secret');
      expect(error.details.next).to.be.a('string').and.not.equal('');
      refusal(() => base([[name.toUpperCase(), 'x']]), 'USAGE');
      refusal(() => base([[name.toLowerCase(), null]]), 'USAGE');
      refusal(() => parseHeaderFlag(`${name}: x`), 'USAGE');
      refusal(() => parseHeaderFlag(`${name}:`), 'USAGE');
    });
  }

  it('refuses a Host that is removed or empty', () => {
    const error = refusal(() => base([['host', null]]), 'USAGE');
    expect(error.details.next).to.equal('HTTP/1.1 needs it.');
    refusal(() => base([['Host', '']]), 'USAGE');
  });

  it('refuses what cannot be sent', () => {
    refusal(() => base([['X', 'a\r\nb']]), 'USAGE');
    refusal(() => base([['X Y', 'a']]), 'USAGE');
  });
});

describe('http/request: parseHeaderFlag', () => {
  it('reads the forms of curl', () => {
    expect(parseHeaderFlag('A: b')).to.deep.equal({ name: 'A', value: 'b' });
    expect(parseHeaderFlag('A:b: c;')).to.deep.equal({ name: 'A', value: 'b: c;' });
    expect(parseHeaderFlag('A: \t b \t')).to.deep.equal({ name: 'A', value: 'b' });
    expect(parseHeaderFlag('A:')).to.deep.equal({ name: 'A', value: null });
    expect(parseHeaderFlag('A:  ')).to.deep.equal({ name: 'A', value: null });
    expect(parseHeaderFlag('X-Empty;')).to.deep.equal({ name: 'X-Empty', value: '' });
    expect(parseHeaderFlag('A;')).to.deep.equal({ name: 'A', value: '' });
    expect(parseHeaderFlag('A; ')).to.deep.equal({ name: 'A', value: '' });
    expect(parseHeaderFlag('Host: x')).to.deep.equal({ name: 'Host', value: 'x' });
  });

  it('refuses anything else, without showing it', () => {
    for (const text of ['', 'secret', ': secret', 'secret x: y', ';', 'A;secret', ' A: secret']) {
      const error = refusal(() => parseHeaderFlag(text), 'USAGE');
      expect(error.message).to.not.contain('secret');
    }
    expect(refusal(() => parseHeaderFlag('x'), 'USAGE').details.next).to.contain('Name: value');
    refusal(() => parseHeaderFlag('A: b\nC: d'), 'USAGE');
    refusal(() => parseHeaderFlag('A: \u20ac'), 'USAGE');
  });
});
