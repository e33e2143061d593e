import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeps, createFakeClock, createGateway } from '../../test/harness/data-plane.ts';
import { packSnapshot } from './packed-snapshot.ts';
import type { Plan } from './plan.ts';
import { createServedGateways } from './served-gateways.ts';
import type { GatewayConfig } from './snapshot.ts';
import { createSnapshotLoader } from './snapshot-loader.ts';

function gateway(i: number, url = `http://h${i}`, more: Partial<GatewayConfig> = {}): GatewayConfig {
  return createGateway(url, { id: `gw_${i}`, name: `g${i}`, routePrefix: `/g${i}`, ...more });
}

const CHECKED: GatewayConfig['services'][number]['healthCheck'] = {
  check: { path: '/', intervalMs: 1000, timeoutMs: 1000, healthyThreshold: 1, unhealthyThreshold: 1 },
};

/** A thread whose timers the test fires. */
function createBench() {
  const deps = { ...createDeps(), clock: createFakeClock(), policies: [], controlToken: '' };
  const loader = createSnapshotLoader({ ...deps, pause: () => Promise.resolve(), onBroken: () => {} });
  const timers: { callback: () => void; ms: number; isCancelled: boolean }[] = [];
  const served = createServedGateways({
    services: deps.services,
    clock: deps.clock,
    later(callback, ms) {
      const timer = { callback, ms, isCancelled: false };
      timers.push(timer);
      return { cancel: () => void (timer.isCancelled = true) };
    },
  });
  let planAt = (_path: string): Plan | undefined => undefined;
  return {
    clock: deps.clock,
    served,
    services: deps.services,
    serve(...gateways: GatewayConfig[]) {
      const loaded = loader.loadNow(packSnapshot({ version: 1, gateways }));
      assert.ok('router' in loaded);
      planAt = (path) => {
        const found = loaded.router.find({ method: 'GET', path, host: undefined, headers: [] });
        return 'miss' in found ? undefined : found;
      };
      served.serve(loaded);
      return loaded;
    },
    planAt: (path: string): Plan | undefined => planAt(path),
    /** The target that the request would go to. */
    call: (path: string): string | undefined => planAt(path)?.upstream.members[0]?.url,
    /** Fires the next timer; whether there was one. */
    fire(): boolean {
      const timer = timers.shift();
      if (timer?.isCancelled === false) timer.callback();
      return timer !== undefined;
    },
    /** The targets of the gateways that have been compiled. */
    urls: () =>
      deps.services.healthOfAll().flatMap(({ services }) => services.flatMap(({ targets }) => targets[0]?.url)),
  };
}

describe('the gateways that a thread serves', () => {
  test('are not compiled as long as nobody calls them', () => {
    const bench = createBench();
    const first = bench.serve(gateway(0), gateway(1));
    assert.equal(bench.fire(), false);
    const second = bench.serve(gateway(0, 'http://new'), gateway(1));
    assert.equal(bench.fire(), false);
    for (const { gateways } of [first, second]) assert.ok(gateways.every(({ isCompiled }) => !isCompiled));
    assert.deepEqual(bench.urls(), []);
  });

  test('answer as they were deployed from the swap on, whether they had been called or not', () => {
    const bench = createBench();
    bench.serve(gateway(0), gateway(1));
    assert.equal(bench.call('/g0/a'), 'http://h0');
    bench.serve(gateway(0, 'http://new0'), gateway(1, 'http://new1'));
    assert.deepEqual([bench.call('/g0/a'), bench.call('/g1/a')], ['http://new0', 'http://new1']);
    assert.deepEqual(bench.urls(), ['http://new0', 'http://new1']);
  });

  test('catch up with a deploy where they are in use, so that what is gone is let go without a request', () => {
    const bench = createBench();
    bench.serve(gateway(0), gateway(1), gateway(2));
    bench.call('/g0/a');
    bench.call('/g1/a');
    bench.serve(gateway(0, 'http://new0'), gateway(1, 'http://new1'), gateway(2, 'http://new2'));
    assert.deepEqual(bench.urls(), ['http://h0', 'http://h1']);
    assert.equal(bench.fire(), true);
    assert.equal(bench.fire(), true);
    assert.equal(bench.fire(), false);
    assert.deepEqual(bench.urls().toSorted(), ['http://new0', 'http://new1']);
  });

  test('catch up with the newest deploy only', () => {
    const bench = createBench();
    bench.serve(gateway(0));
    bench.call('/g0/a');
    const second = bench.serve(gateway(0, 'http://second'));
    bench.serve(gateway(0, 'http://third'));
    while (bench.fire());
    assert.deepEqual(bench.urls(), ['http://third']);
    assert.equal(second.gateways[0]?.isCompiled, false);
  });

  test('keep what is known of their targets through a deploy', () => {
    const bench = createBench();
    const circuitBreaker = { failureThreshold: 1, resetMs: 1000, trials: 1 };
    const [service] = gateway(0).services;
    assert.ok(service !== undefined);
    bench.serve(gateway(0, '', { services: [{ ...service, circuitBreaker }] }));
    const [member] = bench.planAt('/g0/a')?.upstream.members ?? [];
    member?.onHead(500, member.begin());
    bench.serve(gateway(0, '', { services: [{ ...service, circuitBreaker, loadBalancingStrategy: 'ip_hash' }] }));
    assert.equal(bench.planAt('/g0/a')?.upstream.members[0], member);
    assert.equal(bench.served.health('gw_0')[0]?.targets[0]?.circuit, 'open');
  });

  test('are let go at the swap when they are not deployed any more', () => {
    const bench = createBench();
    bench.serve(gateway(0), gateway(1));
    bench.call('/g0/a');
    bench.call('/g1/a');
    bench.serve(gateway(1));
    assert.deepEqual(bench.urls(), ['http://h1']);
    bench.served.close();
    assert.deepEqual(bench.urls(), []);
  });

  test('are compiled without a request where their targets are looked after', () => {
    const bench = createBench();
    const [service] = gateway(1).services;
    assert.ok(service !== undefined);
    bench.serve(gateway(0), gateway(1, '', { services: [{ ...service, healthCheck: CHECKED }] }));
    assert.deepEqual(bench.urls(), []);
    while (bench.fire());
    assert.deepEqual(bench.urls(), ['http://h1']);
  });

  test('tell how their services are though nobody has called them', () => {
    const bench = createBench();
    bench.serve(gateway(0), gateway(1));
    assert.deepEqual(
      bench.served.health('gw_1').map(({ service, targets }) => [service, targets[0]?.url]),
      [['echo', 'http://h1']],
    );
    assert.deepEqual(bench.served.health('gw_7'), []);
    assert.deepEqual(bench.urls(), ['http://h1']);
  });
});
