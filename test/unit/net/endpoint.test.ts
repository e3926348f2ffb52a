/** Whose connections and TLS sessions may serve whom. */
import { expect } from 'chai';
import { endpointKey, originKey } from '../../../src/net/endpoint.js';
import type { Endpoint, ProxyHop, TlsSettings } from '../../../src/net/endpoint.js';

const TLS: TlsSettings = { ca: null, cert: null, key: null, verify: true };
const ENDPOINT: Endpoint = { scheme: 'https', host: 'a', port: 443, addresses: [], tls: TLS };

const withTls = (settings: Partial<TlsSettings>): Endpoint => ({
  ...ENDPOINT,
  tls: { ...TLS, ...settings },
});

const by = (proxy: Partial<ProxyHop>): Endpoint => ({
  ...ENDPOINT,
  proxy: {
    kind: 'http',
    host: 'p',
    port: 1,
    user: null,
    from: '--proxy',
    tls: null,
    userAgent: '',
    targets: null,
    ...proxy,
  },
});

describe('net/endpoint', () => {
  it('P1: what differs in origin, proxy, trust or client certificate shares nothing', () => {
    const all: Endpoint[] = [
      ENDPOINT,
      { ...ENDPOINT, host: 'b' },
      { ...ENDPOINT, host: 'a.' },
      { ...ENDPOINT, port: 444 },
      { ...ENDPOINT, scheme: 'http', tls: null },
      withTls({ verify: false }),
      withTls({ ca: 'x' }),
      withTls({ ca: 'x', verify: false }),
      withTls({ cert: 'x' }),
      withTls({ cert: 'x', key: 'y' }),
      withTls({ cert: 'x', key: 'z' }),
      withTls({ ca: 'xy' }),
      withTls({ ca: 'x', cert: 'y' }),
      by({}),
      by({ kind: 'https' }),
      by({ kind: 'https', tls: TLS }),
      by({ host: 'q' }),
      by({ port: 2 }),
      by({ user: { user: 'x', password: 'y' } }),
      by({ user: { user: 'x', password: 'z' } }),
    ];
    const keys = new Set(all.map(endpointKey));
    expect(keys.size).equal(all.length);
  });

  it('equal settings are the same ones, in other threads too', () => {
    const one = withTls({ ca: 'x', cert: 'y', key: 'z' });
    expect(endpointKey(structuredClone(one))).equal(endpointKey(one));
    expect(endpointKey({ ...one, addresses: [{ address: '::1', family: 6 }] })).equal(
      endpointKey(one),
    );
  });

  it('an origin is the same whoever trusts it', () => {
    expect(originKey(withTls({ verify: false })))
      .equal(originKey(ENDPOINT))
      .equal('https://a:443');
  });
});
