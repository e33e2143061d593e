import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type DnsRecord, type DnsServer, startDnsServer } from '../../../test/harness/dns-server.ts';
import { createAskName, type AskDeps } from './ask-name.ts';

const a = (address: string, ttl = 60): DnsRecord => ({ type: 'A', address, ttl });
const aaaa = (address: string, ttl = 60): DnsRecord => ({ type: 'AAAA', address, ttl });
const srv = (host: string, port: number, priority: number, weight: number): DnsRecord => ({
  type: 'SRV',
  host,
  port,
  priority,
  weight,
});

describe('a name', () => {
  let server: DnsServer;
  let known: LookupAddress[] = [];
  before(async () => {
    server = await startDnsServer();
  });
  after(() => server.close());
  beforeEach(() => {
    server.zone.clear();
    known = [];
  });

  const ask = (kind: 'host' | 'srv', name: string, differences: Partial<AskDeps> = {}) =>
    createAskName({
      servers: server.resolver,
      lookUp: () => (known.length === 0 ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(known)),
      isAllowed: () => true,
      hasFamily: () => true,
      ...differences,
    })({ kind, name });

  const host = { port: undefined, priority: 0 };

  test('leads to all its addresses of both families, each with its part, for the shortest of their times', async () => {
    server.zone.set('api.test', [a('10.0.0.1', 30), a('10.0.0.2', 20), aaaa('fd00::1', 9), aaaa('fd00:1:2:3:4:5:6:7')]);
    const answer = await ask('host', 'api.test');
    assert.ok(answer !== 'system');
    assert.equal(answer.ttlMs, 9000);
    assert.deepEqual(
      answer.places,
      ['10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00:1:2:3:4:5:6:7'].map((address) => ({
        address,
        port: undefined,
        weight: 1 / 4,
        priority: 0,
      })),
    );
  });

  test('leads to no address of a family that leads nowhere from here, as long as it has others', async () => {
    const addressesOf = async (family: 4 | 6) => {
      const answer = await ask('host', 'api.test', { hasFamily: (one) => one === family });
      return answer === 'system' ? answer : answer.places.map(({ address }) => address);
    };
    server.zone.set('api.test', [a('10.0.0.1'), aaaa('fd00::1')]);
    assert.deepEqual(await addressesOf(4), ['10.0.0.1']);
    assert.deepEqual(await addressesOf(6), ['fd00::1']);
    server.zone.set('api.test', [aaaa('fd00::1')]);
    assert.deepEqual(await addressesOf(4), ['fd00::1']);
  });

  test('is left to the system when that says something else altogether, as a hosts file may', async () => {
    server.zone.set('api.test', [a('10.0.0.1'), a('10.0.0.2')]);
    known = [{ address: '127.0.0.1', family: 4 }];
    assert.equal(await ask('host', 'api.test'), 'system');
    known = [{ address: '10.0.0.2', family: 4 }];
    assert.notEqual(await ask('host', 'api.test'), 'system');
  });

  test('leads only where requests may go, and is left to the guard of connections where that is nowhere', async () => {
    const isAllowed = (address: string): boolean => !address.startsWith('169.254.');
    server.zone.set('api.test', [a('169.254.169.254'), a('10.0.0.1')]);
    const answer = await ask('host', 'api.test', { isAllowed });
    assert.deepEqual(answer !== 'system' && answer.places, [{ ...host, address: '10.0.0.1', weight: 1 }]);
    server.zone.set('api.test', [a('169.254.169.254')]);
    assert.equal(await ask('host', 'api.test', { isAllowed }), 'system');
  });

  for (const [what, answer] of [
    ['is not there', []],
    ['cannot be asked for', 'broken'],
    ['gets no answer', 'silent'],
  ] as const) {
    test(`that ${what} is refused`, async () => {
      server.zone.set('api.test', answer);
      await assert.rejects(ask('host', 'api.test'), /no address of api.test/);
      await assert.rejects(ask('srv', 'api.test'));
    });
  }

  test('of a service leads to the addresses of its hosts, at their ports, by priority and weight', async () => {
    server.zone.set('_api._tcp.test', [
      srv('one.test', 8001, 1, 30),
      srv('two.test', 8002, 1, 10),
      srv('spare.test', 8003, 2, 0),
      srv('gone.test', 8004, 1, 5),
    ]);
    server.zone.set('one.test', [a('10.0.0.1', 25), a('10.0.0.2', 25)]);
    server.zone.set('two.test', [a('10.0.0.3', 12)]);
    server.zone.set('spare.test', [a('10.0.0.4', 500)]);
    const answer = await ask('srv', '_api._tcp.test');
    assert.ok(answer !== 'system');
    assert.equal(answer.ttlMs, 12_000);
    assert.deepEqual(answer.places, [
      { address: '10.0.0.1', port: 8001, priority: 1, weight: 15 },
      { address: '10.0.0.2', port: 8001, priority: 1, weight: 15 },
      { address: '10.0.0.3', port: 8002, priority: 1, weight: 10 },
      { address: '10.0.0.4', port: 8003, priority: 2, weight: 0.01 },
    ]);
  });

  test('of a service is asked for again within 30 seconds, and leads nowhere that requests may not go', async () => {
    server.zone.set('_api._tcp.test', [srv('one.test', 80, 0, 1), srv('two.test', 80, 0, 1)]);
    server.zone.set('one.test', [a('10.0.0.1', 3600)]);
    server.zone.set('two.test', [a('169.254.169.254', 3600)]);
    const answer = await ask('srv', '_api._tcp.test', { isAllowed: (address) => address === '10.0.0.1' });
    assert.ok(answer !== 'system');
    assert.deepEqual([answer.ttlMs, answer.places.map(({ address }) => address)], [30_000, ['10.0.0.1']]);
    await assert.rejects(ask('srv', '_api._tcp.test', { isAllowed: () => false }), /no host of/);
  });

  test('leads to a hundred places at most', async () => {
    const many = Array.from({ length: 25 }, (_, i) => a(`10.0.0.${i}`));
    server.zone.set('one.test', many);
    server.zone.set(
      '_api._tcp.test',
      Array.from({ length: 10 }, (_, i) => srv('one.test', i + 1, 0, 1)),
    );
    const answer = await ask('srv', '_api._tcp.test');
    assert.equal(answer !== 'system' && answer.places.length, 100);
  });
});
