import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import type { Endpoint, ProxyHop } from '../../../src/net/endpoint.js';
import { SocksTalk } from '../../../src/net/socks.js';

const PROXY: ProxyHop = {
  kind: 'socks5h',
  host: 'proxy.test',
  port: 1080,
  user: null,
  from: '--proxy',
  tls: null,
  targets: null,
  userAgent: '',
};
const ENDPOINT: Endpoint = {
  scheme: 'http',
  host: 'a.test',
  port: 0x1f90,
  addresses: [],
  tls: null,
  proxy: PROXY,
};

/** The request for a target, in hexadecimal. */
function requestFor(target: string): string | undefined {
  const talk = new SocksTalk(ENDPOINT, PROXY, target);
  const heard = talk.hear(Buffer.from([5, 0]));
  return Buffer.from(heard?.send ?? []).toString('hex');
}

describe('net/socks: RFC 1928 and RFC 1929', () => {
  for (const [target, expected] of [
    ['a.test', `0501000306${Buffer.from('a.test').toString('hex')}1f90`],
    ['192.0.2.1', '05010001c00002011f90'],
    ['2001:db8::1', '05010004' + '20010db8000000000000000000000001' + '1f90'],
    ['::', '05010004' + '0'.repeat(32) + '1f90'],
    ['1::', '050100040001' + '0'.repeat(28) + '1f90'],
    ['::ffff:192.0.2.1', '05010004' + '0'.repeat(20) + 'ffffc0000201' + '1f90'],
    ['1:2:3:4:5:6:7:8', '05010004' + '00010002000300040005000600070008' + '1f90'],
  ] as const)
    it(`asks for ${target}`, () => expect(requestFor(target)).equal(expected));

  it('offers a password only where there is one, and says both in UTF-8', () => {
    expect([...new SocksTalk(ENDPOINT, PROXY, 'a').opening]).deep.equal([5, 1, 0]);
    const named = { ...PROXY, user: { user: 'ü', password: 'pw' } };
    const talk = new SocksTalk(ENDPOINT, named, 'a');
    expect([...talk.opening]).deep.equal([5, 2, 0, 2]);
    const said = talk.hear(Buffer.from([5, 2]))?.send ?? [];
    expect([...said]).deep.equal([1, 2, 0xc3, 0xbc, 2, 0x70, 0x77]);
  });

  it('takes a reply of any length, byte by byte, and nothing behind it', () => {
    for (const reply of [
      [5, 0, 0, 1, 1, 2, 3, 4, 0, 80],
      [5, 0, 0, 4, ...Array<number>(16).fill(7), 0, 80],
      [5, 0, 0, 3, 3, 97, 98, 99, 0, 80],
    ]) {
      const talk = new SocksTalk(ENDPOINT, PROXY, 'a');
      talk.hear(Buffer.from([5, 0]));
      for (let length = 0; length < reply.length; length++)
        expect(talk.hear(Buffer.from(reply.slice(0, length)))).equal(null);
      const heard = talk.hear(Buffer.from([...reply, 1]));
      expect(heard).deep.equal({ taken: reply.length, send: null, done: true });
    }
  });

  for (const [what, bytes, code] of [
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request'), 'PROXY_FAILED'],
    ['SOCKS4', Buffer.from([0, 0x5a]), 'PROXY_FAILED'],
    ['a password that there is not', Buffer.from([5, 2]), 'PROXY_AUTH'],
    ['GSSAPI', Buffer.from([5, 1]), 'PROXY_AUTH'],
    ['no method at all', Buffer.from([5, 0xff]), 'PROXY_AUTH'],
  ] as const)
    it(`refuses an answer that wants ${what}`, () => {
      const talk = new SocksTalk(ENDPOINT, PROXY, 'a');
      expect(() => talk.hear(bytes))
        .throw(SluiceError)
        .with.property('code', code);
    });

  it('tells a refusal by rule from one that may pass', () => {
    for (const [reply, code] of [
      [2, 'PROXY_REFUSED'],
      [4, 'PROXY_FAILED'],
      [99, 'PROXY_FAILED'],
    ] as const) {
      const talk = new SocksTalk(ENDPOINT, PROXY, 'a');
      talk.hear(Buffer.from([5, 0]));
      expect(() => talk.hear(Buffer.from([5, reply])))
        .throw(SluiceError)
        .with.property('code', code);
    }
  });
});
