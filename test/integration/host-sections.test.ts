/** What is set for hosts, with real servers: it goes to the host that is really asked, and nowhere else. */
import { expect } from 'chai';
import type { HostSection, HostValues } from '../../src/open/host-values.js';
import { certificates } from '../helpers/certificates.js';
import type { Certificates } from '../helpers/certificates.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import type { Origin } from '../helpers/origin.js';

const REFERENCE = { seed: 1, size: 3 * 1024 * 1024 };

describe('what is set for hosts', () => {
  const bench = benchPerTest();
  let all: Certificates;
  before(async () => (all = await certificates()));

  const section = (origin: Origin, values: HostValues): HostSection => ({
    pattern: new URL(origin.url).host,
    values: () => values,
  });
  const sent = (origin: Origin, name: string): Set<string | undefined> =>
    new Set(origin.requests.map(({ fields }) => fields[name]));

  it('P11: follows a redirect to the host that it is for, over https, and no further', async () => {
    const tls = { ca: all.ca };
    const last = await bench.origin({ ...REFERENCE, tls: all.server });
    const first = await bench.origin({ ...REFERENCE, tls: all.server });
    first.fault({ times: Infinity, fault: { kind: 'redirect', location: last.url } });
    const sections = [
      section(first, { tls, headers: ['X-First: 1'], bearer: 'first', userAgent: 'one/1' }),
      section(last, { tls, headers: ['X-Last: 2'], bearer: 'last', userAgent: 'two/2' }),
    ];
    const given = { headers: ['X-Given: 3'], threads: 2 };
    expectDone(await bench.engine({ sections, ...given }).get(first.url), REFERENCE);
    for (const [name, atFirst, atLast] of [
      ['x-first', '1', undefined],
      ['x-last', undefined, '2'],
      ['x-given', '3', undefined],
      ['authorization', 'Bearer first', 'Bearer last'],
      ['user-agent', 'one/1', 'two/2'],
    ] as const) {
      expect([...sent(first, name)], name).deep.equal([atFirst]);
      expect([...sent(last, name)], name).deep.equal([atLast]);
    }
  });

  it('P11: a redirect over http gets nothing of it', async () => {
    const last = await bench.origin(REFERENCE);
    const first = await bench.origin(REFERENCE);
    first.fault({ times: Infinity, fault: { kind: 'redirect', location: last.url } });
    const sections = [section(last, { headers: ['X-Last: 2'], bearer: 'last' })];
    expectDone(await bench.engine({ sections }).get(first.url), REFERENCE);
    expect([...sent(last, 'x-last'), ...sent(last, 'authorization')]).deep.equal([
      undefined,
      undefined,
    ]);
    expectDone(await bench.engine({ sections }).get(last.url), REFERENCE);
    expect([...sent(last, 'x-last')]).deep.equal([undefined, '2']);
  });

  it('what is given beats it, field by field', async () => {
    const origin = await bench.origin(REFERENCE);
    const sections = [
      section(origin, { headers: ['X-A: set', 'X-B: set'], user: { user: 'u', password: 'p' } }),
    ];
    const given = { headers: ['x-a: given'], bearer: 'token' };
    expectDone(await bench.engine({ sections, ...given }).get(origin.url), REFERENCE);
    expect([...sent(origin, 'x-a')]).deep.equal(['given']);
    expect([...sent(origin, 'x-b')]).deep.equal(['set']);
    expect([...sent(origin, 'authorization')]).deep.equal(['Bearer token']);
  });

  it('the authority of one host vouches for no other', async () => {
    const origin = await bench.origin({ ...REFERENCE, tls: all.server });
    const other: HostSection = { pattern: 'other.test', values: () => ({ tls: { ca: all.ca } }) };
    expectFailed(await bench.engine({ sections: [other] }).get(origin.url), 'TLS_CERTIFICATE');
    const own = section(origin, { tls: { ca: all.ca } });
    expectDone(await bench.engine({ sections: [own, other] }).get(origin.url), REFERENCE);
  });
});
