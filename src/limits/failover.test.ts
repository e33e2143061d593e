// Limits over two nodes while the Redis of both is away, and after it is back. A node here is a limiter with memory of its own.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FailoverLimiter } from './failover.ts';
import type { Limit } from '../lib/limit.ts';
import { standingsOf, TestClock } from './limiter.conformance.ts';
import type { Admitted, Check, CheckSet, OnFailure } from './limiter.ts';
import { RedisServer, skipWithoutRedis } from './redis-server.fixture.ts';
import { openRedisLimiter, type RedisLimiter } from './redis.ts';
import { createSharedCounters } from './shared-counters.ts';
import { SharedMemoryLimiter } from './shared-memory.ts';

const PATIENCE_MS = 10_000;
const day = (limit: number): Limit => ({ window: 'day', limit });
const LIMITS: Readonly<Record<string, Limit>> = {
  'a fixed window': day(9),
  'a sliding window': { window: 'minute', limit: 9 },
  'a bucket': { algorithm: 'bucket', window: 'hour', limit: 1, burst: 9 },
};

interface Node {
  readonly limiter: FailoverLimiter;
  readonly redis: RedisLimiter;
  readonly fallbacks: () => number;
  /** The memory of the node, as another of its threads sees it. */
  readonly otherThread: SharedMemoryLimiter;
}

/** Two nodes on one clock, over a Redis that can be taken away. */
async function withNodes(tell: (scene: Scene) => Promise<void>): Promise<void> {
  const server = await RedisServer.start();
  const clock = new TestClock();
  const open = async (): Promise<Node> => {
    const redis = await openRedisLimiter({
      url: server.url,
      timeoutMs: PATIENCE_MS,
      nowMs: () => clock.now,
      isTimeGiven: true,
    });
    const memory = createSharedCounters({ entries: 1000, seats: 2, secret: 's' });
    let fallbacks = 0;
    const local = new SharedMemoryLimiter({ memory, seat: 0, clock });
    const limiter = new FailoverLimiter({ redis, local, onFallback: () => fallbacks++ });
    const otherThread = new SharedMemoryLimiter({ memory, seat: 1, clock });
    return { limiter, redis, fallbacks: () => fallbacks, otherThread };
  };
  const nodes = [await open(), await open()] as const;
  try {
    await until(() => nodes.every(({ redis }) => redis.isUp));
    await tell(new Scene(server, clock, nodes));
  } finally {
    for (const { redis } of nodes) redis.close();
    await server.stop();
  }
}

class Scene {
  readonly server: RedisServer;
  readonly clock: TestClock;
  readonly nodes: readonly [Node, Node];

  constructor(server: RedisServer, clock: TestClock, nodes: readonly [Node, Node]) {
    this.server = server;
    this.clock = clock;
    this.nodes = nodes;
  }

  prepare(node: number, onFailure: OnFailure, ...limits: readonly Limit[]): CheckSet {
    const checks: Check[] = limits.map((limit) => ({ subject: 'key:a', limit }));
    return this.at(node).limiter.prepare('ten_1', checks, onFailure);
  }

  at(node: number): Node {
    return this.nodes[node] ?? assert.fail();
  }

  async admit(node: number, set: CheckSet): Promise<Admitted> {
    const verdict = await this.at(node).limiter.take(set, 1);
    return verdict.outcome === 'admitted' ? verdict : assert.fail(JSON.stringify(verdict));
  }

  async useUp(node: number, set: CheckSet): Promise<number> {
    for (let admitted = 0; ; admitted++)
      if ((await this.at(node).limiter.take(set, 1)).outcome !== 'admitted') return admitted;
  }

  /** As a crash: what it knew is gone unless it is saved and loaded. */
  async takeRedisAway(): Promise<void> {
    await this.server.command('SAVE');
    await this.server.kill();
    await until(() => this.nodes.every(({ redis }) => !redis.isUp));
  }

  async bringRedisBack(): Promise<void> {
    await this.server.start();
    await until(() => this.nodes.every(({ redis }) => redis.isUp));
  }
}

describe('limits while Redis is away', { skip: skipWithoutRedis, concurrency: true }, () => {
  for (const [name, limit] of Object.entries(LIMITS)) {
    it(`counted locally, go on from what Redis knew, and are added to it when it is back: ${name}`, async () => {
      await withNodes(async (scene) => {
        const sets = [scene.prepare(0, 'local', limit), scene.prepare(1, 'local', limit)] as const;
        for (const node of [0, 1]) for (let i = 0; i < 2; i++) await scene.admit(node, sets[node] ?? assert.fail());
        await scene.takeRedisAway();
        const verdict = scene.at(0).limiter.take(sets[0], 1);
        assert.ok(!(verdict instanceof Promise), 'nobody waits');
        // The first node heard of two calls, the second of four.
        assert.equal(standingsOf(verdict)[0]?.remaining, 6);
        await scene.admit(1, sets[1]);
        assert.equal(standingsOf(await scene.admit(1, sets[1]))[0]?.remaining, 3);
        await scene.bringRedisBack();
        // The first call that Redis answers sends along what was counted meanwhile.
        await scene.admit(0, sets[0]);
        await until(async () => (await peek(scene, 1, sets[1])) === 3);
        await scene.admit(1, sets[1]);
        await until(async () => (await peek(scene, 0, sets[0])) === 0);
        assert.equal((await scene.useUp(0, sets[0])) + (await scene.useUp(1, sets[1])), 0, 'nine calls in all');
      });
    });
  }

  it('go on from what Redis knew also for checks that were made ready anew', async () => {
    await withNodes(async (scene) => {
      for (let i = 0; i < 4; i++) await scene.admit(0, scene.prepare(0, 'local', day(9)));
      await scene.takeRedisAway();
      assert.equal(await scene.useUp(0, scene.prepare(0, 'local', day(9))), 5);
    });
  });

  it('go on from what another thread of the node has heard', async () => {
    await withNodes(async (scene) => {
      for (let i = 0; i < 4; i++) await scene.admit(0, scene.prepare(0, 'local', day(9)));
      const other = scene.at(0).otherThread.prepare('ten_1', [{ subject: 'key:a', limit: day(9) }]);
      await until(() => scene.at(0).otherThread.peek(other)?.[0]?.remaining === 5);
    });
  });

  it('admit no more than the limit on a node that never heard of Redis', async () => {
    await withNodes(async (scene) => {
      await scene.takeRedisAway();
      assert.equal(await scene.useUp(0, scene.prepare(0, 'local', day(9), { window: 'hour', limit: 20 })), 9);
      assert.equal(scene.at(0).fallbacks(), 10);
    });
  });

  it('do not begin anew with every absence', async () => {
    await withNodes(async (scene) => {
      const set = scene.prepare(0, 'local', day(9));
      let admitted = 0;
      for (let absence = 0; absence < 3; absence++) {
        for (let i = 0; i < 2; i++) if ((await scene.at(0).limiter.take(set, 1)).outcome === 'admitted') admitted++;
        await scene.takeRedisAway();
        for (let i = 0; i < 2; i++) if ((await scene.at(0).limiter.take(set, 1)).outcome === 'admitted') admitted++;
        await scene.bringRedisBack();
        if ((await scene.at(0).limiter.take(set, 1)).outcome === 'admitted') admitted++;
        await until(async () => (await peek(scene, 1, scene.prepare(1, 'deny', day(9)))) === Math.max(0, 9 - admitted));
      }
      assert.equal(admitted, 9);
    });
  });

  it('add nothing of a window that is over', async () => {
    await withNodes(async (scene) => {
      const set = scene.prepare(0, 'local', { window: 'hour', limit: 9 });
      await scene.admit(0, set);
      await scene.takeRedisAway();
      await scene.admit(0, set);
      scene.clock.now += 3_600_000;
      await scene.bringRedisBack();
      await scene.admit(0, set);
      const set1 = scene.prepare(1, 'deny', { window: 'hour', limit: 9 });
      await until(async () => (await peek(scene, 1, set1)) === 8);
      await scene.admit(0, set);
      assert.equal(await peek(scene, 1, set1), 7);
    });
  });

  it('take back here what was decided here, and in Redis what was decided there', async () => {
    await withNodes(async (scene) => {
      const set = scene.prepare(0, 'local', day(9));
      const there = await scene.admit(0, set);
      scene.at(0).limiter.refund(set, 1, there);
      await until(async () => (await peek(scene, 1, scene.prepare(1, 'deny', day(9)))) === 9);
      await scene.takeRedisAway();
      const here = await scene.admit(0, set);
      await scene.admit(0, set);
      scene.at(0).limiter.refund(set, 1, here);
      await scene.bringRedisBack();
      await scene.admit(0, set);
      await until(async () => (await peek(scene, 1, scene.prepare(1, 'deny', day(9)))) === 7);
    });
  });

  it('are unavailable where local counting was not asked for', async () => {
    await withNodes(async (scene) => {
      const sets = [scene.prepare(0, 'allow', day(9)), scene.prepare(0, 'deny', day(9))];
      await scene.takeRedisAway();
      for (const set of sets) {
        const verdict = scene.at(0).limiter.take(set, 1);
        assert.ok(!(verdict instanceof Promise));
        assert.equal(verdict.outcome, 'unavailable');
        assert.equal(await scene.at(0).limiter.peek(set), undefined);
      }
      assert.equal(scene.at(0).fallbacks(), 2);
    });
  });

  it('are counted locally when Redis is there and cannot write', async () => {
    await withNodes(async (scene) => {
      const set = scene.prepare(0, 'local', day(9));
      await scene.admit(0, set);
      await scene.server.command('CONFIG', 'SET', 'maxmemory', '1');
      assert.equal(standingsOf(await scene.admit(0, set))[0]?.remaining, 7);
      await scene.server.command('CONFIG', 'SET', 'maxmemory', '0');
      await scene.admit(0, set);
      await until(async () => (await peek(scene, 1, scene.prepare(1, 'deny', day(9)))) === 6);
    });
  });
});

async function peek(scene: Scene, node: number, set: CheckSet): Promise<number | undefined> {
  return (await scene.at(node).limiter.peek(set))?.[0]?.remaining;
}

/** Waits for the event itself, with no opinion on how long it takes but that it comes. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it does not come to that');
}
