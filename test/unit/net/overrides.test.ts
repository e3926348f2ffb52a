/** `--resolve`: addresses that the user gives. */
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import { overridden, parseOverride } from '../../../src/net/overrides.js';
import { resolveHost } from '../../../src/net/resolve.js';

const told = (text: string): [string, number, string[]] => {
  const { host, port, addresses } = parseOverride(text);
  return [host, port, addresses.map(({ address, family }) => `${family} ${address}`)];
};

describe('net/overrides', () => {
  it("reads curl's form", () => {
    expect(told('example.org:443:192.0.2.1')).deep.equal(['example.org', 443, ['4 192.0.2.1']]);
    expect(told('h:80:192.0.2.1,[2001:db8::1],::1')[2]).deep.equal([
      '4 192.0.2.1',
      '6 2001:db8::1',
      '6 ::1',
    ]);
    expect(told('h:80:::1')).deep.equal(['h', 80, ['6 ::1']]);
    expect(told('*:8080:127.0.0.1').slice(0, 2)).deep.equal(['*', 8080]);
  });

  it('knows hosts in the form that URLs have', () => {
    expect(told('EXAMPLE.org:1:::1')[0]).equal('example.org');
    expect(told('bücher.test:1:::1')[0]).equal('xn--bcher-kva.test');
    expect(told('[::0:1]:1:127.0.0.1')[0]).equal('::1');
  });

  it('refuses everything else', () => {
    for (const text of [
      '',
      'h',
      'h:80',
      'h:80:',
      'h:0:127.0.0.1',
      'h:65536:127.0.0.1',
      'h:80:nowhere',
      'h:80:127.0.0.1,',
      'h:80:[127.0.0.1',
      ':80:127.0.0.1',
      'a/b:80:127.0.0.1',
      'u@h:80:127.0.0.1',
      'h?q:80:127.0.0.1',
      'h#f:80:127.0.0.1',
      'h:80:127.0.0.1\n',
    ]) {
      expect(() => parseOverride(text), text)
        .throw(SluiceError)
        .with.property('code', 'USAGE');
    }
  });

  it('the last one that fits counts', () => {
    const rules = ['*:80:192.0.2.1', 'h:80:192.0.2.2', 'h:81:192.0.2.3'].map(parseOverride);
    const found = (host: string, port: number): string | undefined =>
      overridden(rules, host, port)?.[0]?.address;
    expect(found('h', 80)).equal('192.0.2.2');
    expect(found('h', 81)).equal('192.0.2.3');
    expect(found('other', 80)).equal('192.0.2.1');
    expect(overridden(rules, 'h', 443)).equal(null);
  });

  it('a literal address of the wrong family is no address', async () => {
    expect(await resolveHost('127.0.0.1', 1000, 4)).deep.equal([
      { address: '127.0.0.1', family: 4 },
    ]);
    const refused = await resolveHost('127.0.0.1', 1000, 6).catch((error: unknown) => error);
    expect(refused).include({ code: 'NAME_NOT_FOUND' });
  });
});
