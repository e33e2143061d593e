// Small databases of countries in MaxMind's format (https://maxmind.github.io/MaxMind-DB/), made for a test.

import { isIPv4 } from 'node:net';

export interface MmdbOptions {
  readonly type?: string;
  readonly ipVersion?: 4 | 6;
  /** Network (CIDR) → country. */
  readonly networks: Readonly<Record<string, string>>;
}

interface Node {
  branches: [Branch, Branch];
}
/** A further node, the country, or nothing. */
type Branch = Node | string | undefined;

export function createMmdb({ type = 'GeoLite2-Country', ipVersion = 6, networks }: MmdbOptions): Buffer {
  const root: Node = { branches: [undefined, undefined] };
  for (const [network, country] of Object.entries(networks)) plant(root, toBits(network, ipVersion), country);

  const nodes = listNodes(root);
  const data: Buffer[] = [];
  const offsets = new Map<string, number>();
  for (const country of new Set(Object.values(networks))) {
    offsets.set(country, Buffer.concat(data).length);
    data.push(map({ country: map({ iso_code: text(country), names: map({ en: text('A country') }) }) }));
  }
  const toRecord = (branch: Branch): Buffer => {
    const record = Buffer.alloc(3);
    if (branch === undefined) record.writeUIntBE(nodes.length, 0, 3);
    else if (typeof branch === 'string') record.writeUIntBE(nodes.length + 16 + (offsets.get(branch) ?? 0), 0, 3);
    else record.writeUIntBE(nodes.indexOf(branch), 0, 3);
    return record;
  };
  const metadata = map({
    node_count: uint(6, nodes.length),
    record_size: uint(5, 24),
    ip_version: uint(5, ipVersion),
    database_type: text(type),
    languages: Buffer.concat([Buffer.from([1, 11 - 7]), text('en')]),
    binary_format_major_version: uint(5, 2),
    binary_format_minor_version: uint(5, 0),
    // Extended types stand in a second byte.
    build_epoch: Buffer.from([4, 9 - 7, 0x69, 0, 0, 0]),
    description: map({ en: text('Made for a test') }),
  });
  const tree = nodes.flatMap(({ branches }) => branches.map(toRecord));
  return Buffer.concat([
    ...tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ]);
}

function plant(root: Node, bits: readonly (0 | 1)[], country: string): void {
  let node = root;
  for (const [i, bit] of bits.entries()) {
    if (i === bits.length - 1) {
      node.branches[bit] = country;
      return;
    }
    const next = node.branches[bit];
    const child: Node = typeof next === 'object' ? next : { branches: [next, next] };
    node.branches[bit] = child;
    node = child;
  }
}

function listNodes(root: Node): Node[] {
  const nodes = [root];
  for (const { branches } of nodes) {
    for (const branch of branches) if (typeof branch === 'object') nodes.push(branch);
  }
  return nodes;
}

/** IPv4 addresses stand in a tree of IPv6 below ::/96. */
function toBits(network: string, ipVersion: 4 | 6): (0 | 1)[] {
  const [address = '', length = ''] = network.split('/');
  const bytes = isIPv4(address) ? address.split('.').map(Number) : toIpv6Bytes(address);
  const prefix = isIPv4(address) && ipVersion === 6 ? Array.from({ length: 96 }, () => 0 as const) : [];
  const bits = bytes.flatMap((byte) => Array.from({ length: 8 }, (_, i) => ((byte >> (7 - i)) & 1 ? 1 : 0)));
  return [...prefix, ...bits.slice(0, Number(length))];
}

function toIpv6Bytes(address: string): number[] {
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const missing = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...missing, ...right].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([(2 << 5) | Buffer.byteLength(value)]), Buffer.from(value)]);
}

function uint(type: 5 | 6, value: number): Buffer {
  return Buffer.from([(type << 5) | 2, value >> 8, value & 0xff]);
}

function map(entries: Readonly<Record<string, Buffer>>): Buffer {
  const members = Object.entries(entries).flatMap(([name, value]) => [text(name), value]);
  return Buffer.concat([Buffer.from([(7 << 5) | Object.keys(entries).length]), ...members]);
}

/** As a gateway thread is given it. */
export function toShared(bytes: Uint8Array): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}
