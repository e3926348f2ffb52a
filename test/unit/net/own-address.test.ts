import { expect } from 'chai';
import { networkInterfaces } from 'node:os';
import { isOwnAddress } from '../../../src/net/own-address.js';

describe('net/own-address', () => {
  it('is every address of an interface, and all of 127.0.0.0/8', () => {
    const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    expect(own).not.to.be.empty;
    for (const { address } of own) expect(isOwnAddress(address), address).to.equal(true);
    expect(isOwnAddress('127.0.0.53')).to.equal(true);
  });

  it('is no other one, and no name', () => {
    for (const address of ['192.0.2.1', '2001:db8::1', '12.7.0.1', '1.127.0.1', 'localhost', ''])
      expect(isOwnAddress(address), address).to.equal(false);
  });
});
