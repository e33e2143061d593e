// A DNS server on the loopback interface that answers what a test wants, or does not. Messages as in RFC 1035 §4.

import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';

export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string; readonly ttl: number }
  | {
      readonly type: 'SRV';
      readonly host: string;
      readonly port: number;
      readonly priority: number;
      readonly weight: number;
    };

/** What is known of a name; `silent` is no answer, `broken` is SERVFAIL, and no records at all is NXDOMAIN. */
export type DnsAnswer = readonly DnsRecord[] | 'silent' | 'broken';

export interface DnsServer {
  /** By name in small letters. */
  readonly zone: Map<string, DnsAnswer>;
  /** Each as `A api.test`. */
  readonly asked: string[];
  readonly resolver: Resolver;
  close(): void;
}

const TYPES: Readonly<Record<number, DnsRecord['type']>> = { 1: 'A', 28: 'AAAA', 33: 'SRV' };
const CODES = { A: 1, AAAA: 28, SRV: 33 } as const;
const SERVFAIL = 2;
const NXDOMAIN = 3;

export async function startDnsServer(timeoutMs = 200): Promise<DnsServer> {
  const zone = new Map<string, DnsAnswer>();
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const { name, end } = readName(query);
    const type = TYPES[query.readUInt16BE(end)];
    if (type === undefined) return;
    asked.push(`${type} ${name}`);
    const known = zone.get(name) ?? [];
    if (known === 'silent') return;
    const records = known === 'broken' ? [] : known.filter((record) => record.type === type);
    const code = known === 'broken' ? SERVFAIL : known.length === 0 ? NXDOMAIN : 0;
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8580 | code, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([head, query.subarray(12, end + 4), ...records.map(toBytes)]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    zone,
    asked,
    resolver,
    close() {
      resolver.cancel();
      socket.close();
    },
  };
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

/** Its name is that of the question, wherever that stands. */
function toBytes(record: DnsRecord): Buffer {
  const data = toData(record);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(CODES[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.type === 'SRV' ? 60 : record.ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function toData(record: DnsRecord): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number));
    case 'AAAA': {
      const [left = '', right = ''] = record.address.split('::');
      const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
      const middle = Array<string>(8 - groups(left).length - groups(right).length).fill('0');
      const all = record.address.includes('::') ? [...groups(left), ...middle, ...groups(right)] : groups(left);
      return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
    }
    case 'SRV': {
      const numbers = Buffer.alloc(6);
      numbers.writeUInt16BE(record.priority, 0);
      numbers.writeUInt16BE(record.weight, 2);
      numbers.writeUInt16BE(record.port, 4);
      const labels = record.host.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
      return Buffer.concat([numbers, ...labels, Buffer.alloc(1)]);
    }
  }
}
