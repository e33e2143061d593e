import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExchange, type FakeHead } from '../../../test/harness/data-plane.ts';
import type { Exchange } from '../exchange.ts';
import type { Plan } from '../plan.ts';
import type { Principal } from '../ports.ts';
import { compileSplit } from './split.ts';
import type { TrafficConfig } from './traffic-config.ts';

type Way = NonNullable<TrafficConfig['split']>[number];
type WayTerms = Omit<Way, 'timeoutMs'>;

/** Names the service that takes a request; undefined is the endpoint's own. */
function splitOf(ways: readonly WayTerms[], gatewayId = 'gw_1'): (exchange: Exchange) => string | undefined {
  const split = compileSplit(
    ways.map((way) => ({ ...way, timeoutMs: 1 })),
    gatewayId,
    (service) => ({ service }) as Plan,
  );
  return (exchange) => split.choose(exchange)?.service;
}

function callFrom(address: string, who: Partial<Principal> = {}, head: FakeHead = {}): Exchange {
  const { exchange } = createExchange({ peerAddress: address, ...head });
  if (who.keyId !== undefined) {
    const rest = { operatorId: undefined, name: '', scopes: [], limits: [] };
    exchange.principal = { kind: 'key', tenantId: 'ten_1', keyId: '', ...rest, ...who };
  }
  return exchange;
}

const addressOf = (i: number): string => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
const CALLERS = 20_000;

/** How many of so many callers come to each. */
function countOf(take: (exchange: Exchange) => string | undefined): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (let i = 0; i < CALLERS; i++) {
    const service = take(callFrom(addressOf(i)));
    counts.set(service, (counts.get(service) ?? 0) + 1);
  }
  return counts;
}

describe('a split by weight', () => {
  const tables: readonly (readonly number[])[] = [
    [1, 1],
    [95, 5],
    [99, 1],
    [1, 2, 3, 4],
    [1000, 1],
    [0, 7],
    [3, 0, 1],
  ];
  for (const weights of tables) {
    test(`gives each service its part of many callers: ${weights.join(' to ')}`, () => {
      for (const gatewayId of ['gw_1', 'gw_2', 'gw_3']) {
        const counts = countOf(
          splitOf(
            weights.map((weight, i) => ({ service: `s${i}`, weight })),
            gatewayId,
          ),
        );
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        weights.forEach((weight, i) => {
          const part = weight / total;
          // Five standard deviations: one in two million goes beyond by chance, and nothing here is chance.
          const slack = 5 * Math.sqrt(CALLERS * part * (1 - part));
          const count = counts.get(`s${i}`) ?? 0;
          assert.ok(Math.abs(count - CALLERS * part) <= slack, `${gatewayId} s${i}: ${count} of ${CALLERS * part}`);
        });
      }
    });
  }

  test('leaves a caller where they are: by client before key before address', () => {
    const take = splitOf([
      { service: 'a', weight: 1 },
      { service: 'b', weight: 1 },
    ]);
    for (let i = 0; i < 200; i++) {
      const client = { keyId: `key_${i}`, clientId: `cli_${i}` };
      const byClient = take(callFrom('192.0.2.1', client));
      assert.equal(take(callFrom('198.51.100.7', { ...client, keyId: 'key_other' })), byClient);
      const byKey = take(callFrom('192.0.2.1', { keyId: `key_${i}` }));
      assert.equal(take(callFrom('198.51.100.7', { keyId: `key_${i}` })), byKey);
      assert.equal(take(callFrom(addressOf(i))), take(callFrom(addressOf(i))));
    }
  });

  test('moves, when a weight grows, callers to that service only, and no more than it takes', () => {
    const before = splitOf([
      { service: 'old', weight: 95 },
      { service: 'new', weight: 5 },
      { service: 'third', weight: 10 },
    ]);
    const after = splitOf([
      { service: 'third', weight: 10 },
      { service: 'old', weight: 85 },
      { service: 'new', weight: 15 },
    ]);
    let moved = 0;
    for (let i = 0; i < CALLERS; i++) {
      const [was, is] = [before(callFrom(addressOf(i))), after(callFrom(addressOf(i)))];
      if (was === is) continue;
      moved++;
      assert.ok(is === 'new' || was === 'old', `${was} to ${is}`);
    }
    assert.ok(moved < CALLERS * 0.12, `${moved} moved`);
  });

  test('does not choose the same callers in every gateway', () => {
    const ways = [
      { service: 'old', weight: 90 },
      { service: 'new', weight: 10 },
    ];
    const [one, other] = [splitOf(ways, 'gw_1'), splitOf(ways, 'gw_2')];
    let both = 0;
    for (let i = 0; i < CALLERS; i++) {
      const call = callFrom(addressOf(i));
      if (one(call) === 'new' && other(call) === 'new') both++;
    }
    assert.ok(both < CALLERS * 0.02, `${both} in both`);
  });
});

describe('a split by what a request says', () => {
  const ways: readonly WayTerms[] = [
    { service: 'both', when: { header: { name: 'x-canary', value: 'yes' }, clientIds: ['cli_2'] } },
    { service: 'clients', when: { clientIds: ['cli_1', 'cli_2'] } },
    { service: 'header', when: { header: { name: 'x-canary', value: 'yes' } } },
    { service: 'any', when: { header: { name: 'x-any' } } },
  ];
  const table: readonly (readonly [headers: readonly string[], clientId: string, service: string | undefined])[] = [
    [[], '', undefined],
    [[], 'cli_1', 'clients'],
    [[], 'cli_3', undefined],
    [['X-Canary', 'yes'], 'cli_1', 'clients'],
    [['X-Canary', 'yes'], 'cli_2', 'both'],
    [['X-CANARY', 'yes'], '', 'header'],
    [['x-canary', 'YES'], '', undefined],
    [['x-canary', 'no', 'x-canary', 'yes'], '', 'header'],
    [['x-canary', 'no', 'x-any', ''], '', 'any'],
    [['x-canaryy', 'yes', 'y-canary', 'yes'], '', undefined],
  ];
  for (const [headers, clientId, service] of table) {
    test(`sends ${headers.join(' ') || 'nothing'} of ${clientId || 'nobody'} to ${service ?? 'the own service'}`, () => {
      const who = clientId === '' ? {} : { keyId: 'key_1', clientId };
      assert.equal(splitOf(ways)(callFrom('192.0.2.1', who, { headers })), service);
    });
  }

  test('takes what it holds for from the weights, and leaves them the rest', () => {
    const take = splitOf([
      { service: 'stable', weight: 1 },
      { service: 'canary', weight: 0 },
      { service: 'canary', when: { header: { name: 'x-canary' } } },
    ]);
    assert.equal(take(callFrom('192.0.2.1', {}, { headers: ['x-canary', '1'] })), 'canary');
    for (let i = 0; i < 100; i++) assert.equal(take(callFrom(addressOf(i))), 'stable');
  });
});
