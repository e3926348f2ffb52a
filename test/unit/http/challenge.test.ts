import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { chooseDigest, digestCredentials, parseChallenges } from '../../../src/http/challenge.js';

const hash = (algorithm: string, text: string): string =>
  createHash(algorithm).update(text, 'utf8').digest('hex');

/** RFC 7616 section 3.9.1. */
const OF_RFC = [
  'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
];

const answerTo = (values: string[], user = 'Mufasa', password = 'Circle of Life'): string => {
  const challenge = chooseDigest(parseChallenges(values));
  if (challenge === null) return 'none';
  return digestCredentials(challenge, {
    ...{ user, password, method: 'GET', uri: '/dir/index.html', count: 1, hash },
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  });
};

describe('http/challenge', () => {
  it('answers as the example of RFC 7616 does, the strongest first', () => {
    expect(answerTo([...OF_RFC].reverse())).contain(
      'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
    );
    expect(answerTo(OF_RFC.slice(1))).contain('response="8ca523f5e9506fed4657c9700eebdbec"');
  });

  it('hides the name of a user as the example for SHA-512-256 does', () => {
    const value = answerTo(
      [
        'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDssOS", charset=UTF-8, userhash=true',
      ],
      'Jäsøn Doe',
    );
    expect(value).contain(
      'username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"',
    );
    expect(value).contain('userhash=true');
  });

  it('answers the older form without qop, sessions, and names that are not ASCII', () => {
    const old = answerTo(['Digest realm="r", nonce="n"'], 'u', 'p');
    const key = hash('md5', 'u:r:p');
    const request = hash('md5', 'GET:/dir/index.html');
    expect(old)
      .contain(`response="${hash('md5', `${key}:n:${request}`)}"`)
      .and.not.contain('nc=');
    expect(answerTo(['Digest realm="r", nonce="n", qop=auth, algorithm=MD5-sess'])).contain(
      'algorithm=MD5-sess',
    );
    expect(answerTo(['Digest realm="r", nonce="n", charset=UTF-8'], 'ü')).contain(
      "username*=UTF-8''%C3%BC",
    );
  });

  for (const [text, schemes] of [
    ['Basic realm="a, b", Digest realm="c\\"d", nonce=x', ['basic', 'digest']],
    ['Negotiate, NTLM, Bearer', ['negotiate', 'ntlm', 'bearer']],
    ['Negotiate YII=, Digest nonce="a"', ['negotiate', 'digest']],
    [', ,Basic', ['basic']],
    ['Digest nonce="open', ['digest']],
    ['=, Basic', []],
  ] as const)
    it(`reads ${text}`, () =>
      expect(parseChallenges([text]).map(({ scheme }) => scheme)).deep.equal(schemes));

  it('none is answered that asks for the body, an unknown algorithm, or has no nonce', () => {
    expect(answerTo(['Digest realm="r", nonce="n", qop="auth-int"'])).equal('none');
    expect(answerTo(['Digest realm="r", nonce="n", algorithm=SHA-1'])).equal('none');
    expect(answerTo(['Digest realm="r"'])).equal('none');
  });

  it('P15: ends for every text', () => {
    const bits = ['Digest', ' ', ',', '=', '"', '\\', 'nonce', 'a'];
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...bits), fc.string())), (parts) => {
        chooseDigest(parseChallenges([parts.join('')]));
      }),
    );
  });
});
