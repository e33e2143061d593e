// Snapshots on their way to real gateway threads: what is refused, what goes on, and what becomes of a gateway that cannot be compiled.

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test, type TestContext } from 'node:test';
import { Type } from 'typebox';
import type { Policy } from '../src/gateway/policy.ts';
import type { GatewayConfig } from '../src/gateway/snapshot.ts';
import type { Supervisor } from '../src/gateway/supervision.ts';
import { spawnThreads, startGateway } from '../src/gateway/supervisor.ts';
import { policies } from '../src/policies/index.ts';
import { createEndpoint, createGateway } from './harness/data-plane.ts';
import { freePort } from './harness/free-port.ts';
import { toThreadOptions } from './harness/gateway-threads.ts';
import { startUpstream, type Upstream } from './harness/upstream.ts';

/** The check knows it, and the threads do not: what it lets through cannot be compiled. */
const GHOST: Policy = {
  name: 'ghost',
  stage: 'guard',
  config: Type.Object({}),
  compile: () => ({}),
};

interface Node {
  readonly supervisor: Supervisor;
  readonly logged: string[];
  /** Ends a thread; resolves when another listens in its place. */
  kill(): Promise<void>;
  get(path: string): Promise<{ status: number; body: string }>;
}

async function startNode(t: TestContext, gateways: readonly GatewayConfig[]): Promise<Node> {
  const threads = spawnThreads(1);
  const port = await freePort();
  const logged: string[] = [];
  const listensAgain = Promise.withResolvers<void>();
  const log = (_: object, message: string): void => {
    logged.push(message);
    if (message === 'the gateway thread listens again') listensAgain.resolve();
  };
  const options = toThreadOptions(port);
  const supervisor = await startGateway(threads, {
    ...options,
    log: { info: log, warn: log, error: log },
    policies: [...policies, GHOST],
    boot: { ...options.boot, snapshot: { version: 1, gateways: [...gateways] } },
  });
  t.after(() => supervisor.drain(1000));
  return {
    supervisor,
    logged,
    async kill() {
      await threads[0]?.terminate();
      await listensAgain.promise;
    },
    async get(path) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
      return { status: response.status, body: await response.text() };
    },
  };
}

describe('snapshots that are published to gateway threads', () => {
  const upstreams: Upstream[] = [];
  const slow: ServerResponse[] = [];
  const begins = Promise.withResolvers<void>();
  let old: string;
  let young: string;

  before(async () => {
    for (const name of ['old', 'young']) {
      upstreams.push(
        await startUpstream((request, response) => {
          if (request.url?.endsWith('/slow') !== true) return void response.end(name);
          response.write(name);
          slow.push(response);
          begins.resolve();
        }),
      );
    }
    [old = '', young = ''] = upstreams.map(({ url }) => url);
  });
  after(() => Promise.all(upstreams.map((upstream) => upstream.close())));

  const gateway = (name: string, url: string, more: Partial<GatewayConfig> = {}): GatewayConfig =>
    createGateway(url, { id: `gw_${name}`, name, routePrefix: `/${name}`, ...more });

  test('are served from then on, and what is under way ends where it began', async (t) => {
    const node = await startNode(t, [gateway('a', old), gateway('b', old)]);
    assert.equal((await node.get('/a/x')).body, 'old');
    const begun = node.get('/a/slow');
    await begins.promise;
    await node.supervisor.publish({ version: 2, gateways: [gateway('a', young), gateway('b', young)] });
    assert.equal((await node.get('/a/x')).body, 'young');
    assert.equal((await node.get('/b/x')).body, 'young');
    slow.pop()?.end();
    assert.equal((await begun).body, 'old');
  });

  test('are refused with all that is wrong with them, and what was served goes on', async (t) => {
    const node = await startNode(t, [gateway('a', old)]);
    const faulty = [
      gateway('a', 'ftp://h'),
      gateway('b', young, { endpoints: [createEndpoint({ service: 'nobody' })] }),
    ];
    await assert.rejects(
      node.supervisor.publish({ version: 2, gateways: faulty }),
      /gateways\[0\]\.services\[0\]\.targets\[0\]\.url: .*gateways\[1\]\.endpoints\[0\]\.service: /,
    );
    assert.equal((await node.get('/a/x')).body, 'old');
    await node.supervisor.publish({ version: 3, gateways: [gateway('a', young)] });
    assert.equal((await node.get('/a/x')).body, 'young');
  });

  test('are refused at the start, and nobody listens', async (t) => {
    await assert.rejects(startNode(t, [gateway('a', 'ftp://h')]), /the snapshot cannot be served: gateways\[0\]/);
  });

  test('are what a thread that died begins with again', async (t) => {
    const node = await startNode(t, [gateway('a', old)]);
    await node.supervisor.publish({ version: 2, gateways: [gateway('a', young)] });
    await node.kill();
    assert.equal((await node.get('/a/x')).body, 'young');
  });

  test('tell how services are that nobody has called', async (t) => {
    const node = await startNode(t, [gateway('a', old), gateway('b', young)]);
    const [health] = await node.supervisor.health('gw_b');
    assert.deepEqual(
      health?.map(({ service, targets }) => [service, targets[0]?.url]),
      [['echo', young]],
    );
  });

  test('with a gateway that cannot be compiled are served without it: 503 for its requests, and an error in the log', async (t) => {
    const ghost = gateway('a', old, { policies: [{ name: 'ghost', config: {} }] });
    const node = await startNode(t, [gateway('b', old), ghost]);
    assert.equal((await node.get('/b/x')).body, 'old');
    for (const path of ['/a', '/a/x', '/a/x']) {
      const { status, body } = await node.get(path);
      assert.deepEqual([status, JSON.parse(body).code], [503, 'not_ready']);
    }
    assert.equal((await node.get('/b/x')).body, 'old');
    assert.deepEqual(
      node.logged.filter((message) => message.includes('cannot be compiled')),
      ['a gateway was checked and yet cannot be compiled: its requests are refused'],
    );
    await node.supervisor.publish({ version: 2, gateways: [gateway('b', old), gateway('a', young)] });
    assert.equal((await node.get('/a/x')).body, 'young');
  });
});
