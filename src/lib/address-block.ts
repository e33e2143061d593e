// Whom an address stands for: an IPv4 address for itself, an IPv6 address for its network, of which one caller has all.

import { isIPv6 } from 'node:net';
import { toPlainAddress } from './ip-range.ts';

/** `192.0.2.1` as it is; of `2001:db8:0:1::7` with 64 bits `2001:db8:0:1::/64`. What is no address stays as it is. */
export function toAddressBlock(address: string, ipv6Bits: number): string {
  const plain = toPlainAddress(address);
  if (!plain.includes(':') || !isIPv6(plain)) return plain;
  const groups = toGroups(plain).map((group, i) => {
    const bits = Math.min(16, Math.max(0, ipv6Bits - 16 * i));
    return (group & (0xffff << (16 - bits)) & 0xffff).toString(16);
  });
  const used = groups.slice(0, Math.ceil(ipv6Bits / 16));
  return `${used.join(':')}${used.length < 8 ? '::' : ''}/${ipv6Bits}`;
}

/** The eight groups of an IPv6 address. */
function toGroups(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const before = parseGroups(head);
  const after = parseGroups(tail ?? '');
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function parseGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return Number.parseInt(group, 16);
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
