/** The addresses of the hosts that a download meets, the ones that answered first. */
import type { Log } from '../log.js';
import type { Address } from '../net/endpoint.js';
import { overridden } from '../net/overrides.js';
import { ofFamily, resolveHost } from '../net/resolve.js';
import type { RequestOptions } from './options.js';

export class Hosts {
  private readonly known = new Map<string, Address[]>();
  /** Failures since an address of the host answered. */
  private readonly failures = new Map<string, number>();

  constructor(
    private readonly options: Pick<RequestOptions, 'resolve' | 'family' | 'deadlines'>,
    private readonly log: Log,
  ) {}

  /**
   * Addresses of a host, best first.
   * @param host as in a URL, without brackets
   * @param signal calls it off
   * @throws SluiceError NAME_NOT_FOUND, NAME_LOOKUP_FAILED; the signal's reason
   */
  async addresses(host: string, port: number, signal: AbortSignal): Promise<Address[]> {
    const key = keyOf(host, port);
    let addresses = this.known.get(key);
    if (addresses === undefined) {
      addresses = await this.lookUp(host, port, signal);
      this.known.set(key, addresses);
      this.log.debug({ host, addresses: addresses.map(({ address }) => address) }, 'resolved');
    }
    return addresses;
  }

  private async lookUp(host: string, port: number, signal: AbortSignal): Promise<Address[]> {
    const { resolve, family, deadlines } = this.options;
    const given = overridden(resolve, host, port);
    if (given !== null) return ofFamily(host, given, family);
    return resolveHost(host, deadlines.connectMs, family, signal);
  }

  /** An address answered: it comes first from now on. Returns the addresses in their new order. */
  answered(host: string, port: number, address: string): Address[] {
    this.failures.delete(keyOf(host, port));
    const addresses = this.known.get(keyOf(host, port)) ?? [];
    const at = addresses.findIndex((each) => each.address === address);
    if (at <= 0) return addresses;
    return this.reorder(host, port, [
      ...addresses.slice(at, at + 1),
      ...addresses.slice(0, at),
      ...addresses.slice(at + 1),
    ]);
  }

  /**
   * The first address did not serve: the next request begins with another one. When all have failed,
   * the name is looked up again, for it may lead elsewhere by now.
   */
  failed(host: string, port: number): void {
    const key = keyOf(host, port);
    const [first, ...others] = this.known.get(key) ?? [];
    if (first === undefined) return;
    const failures = (this.failures.get(key) ?? 0) + 1;
    this.failures.set(key, failures);
    if (failures <= others.length) return void this.reorder(host, port, [...others, first]);
    this.known.delete(key);
    this.failures.delete(key);
  }

  private reorder(host: string, port: number, addresses: Address[]): Address[] {
    this.known.set(keyOf(host, port), addresses);
    return addresses;
  }
}

const keyOf = (host: string, port: number): string => `${host} ${port}`;
