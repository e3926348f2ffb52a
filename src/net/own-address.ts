import { networkInterfaces } from 'node:os';

/** Whether an IP address is one of this machine's own: what listens there shares its processors. */
export function isOwnAddress(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return /^127\./.test(address) || own.some((each) => each.address === address);
}
