import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Type } from 'typebox';
import { createDeps, createEndpoint, createExchange, createGateway } from '../../test/harness/data-plane.ts';
import { compileSnapshot, type Snapshot } from './compile.ts';
import type { Plan } from './plan.ts';
import type { Policy } from './policy.ts';
import type { GatewayConfig } from './snapshot.ts';
import { STAGES, type Stage } from './stages.ts';

/** A policy that writes its configuration into the trace when it runs. */
function tracing(name: string, stage: Stage, trace: string[]): Policy {
  return {
    name,
    stage,
    config: Type.Unknown(),
    compile: (config) => ({
      onRequest() {
        trace.push(`${name} ${String(config)}`);
        return undefined;
      },
    }),
  };
}

function compile(gateway: GatewayConfig, policies: readonly Policy[] = []): Snapshot {
  return compileSnapshot({ version: 7, gateways: [gateway] }, { ...createDeps(), policies, controlToken: 'secret' });
}

function planOf(snapshot: Snapshot, path: string): Plan {
  const found = snapshot.router.find({ method: 'GET', path, host: undefined, headers: [] });
  assert.ok(!('miss' in found));
  return found;
}

describe('a compiled plan', () => {
  test('runs its policies in the order of the stages, whatever order they were configured in', () => {
    const trace: string[] = [];
    const policies = STAGES.map((stage) => tracing(stage, stage, trace));
    for (const order of [STAGES, STAGES.toReversed(), ['limit', 'guard', 'message', 'authorize', 'authenticate']]) {
      trace.length = 0;
      const uses = order.map((name, i) => ({ name, config: i }));
      const plan = planOf(
        compile(createGateway('http://h', { endpoints: [createEndpoint({ policies: uses })] }), policies),
        '/',
      );
      for (const policy of plan.policies) void policy.onRequest?.(createExchange().exchange);
      assert.deepEqual(
        trace.map((line) => line.split(' ')[0]),
        ['guard', 'authenticate', 'authorize', 'limit', 'message'],
      );
    }
  });

  test('keeps the configured order within a stage', () => {
    const trace: string[] = [];
    const policies = [tracing('b', 'guard', trace), tracing('a', 'guard', trace)];
    const uses = ['a', 'b', 'a'].map((name, i) => ({ name, config: i }));
    const plan = planOf(
      compile(createGateway('http://h', { endpoints: [createEndpoint({ policies: uses })] }), policies),
      '/',
    );
    for (const policy of plan.policies) void policy.onRequest?.(createExchange().exchange);
    assert.deepEqual(trace, ['a 0', 'b 1', 'a 2']);
  });

  test('compiles each policy once, not for every request', () => {
    let compiled = 0;
    const counting: Policy = {
      name: 'counting',
      stage: 'guard',
      config: Type.Unknown(),
      compile() {
        compiled++;
        return {};
      },
    };
    const endpoints = [createEndpoint({ policies: [{ name: 'counting', config: null }] })];
    const snapshot = compile(createGateway('http://h', { endpoints }), [counting]);
    planOf(snapshot, '/a');
    planOf(snapshot, '/b');
    assert.equal(compiled, 1);
  });

  test('knows its gateway, endpoint, tenant, service and timeout', () => {
    const plan = planOf(compile(createGateway('http://h', { routePrefix: '/shop' })), '/shop/x');
    const { gatewayId, endpointId, tenantId, service, timeouts } = plan;
    assert.deepEqual(
      { gatewayId, endpointId, tenantId, service, firstByteMs: timeouts.firstByteMs },
      { gatewayId: 'gw_1', endpointId: 'ep_1', tenantId: 'ten_of_key', service: 'echo', firstByteMs: 5000 },
    );
  });

  test('strips the prefix only where the service says so', () => {
    const stripCharacters = (stripPrefix: boolean): number => {
      const services = [{ name: 'echo', targets: [{ url: 'http://h' }], stripPrefix }];
      return planOf(compile(createGateway('http://h', { routePrefix: '/shop', services })), '/shop/x').stripCharacters;
    };
    assert.deepEqual([stripCharacters(true), stripCharacters(false)], ['/shop'.length, 0]);
  });

  test('has the token of the control plane on its own routes only', () => {
    assert.equal(planOf(compile(createGateway('http://h')), '/').controlToken, undefined);
    const management = createGateway('unix:/run/control', { id: null });
    assert.equal(planOf(compile(management), '/').controlToken, 'secret');
  });

  const targets: readonly [url: string, origin: string, basePath: string, socketPath: string | undefined][] = [
    ['http://h', 'http://h', '', undefined],
    ['http://h/', 'http://h', '', undefined],
    ['http://h:80/base', 'http://h', '/base', undefined],
    ['https://h:8443/base/v1//', 'https://h:8443', '/base/v1', undefined],
    ['unix:/run/a b/control', 'http://control', '', '/run/a b/control'],
  ];
  for (const [url, origin, basePath, socketPath] of targets) {
    test(`reaches ${url}`, () => {
      const [target] = planOf(compile(createGateway(url, { id: null })), '/').upstream.members;
      assert.deepEqual([target?.origin, target?.basePath, target?.socketPath], [origin, basePath, socketPath]);
    });
  }
});

describe('an unchecked snapshot', () => {
  const unchecked: readonly [string, GatewayConfig][] = [
    [
      'with an unknown policy',
      createGateway('http://h', { endpoints: [createEndpoint({ policies: [{ name: 'ghost', config: {} }] })] }),
    ],
    ['with an unknown service', createGateway('http://h', { endpoints: [createEndpoint({ service: 'ghost' })] })],
    ['with an unknown method', createGateway('http://h', { endpoints: [createEndpoint({ method: 'FETCH' })] })],
  ];
  for (const [what, gateway] of unchecked) {
    test(`throws instead of serving less than it says: ${what}`, () => {
      assert.throws(() => compile(gateway), /an unchecked snapshot was compiled/);
    });
  }
});
