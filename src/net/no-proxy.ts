/** Which hosts are reached without a proxy: the list of `--no-proxy` and of `no_proxy`. */
import { BlockList, isIP } from 'node:net';

/**
 * The entry of a list that a host fits, or null. Entries stand between commas or blanks; each is, as for
 * curl, a domain (`example.org` or `.example.org`: it and all below it), an address, a CIDR range or
 * `*`; behind a domain or an address there may be a port, which then has to be the URL's.
 * @param host as in a URL, without brackets
 */
export function exemption(list: string, host: string, port: number): string | null {
  const name = host.toLowerCase().replace(/\.$/, '');
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.find((entry) => fits(entry.toLowerCase(), name, port)) ?? null;
}

function fits(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInRange(entry, host);
  const [pattern, onlyPort] = withoutPort(entry);
  if (onlyPort !== null && onlyPort !== port) return false;
  if (isIP(host) !== 0) return isIP(pattern) !== 0 && isInRange(`${pattern}/`, host);
  const domain = pattern.replace(/^\./, '').replace(/\.$/, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

/** An entry without its brackets, and its port. An address of IPv6 without brackets has none. */
function withoutPort(entry: string): [pattern: string, port: number | null] {
  if (isIP(entry) !== 0) return [entry, null];
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  return [bracketed ?? plain ?? '', port === undefined ? null : Number(port)];
}

/** Whether an address lies in `ADDRESS/BITS`; without bits it has to be that address. */
function isInRange(range: string, host: string): boolean {
  const [text = '', bits = ''] = range.split('/', 2);
  const address = text.replace(/^\[|\]$/g, '');
  const family = isIP(address);
  if (family === 0 || family !== isIP(host)) return false;
  const most = family === 4 ? 32 : 128;
  const length = bits === '' ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Infinity;
  if (length > most) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(address, length, type);
  return block.check(host, type);
}
