import { expect } from 'chai';
import { basicCredentials, bearerCredentials } from '../../../src/http/auth.js';
import { refusal } from './support.js';

describe('http/auth: credentials', () => {
  it('writes Basic in UTF-8 (RFC 7617)', () => {
    expect(basicCredentials('Aladdin', 'open sesame')).to.equal(
      'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
    );
    expect(basicCredentials('test', '123\u00a3')).to.equal('Basic dGVzdDoxMjPCow==');
    expect(basicCredentials('u', 'a:b')).to.equal(`Basic ${btoa('u:a:b')}`);
    expect(basicCredentials('', '')).to.equal('Basic Og==');
  });

  it('refuses a colon in the user and control characters, and shows nothing of them', () => {
    for (const [user, password] of [
      ['a:b', 'CANARY'],
      ['a\nCANARY', 'b'],
      ['a', 'CANARY\x00'],
      ['a', 'CANARY\x1f'],
      ['CANARY\x7f', ''],
    ] as const) {
      const error = refusal(() => basicCredentials(user, password), 'USAGE');
      expect(error.message).to.not.contain('CANARY');
    }
  });

  it('writes Bearer, and refuses what is not visible ASCII', () => {
    expect(bearerCredentials('a.b-c_~+/=|1!')).to.equal('Bearer a.b-c_~+/=|1!');
    for (const token of ['', 'CANARY x', 'CANARY\n', 'CANARY\x00', 'CANARY\u00e9', '\x7f']) {
      const error = refusal(() => bearerCredentials(token), 'USAGE');
      expect(error.message).to.not.contain('CANARY');
    }
  });
});
