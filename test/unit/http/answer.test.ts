/** What the status and the coding of an answer mean. */
import { expect } from 'chai';
import { encodedError, refusal } from '../../../src/http/answer.js';
import { headOf } from './support.js';

describe('http/answer: encodedError', () => {
  it('the error names the coding, the status and what to do', () => {
    const error = encodedError(headOf({ 'content-encoding': 'gzip' }, 206));
    expect(error.code).to.equal('HTTP_ENCODED');
    expect(error.message).to.contain('Content-Encoding: gzip although only identity');
    expect(error.details.httpStatus).to.equal(206);
    expect(error.details.next).to.contain('`--connections 1`');
  });
});

describe('http/answer: refusal', () => {
  const refused = (status: number, reason = '', fields: Record<string, string> = {}) =>
    refusal({ ...headOf(fields, status), reason });

  it('P21: what may pass is the trouble of the server, whatever its class', () => {
    for (const status of [408, 425, 429, 500, 501, 503, 599]) {
      const error = refused(status);
      expect(error.code, String(status)).to.equal('HTTP_SERVER_ERROR');
      expect(error.message).to.equal(`the server answered ${status}`);
      expect(error.details.httpStatus).to.equal(status);
      expect(error.details.next).to.equal('Try again later; fewer --connections may help.');
    }
  });

  for (const [status, next] of [
    [401, 'Give credentials with --user or --bearer, or check those that were given.'],
    [403, 'Check the credentials; a signed address may have expired.'],
    [404, 'Check the URL.'],
    [410, 'Check the URL.'],
    [400, 'Check the URL and the headers that were given.'],
    [416, 'Check the URL and the headers that were given.'],
    [499, 'Check the URL and the headers that were given.'],
  ] as const) {
    it(`${status} is a refusal, and says what to do`, () => {
      const error = refused(status, 'No');
      expect(error.code).to.equal('HTTP_REFUSED');
      expect(error.message).to.equal(`the server refused: ${status} No`);
      expect(error.details).to.deep.equal({ httpStatus: status, next });
    });
  }

  it('401 names a scheme that is not spoken here', () => {
    const next = (challenge: string): string | undefined =>
      refused(401, '', { 'www-authenticate': challenge }).details.next;
    expect(next('Negotiate')).to.contain('wants Negotiate authentication');
    expect(next('Digest realm="x", nonce="y"')).to.contain('--user');
    expect(next('Negotiate, Basic realm="x"')).to.contain('--user');
    expect(next('bearer')).to.contain('--bearer');
  });

  it('a hub and a store say why in a field of their own; a word that they do not have is passed over', () => {
    const next = (name: string, value: string) => refused(404, '', { [name]: value }).details.next;
    expect(next('x-error-code', 'RevisionNotFound')).to.contain('behind the @');
    expect(next('x-ms-error-code', 'ResourceNotFound')).to.contain('AZURE_STORAGE_SAS_TOKEN');
    expect(next('x-ms-error-code', 'AuthenticationFailed')).to.contain('may have expired');
    for (const word of ['constructor', '__proto__', 'toString'])
      for (const name of ['x-error-code', 'x-ms-error-code'])
        expect(next(name, word)).to.equal('Check the URL.');
  });

  it('any other status was not what a request for bytes asks for', () => {
    for (const status of [204, 304, 399]) {
      const error = refused(status, 'Why not');
      expect(error.code).to.equal('HTTP_UNEXPECTED');
      expect(error.message).to.equal(
        `the server answered ${status} Why not to a request for bytes`,
      );
      const next = 'Check the URL: what answers there is not a file.';
      expect(error.details).to.deep.equal({ httpStatus: status, next });
    }
  });

  it('P21: says how long the server asks to wait', () => {
    for (const [value, said] of [
      ['0', ''],
      ['1', ', and asks to wait 1 s'],
      ['119', ', and asks to wait 119 s'],
      ['121', ', and asks to wait 3 min'],
      ['7199', ', and asks to wait 120 min'],
      ['7201', ', and asks to wait 3 h'],
      ['9'.repeat(30), ', and asks to wait 24 h'],
    ] as const) {
      const { message } = refused(429, '', { 'retry-after': value });
      expect(message).to.equal(`the server answered 429${said}`);
    }
  });

  it('P21: carries how long the server asks to wait, with any status', () => {
    for (const status of [204, 403, 429, 503]) {
      const error = refused(status, '', { 'retry-after': '120' });
      expect(error.details.retryAfterMs, String(status)).to.equal(120_000);
      expect(error.details.httpStatus).to.equal(status);
    }
    expect(refused(503, '', { 'retry-after': 'soon' }).details).to.not.have.property(
      'retryAfterMs',
    );
  });
});
