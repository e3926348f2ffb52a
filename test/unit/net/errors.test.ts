import { expect } from 'chai';
import { socketError } from '../../../src/net/errors.js';

describe('net/errors', () => {
  it("what Node says about a flag of its own is left out: the next step is sluice's", () => {
    const text =
      'self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca';
    const thrown = Object.assign(new Error(text), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    const { message, details } = socketError(thrown, 'handshake', 'h:443');
    expect(message).equal(
      'the certificate of h:443 was not accepted: self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)',
    );
    expect(details.next).include('--cacert FILE').not.include('use-system-ca');
  });
});
