import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeServicesDeps, settleAll } from '../../../test/harness/data-plane.ts';
import type { Target } from '../plan.ts';
import type { ServiceConfig } from '../snapshot.ts';
import type { Service } from './service.ts';
import { createServices, type Services } from './services.ts';

const config = (targets: ServiceConfig['targets'], more: Partial<ServiceConfig> = {}): ServiceConfig => ({
  name: 'orders',
  targets,
  stripPrefix: false,
  ...more,
});

interface Bench {
  /** Compiles these services of gateways; the first of them. */
  readonly of: (gatewayId: string, config: ServiceConfig) => Service;
  /** These are what there is from now on. */
  readonly settle: (...services: readonly Service[]) => void;
  readonly health: Services['health'];
  readonly retained: string[][];
  readonly news: string[];
}

function createBench(): Bench {
  const retained: string[][] = [];
  const news: string[] = [];
  const retain = (targets: readonly Target[]): void => void retained.push(targets.map(({ url }) => url));
  const services = createServices(
    createFakeServicesDeps({
      transport: { retain },
      onNews: ({ name }, target, { before, now }) =>
        void news.push(`${name} ${target}: ${before.circuit} → ${now.circuit}`),
    }),
  );
  return {
    of: (id, said) => services.of({ id, tenantId: 'ten_1' }, said),
    settle: (...kept) =>
      settleAll(
        services,
        kept.map((upstream) => ({ upstream })),
      ),
    health: (id) => services.health(id),
    retained,
    news,
  };
}

const A = { url: 'http://a' };
const B = { url: 'http://b' };

test('a service stays the same as long as its configuration does', () => {
  const services = createBench();
  const before = services.of('gw_1', config([A, B]));
  services.settle(before);
  assert.equal(services.of('gw_1', config([A, B])), before);
  assert.notEqual(services.of('gw_2', config([A, B])), before);
  assert.notEqual(services.of('gw_1', config([A, B], { loadBalancingStrategy: 'ip_hash' })), before);
});

test('a service that is used goes on though nobody asked for it again', () => {
  const services = createBench();
  const kept = services.of('gw_1', config([A]));
  services.settle(kept);
  const other = services.of('gw_2', config([B]));
  services.settle(kept, other);
  assert.equal(services.of('gw_1', config([A])), kept);
  assert.deepEqual(services.retained, [], 'no connection is looked for that nobody needs');
});

test('what was compiled and never served changes nothing', () => {
  const services = createBench();
  const served = services.of('gw_1', config([A]));
  services.settle(served);
  services.of('gw_1', config([{ ...A, weight: 5 }]));
  services.settle(served);
  assert.equal(served.members[0]?.weight, 1);
  assert.equal(services.of('gw_1', config([A])), served);
});

test('what is known of a target stays when its service changes', () => {
  const services = createBench();
  const first = services.of('gw_1', config([A]));
  services.settle(first);
  const changed = services.of('gw_1', config([{ ...A, weight: 5 }, B]));
  const [kept, added] = changed.members;
  assert.equal(kept?.weight, 1, 'until it is settled');
  services.settle(changed);
  assert.equal(kept, first.members[0]);
  assert.deepEqual([kept?.weight, added?.weight], [5, 1]);
});

test('a gateway is settled by itself: what others have goes on', () => {
  const services = createServices(createFakeServicesDeps());
  const of = (id: string): Service => services.of({ id, tenantId: 'ten_1' }, config([A]));
  const [mine, other] = [of('gw_1'), of('gw_2')];
  services.settle('gw_1', [{ upstream: mine }]);
  services.settle('gw_2', [{ upstream: other }]);
  services.settle('gw_1', []);
  assert.deepEqual([services.has('gw_1'), services.has('gw_2')], [false, true]);
  assert.equal(of('gw_2'), other);
});

test('a service of none has no target, and is nobody’s', () => {
  const services = createServices(createFakeServicesDeps());
  const none = services.none({ id: 'gw_1', tenantId: 'ten_1' });
  services.settle('gw_1', [{ upstream: none }]);
  assert.deepEqual([none.pick('192.0.2.1'), services.has('gw_1')], [undefined, false]);
});

test('one URL twice is two targets', () => {
  const [first, second] = createBench().of('gw_1', config([A, A])).members;
  assert.notEqual(first, second);
});

test('services that no route uses any more are let go, with their connections', () => {
  const services = createBench();
  const kept = services.of('gw_1', config([A]));
  const gone = services.of('gw_2', config([B]));
  services.settle(kept, gone);
  services.settle(kept);
  assert.deepEqual(services.retained, [['http://a']]);
  assert.notEqual(services.of('gw_2', config([B])), gone);
  assert.deepEqual(services.news, ['orders http://b: closed → gone']);
});

test('tells how the targets of a gateway are', () => {
  const services = createBench();
  const breaker = { failureThreshold: 1, resetMs: 1000, trials: 1 };
  const mine = services.of('gw_1', config([A, { ...B, weight: 0 }], { circuitBreaker: breaker }));
  services.settle(mine, services.of('gw_2', config([B])));
  const [first] = mine.members;
  first?.onHead(500, first.begin());
  const well = { ill: undefined, circuit: 'closed', inFlight: 0, weight: 0, url: 'http://b' };
  assert.deepEqual(services.health('gw_1'), [
    { service: 'orders', targets: [{ ...well, url: 'http://a', weight: 1, circuit: 'open', inFlight: 1 }, well] },
  ]);
  assert.deepEqual(services.news, ['orders http://a: closed → open']);
  assert.deepEqual(services.health('gw_3'), []);
});
