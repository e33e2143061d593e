// Everything that can happen to the Redis of an installation, as callers of three nodes see it: one that counts on by itself meanwhile, one
// that lets through, one that refuses. How long a call may wait is held by src/limits/redis-calls.test.ts, on a clock.

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisProxy } from '../../src/limits/redis-proxy.fixture.ts';
import { RedisServer } from '../../src/limits/redis-server.fixture.ts';
import { createApi, type Answer, type Api } from '../harness/api.ts';
import { withPostgresUrl } from '../harness/databases.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { startUpstream, type Upstream } from '../harness/upstream.ts';

const LIMIT = 100_000;
const WAYS = ['local', 'allow', 'deny'] as const;
type Way = (typeof WAYS)[number];

interface Lines {
  readonly begin: string;
  readonly end: string;
}

const AWAY: Lines = { begin: 'Redis is away', end: 'Redis is back' };
const REFUSING: Lines = { begin: 'Redis cannot count', end: 'Redis counts again' };

withPostgresUrl('a Redis that fails under three nodes', (databaseUrl) => {
  const sandboxes: Sandbox[] = [];
  const nodes = new Map<Way, RunningTollgate>();
  let upstream: Upstream;
  let redis: RedisServer;
  let proxy: RedisProxy;
  let admin: Api;

  before(async () => {
    redis = await RedisServer.start('--enable-debug-command', 'yes');
    proxy = await RedisProxy.start(redis.url);
    upstream = await startUpstream((_request, response) => response.end('hello'));
    const start = async (way: Way): Promise<void> => {
      const sandbox = await createSandbox();
      sandboxes.push(sandbox);
      const env = {
        TOLLGATE_DATABASE_URL: databaseUrl(),
        TOLLGATE_REDIS_URL: proxy.url,
        TOLLGATE_REDIS_TIMEOUT_MS: '2000',
        TOLLGATE_LIMITS_ON_FAILURE: way,
        TOLLGATE_HMAC_SECRET: 'h'.repeat(64),
        TOLLGATE_ENCRYPTION_KEY: 'e'.repeat(64),
        TOLLGATE_THREADS: '1',
      };
      nodes.set(way, await sandbox.start(env));
    };
    await Promise.all(WAYS.map(start));
    const setup = await createApi(url('local')).call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
    admin = createApi(url('local'), setup.body.apiKey);
    const shop = {
      name: 'shop',
      upstreamServices: [{ name: 'orders', targets: [{ url: upstream.url }] }],
      endpoints: [{ method: 'GET', path: '/orders' }],
    };
    const applied = await admin.call('POST', '/api/v1/gateways/apply', { gateways: [shop] });
    assert.equal(applied.status, 200, JSON.stringify(applied.body));
  });

  after(async () => {
    for (const sandbox of sandboxes) await sandbox.remove();
    await proxy.stop();
    await redis.stop();
    await upstream.close();
  });

  const url = (way: Way): string => nodes.get(way)?.url ?? assert.fail();
  const told = (way: Way, line: string): number => (nodes.get(way)?.log() ?? '').split(line).length - 1;

  /** A caller that nobody else is, and how many of its requests were counted. */
  async function newCaller() {
    const rateLimit = { requestsPerDay: LIMIT, requestsPerMinute: LIMIT, requestsPerHour: LIMIT };
    const key = (await admin.call('POST', '/api/v1/keys', { name: 'caller', rateLimit })).body.data.apiKey;
    const apis = new Map(WAYS.map((way) => [way, createApi(url(way), key)]));
    const caller = {
      counted: 0,
      async call(way: Way): Promise<Answer> {
        return (await apis.get(way)?.call('GET', '/shop/orders')) ?? assert.fail();
      },
      /** Calls on every node, once it knows the key and the gateway. */
      async warmUp(): Promise<void> {
        for (const way of WAYS) {
          await until(async () => (await caller.call(way)).status === 200);
          caller.counted++;
        }
        assert.equal(remaining(await caller.call('deny')), LIMIT - ++caller.counted);
      },
      /** What Redis says is what was counted by all nodes. */
      async untilAllIsCounted(): Promise<void> {
        await until(async () => {
          const answer = await caller.call('deny');
          if (answer.status === 200) caller.counted++;
          return remaining(answer) === LIMIT - caller.counted;
        });
      },
    };
    return caller;
  }

  /** Callers see what the node's setting says, and each node tells of it in one line. */
  async function expectFailure(caller: Awaited<ReturnType<typeof newCaller>>, lines: Lines, fail: () => Promise<void>) {
    const toldBefore = new Map(WAYS.map((way) => [way, told(way, lines.begin)]));
    await fail();
    for (const way of WAYS) {
      await until(async () => {
        const { status } = await caller.call(way);
        // Counted in Redis, as long as that still answered, or by the node itself.
        if (status === 200 && way !== 'allow') caller.counted++;
        return told(way, lines.begin) > (toldBefore.get(way) ?? 0);
      });
    }
    for (let i = 0; i < 3; i++) {
      const [local, allow, deny] = [await caller.call('local'), await caller.call('allow'), await caller.call('deny')];
      assert.deepEqual([local.status, allow.status, deny.status], [200, 200, 503]);
      assert.deepEqual([remaining(allow), deny.body.code], [undefined, 'limits_unavailable']);
      assert.ok((remaining(local) ?? LIMIT) < LIMIT);
      caller.counted++;
    }
    for (const way of WAYS) assert.equal(told(way, lines.begin), (toldBefore.get(way) ?? 0) + 1, `${way}: one line`);
  }

  async function expectRecovery(lines: Lines, mend: () => Promise<void>): Promise<void> {
    const toldBefore = new Map(WAYS.map((way) => [way, told(way, lines.end)]));
    await mend();
    for (const way of WAYS) await until(() => told(way, lines.end) > (toldBefore.get(way) ?? 0));
    for (const way of WAYS) assert.equal(told(way, lines.end), (toldBefore.get(way) ?? 0) + 1, `${way}: one line`);
  }

  it('killed: each node does what its setting says, at once, and what was counted meanwhile is added when it is back', async () => {
    const caller = await newCaller();
    await caller.warmUp();
    await expectFailure(caller, AWAY, async () => {
      await redis.command('SAVE');
      await redis.kill();
    });
    await expectRecovery(AWAY, () => redis.start());
    await caller.untilAllIsCounted();
  });

  it('frozen: the same, and what it counts late is taken back', async () => {
    const caller = await newCaller();
    await caller.warmUp();
    await expectFailure(caller, AWAY, async () => redis.signal('SIGSTOP'));
    await expectRecovery(AWAY, async () => redis.signal('SIGCONT'));
    await caller.untilAllIsCounted();
  });

  it('slow: the same, until it answers in time', async () => {
    const caller = await newCaller();
    await caller.warmUp();
    let slow: Promise<unknown> | undefined;
    await expectFailure(caller, AWAY, async () => {
      slow = redis.command('DEBUG', 'SLEEP', '8');
    });
    await expectRecovery(AWAY, async () => void (await slow));
    await caller.untilAllIsCounted();
  });

  it('out of memory: the same, although it answers', async () => {
    const caller = await newCaller();
    await caller.warmUp();
    await expectFailure(caller, REFUSING, async () => {
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    });
    await expectRecovery(REFUSING, async () => {
      await redis.command('CONFIG', 'SET', 'maxmemory', '0');
      // Whoever refuses or lets through learns it with the next request; whoever counts by itself, when it adds its counts.
      for (const way of WAYS) await caller.call(way);
      caller.counted += WAYS.length;
    });
    await caller.untilAllIsCounted();
  });

  it('flushed: limits begin anew on every node, and nobody is refused for it', async () => {
    const caller = await newCaller();
    await caller.warmUp();
    await redis.command('FLUSHALL');
    await redis.command('SCRIPT', 'FLUSH');
    for (const [i, way] of WAYS.entries()) assert.equal(remaining(await caller.call(way)), LIMIT - 1 - i);
  });

  it('failed over: the promoted replica is found at the same address, with what it has counted', async () => {
    const caller = await newCaller();
    await caller.warmUp();
    const replica = await RedisServer.start();
    await replica.command('REPLICAOF', '127.0.0.1', String(redis.port));
    await until(async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'));
    await expectFailure(caller, AWAY, async () => {
      await redis.command('WAIT', '1', '10000');
      await proxy.stop();
      await redis.stop();
      await replica.command('REPLICAOF', 'NO', 'ONE');
      proxy.target = replica.url;
    });
    redis = replica;
    await expectRecovery(AWAY, () => proxy.restore());
    await caller.untilAllIsCounted();
  });
});

function remaining({ headers }: Answer): number | undefined {
  const value = headers.get('x-ratelimit-remaining');
  return value === null ? undefined : Number(value);
}

/** Waits for the event itself, with no opinion on how long it takes but that it comes. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    if (await isSo()) return;
    await sleep(10);
  }
  throw new Error('it does not come to that');
}
