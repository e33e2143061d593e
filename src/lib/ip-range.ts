// Addresses and ranges of addresses (CIDR): what settings call a place in the network.

import { BlockList, isIP } from 'node:net';

/** Addresses whose answer is remembered; forgotten all together, so that a flood of new ones costs no more than the look-up. */
const MAX_REMEMBERED = 1024;

interface IpRange {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly prefix: number;
}

/** Whether the text is an address (`192.0.2.1`, `2001:db8::1`) or a range (`10.0.0.0/8`, `fd00::/8`). */
export function isIpRange(text: string): boolean {
  return parseIpRange(text) !== undefined;
}

/**
 * Tells whether an address lies in one of the ranges; throws when one of them is not a range. What is not an address lies in none.
 * `maxRemembered` bounds the memory of one matcher, where there are many of them.
 */
export function createIpMatcher(
  ranges: readonly string[],
  maxRemembered: number = MAX_REMEMBERED,
): (address: string) => boolean {
  if (ranges.length === 0) return () => false;
  const list = new BlockList();
  for (const text of ranges) {
    const range = parseIpRange(text);
    if (range === undefined) throw new Error(`not an address or a range: ${text}`);
    list.addSubnet(range.address, range.prefix, range.family);
  }
  const remembered = new Map<string, boolean>();
  return (address) => {
    const known = remembered.get(address);
    if (known !== undefined) return known;
    const plain = toPlainAddress(address);
    const family = isIP(plain);
    const isInside = family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(address, isInside);
    return isInside;
  };
}

/** Without the zone of a link-local address; an IPv4 address that was mapped into IPv6 as IPv4. */
export function toPlainAddress(address: string): string {
  const zone = address.indexOf('%');
  const text = zone < 0 ? address : address.slice(0, zone);
  if (!text.startsWith('::') || text.length < 9 || text.slice(0, 7).toLowerCase() !== '::ffff:') return text;
  const mapped = text.slice(7);
  return isIP(mapped) === 4 ? mapped : text;
}

function parseIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return undefined;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const widest = version === 4 ? 32 : 128;
  if (slash < 0) return { address, family, prefix: widest };
  const digits = text.slice(slash + 1);
  const prefix = Number(digits);
  return /^\d{1,3}$/.test(digits) && prefix <= widest ? { address, family, prefix } : undefined;
}
