import { expect } from 'chai';
import { defaultOptions } from '../../../src/app/defaults.js';
import { parseNetrc } from '../../../src/formats/netrc.js';
import { parseUserUrl } from '../../../src/http/url.js';
import { Credentials } from '../../../src/open/credentials.js';
import type { DownloadOptions } from '../../../src/transfer/options.js';

const NETRC = parseNetrc(
  'machine a.test login n password n1\nmachine a.test login m password m1\nmachine b.test login b password b1\ndefault login d password d1',
  'netrc',
);
const ENVIRONMENT = { user: { user: 'e', password: 'e1', host: 'a.test' }, bearer: null };

/** What a URL gets as Authorization, decoded. */
function sent(url: string, said: Partial<DownloadOptions>, asked = 'https://a.test/f'): string {
  const { url: owner, userinfo } = parseUserUrl(asked);
  const credentials = new Credentials({ ...defaultOptions(asked), ...said }, owner, userinfo);
  const values = credentials
    .fieldsFor(new URL(url))
    .filter(([name]) => name.toLowerCase() === 'authorization')
    .map(([, value]) => value);
  expect(values.length).most(1);
  const [value] = values;
  if (value === undefined || value === null) return String(value);
  return value.startsWith('Basic ') ? Buffer.from(value.slice(6), 'base64').toString() : value;
}

describe('transfer/credentials: who gets what', () => {
  const own = 'https://a.test/g';
  const user = { user: 'u', password: 'u1' };

  it('the command line beats the environment, in each way', () => {
    const environment = { ...ENVIRONMENT, bearer: { token: 'token', host: 'a.test' } };
    expect(sent(own, { environment })).equal('Bearer token');
    expect(sent(own, { environment: ENVIRONMENT })).equal('e:e1');
    expect(sent(own, { environment, user })).equal('u:u1');
    expect(sent(own, { environment, bearer: 'given' })).equal('Bearer given');
    expect(sent(own, { environment, headers: ['Authorization: mine'] })).equal('mine');
    expect(sent(own, { environment, headers: ['authorization:'] })).equal('null');
    expect(sent(own, { environment }, 'https://x:y@a.test/f')).equal('x:y');
    expect(sent(own, { environment, netrc: NETRC })).equal('n:n1');
  });

  it('a header beats -u and --bearer, these beat userinfo, that beats the netrc', () => {
    const headers = ['Authorization: mine'];
    expect(sent(own, { headers, user, bearer: 'given', netrc: NETRC })).equal('mine');
    expect(sent(own, { user, netrc: NETRC }, 'https://x:y@a.test/f')).equal('u:u1');
    expect(sent(own, { netrc: NETRC }, 'https://x:y@a.test/f')).equal('x:y');
    expect(sent(own, { netrc: NETRC }, 'https://m@a.test/f')).equal('m:m1');
    expect(sent('https://b.test/', { netrc: NETRC }, 'https://z@b.test/f')).equal('z:');
    expect(sent(own, {}, 'https://m@a.test/f')).equal('m:');
  });

  it('P11: no other origin gets what was given, nor what the environment says', () => {
    const said = { user, environment: ENVIRONMENT, headers: ['Authorization: mine'] };
    for (const url of ['https://b.test/', 'http://a.test/', 'https://a.test:444/'])
      expect(sent(url, said)).equal('undefined');
  });

  it('P11: https of the same host is what http of it led to, on the usual ports only', () => {
    const said = { headers: ['Authorization: mine'] };
    expect(sent('https://a.test/g', said, 'http://a.test/f')).equal('mine');
    expect(sent('https://a.test:8443/g', said, 'http://a.test/f')).equal('undefined');
    expect(sent('https://a.test/g', said, 'http://a.test:8080/f')).equal('undefined');
    expect(sent('https://www.a.test/g', said, 'http://a.test/f')).equal('undefined');
  });

  it('User-Agent is no credential, however it is given; what is withheld is known by name', () => {
    const options = {
      ...defaultOptions(own),
      headers: ['User-Agent: x', 'Cookie: c=1', 'X-Key: k'],
      user,
      referer: 'https://a.test/',
    };
    const { url: owner } = parseUserUrl(own);
    const credentials = new Credentials(options, owner, null);
    const foreign = new URL('https://b.test/');
    expect(credentials.fieldsFor(foreign)).deep.equal([['User-Agent', 'x']]);
    expect(credentials.withheldFrom(foreign)).deep.equal([
      'Authorization',
      'Referer',
      'Cookie',
      'X-Key',
    ]);
    expect(credentials.withheldFrom(owner)).deep.equal([]);
  });

  it("P11: a host gets its own entry of the netrc, over https; default goes to the URL's own", () => {
    const netrc = NETRC;
    expect(sent('https://b.test/', { netrc })).equal('b:b1');
    expect(sent('https://b.test/', { netrc, user })).equal('b:b1');
    expect(sent('http://b.test/', { netrc })).equal('undefined');
    expect(sent('https://c.test/', { netrc })).equal('undefined');
    expect(sent('https://c.test/', { netrc }, 'https://c.test/f')).equal('d:d1');
    expect(sent('http://b.test/', { netrc }, 'http://b.test/f')).equal('b:b1');
  });
});
