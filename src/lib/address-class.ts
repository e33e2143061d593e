// What kind of place an address in a URL is: anybody's, one of the own networks, or one that no caller may ever be led to.

import { BlockList, isIP } from 'node:net';
import { toPlainAddress } from './ip-range.ts';

/**
 * `forbidden`: link-local addresses, among them those at which clouds hand out credentials to whoever asks, and addresses that are nobody's.
 * `private`: this machine and networks that the internet does not route.
 */
export type AddressClass = 'public' | 'private' | 'forbidden';

const FORBIDDEN = toList([
  '0.0.0.0/8',
  '169.254.0.0/16', // link-local; 169.254.169.254 of AWS, Google, Azure, DigitalOcean …
  '100.100.100.200/32', // metadata of Alibaba
  '192.0.0.192/32', // metadata of Oracle
  '168.63.129.16/32', // the platform of Azure
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '::/128',
  'fe80::/10',
  'fec0::/10',
  'fd00:ec2::/32', // metadata and name servers of AWS; fd00:ec2::254 among them
  'fd20:ce::254/128', // metadata of Google
  'ff00::/8',
]);

const PRIVATE = toList([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '::1/128',
  'fc00::/7',
]);

const FORBIDDEN_NAMES = /^(?:metadata|metadata\.google\.internal|metadata\.goog|instance-data(?:\.ec2\.internal)?)\.?$/;
const PRIVATE_NAMES = /(?:^|\.)(?:localhost|local|internal|home\.arpa)\.?$/;

/** Of a host name only what the name itself says; where it leads is known when it is looked up. */
export function classifyHost(host: string): AddressClass {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(name) !== 0) return classifyAddress(name);
  if (FORBIDDEN_NAMES.test(name)) return 'forbidden';
  return PRIVATE_NAMES.test(name) || !name.includes('.') ? 'private' : 'public';
}

/** What is not an address is forbidden. */
function classifyAddress(address: string): AddressClass {
  const plain = toEmbedded(toPlainAddress(address.toLowerCase()));
  const version = isIP(plain);
  if (version === 0) return 'forbidden';
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (FORBIDDEN.check(plain, family)) return 'forbidden';
  return PRIVATE.check(plain, family) ? 'private' : 'public';
}

const NAT64 = toList(['64:ff9b::/96', '64:ff9b:1::/48', '2002::/16', '::/96']);

/** The IPv4 address that an IPv6 address of a translator (NAT64, 6to4, IPv4-compatible) leads to; else the address itself. */
function toEmbedded(address: string): string {
  if (isIP(address) !== 6) return address;
  const groups = toGroups(address);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (!isMapped && !NAT64.check(address, 'ipv6')) return address;
  const is6to4 = groups[0] === 0x2002;
  const [high = 0, low = 0] = is6to4 ? groups.slice(1, 3) : groups.slice(6);
  // `::` and `::1` are no embedded addresses.
  if (!is6to4 && !isMapped && high === 0 && low <= 1 && groups.slice(0, 6).every((group) => group === 0))
    return address;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function toGroups(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const left = parseGroups(head);
  const right = tail === undefined ? [] : parseGroups(tail);
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

function parseGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

function toList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix = ''] = range.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
