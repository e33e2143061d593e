// The suite on a clock of its own; then the store, on the server's; then everything that can happen to a Redis.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createClient } from '@redis/client';
import type { Limit } from '../lib/limit.ts';
import {
  describeLimiter,
  HOUR_MS,
  MINUTE_MS,
  newSubject,
  NOON_MS,
  standingsOf,
  TestClock,
} from './limiter.conformance.ts';
import type { Check, Limiter, Verdict } from './limiter.ts';
import { RedisProxy } from './redis-proxy.fixture.ts';
import { RedisServer, skipWithoutRedis } from './redis-server.fixture.ts';
import { openRedisLimiter, type RedisLimiter } from './redis.ts';
import { GRACE_MS, LEASE_MS } from './take-script.ts';

const url = process.env['TEST_REDIS_URL'] ?? '';
const skip = url === '' ? 'TEST_REDIS_URL is not set: npm test sets it' : false;
/** Long enough for a busy test machine; what must not wait does not wait for it. */
const PATIENCE_MS = 10_000;
/** For calls that are to be too late. */
const HURRY_MS = 20;

const day = (limit: number): Limit => ({ window: 'day', limit });
const check = (subject: string, limit: Limit): Check => ({ subject, limit });

function take(limiter: Limiter, ...checks: readonly Check[]): Verdict | Promise<Verdict> {
  return limiter.take(limiter.prepare('ten_1', checks), 1);
}

async function remaining(limiter: Limiter, of: Check): Promise<number | undefined> {
  return (await limiter.peek(limiter.prepare('ten_1', [of])))?.[0]?.remaining;
}

describe('Redis', { skip }, () => {
  describeLimiter('conformance', async (clock) => {
    const limiter = await openRedisLimiter({ url, timeoutMs: PATIENCE_MS, nowMs: () => clock.now, isTimeGiven: true });
    return { limiter, live: () => limiter.renewPlaces(), close: () => limiter.close() };
  });

  describe('the store', () => {
    const client = createClient({ url });
    let limiter: RedisLimiter;
    const keyOf = (subject: string): string => `tollgate-test:v2:{ten_1}:${subject}`;
    before(async () => {
      await client.connect();
      limiter = await openRedisLimiter({ url, timeoutMs: PATIENCE_MS, keyPrefix: 'tollgate-test:' });
    });
    after(() => {
      limiter.close();
      client.destroy();
    });

    it('lets the counters of a subject go an hour after the last of them says nothing any more', async () => {
      const limits: readonly Limit[] = [
        { window: 'minute', limit: 5, algorithm: 'fixed' },
        { algorithm: 'bucket', window: 'minute', limit: 60, burst: 5 },
        { window: 'hour', limit: 5 },
        day(5),
        { window: 'month', limit: 5 },
      ];
      const untilMs = async (subject: string): Promise<number> => (await client.pExpireTime(keyOf(subject))) - GRACE_MS;
      const together = newSubject();
      for (const limit of limits) {
        const alone = newSubject();
        const verdict = await take(limiter, check(alone, limit));
        const resetAtMs = standingsOf(verdict)[0]?.resetAtMs ?? assert.fail();
        // Of a bucket whole minutes count. The clock of Redis has gone on by a moment.
        const off = Math.abs((await untilMs(alone)) - resetAtMs);
        assert.ok(off <= MINUTE_MS, `${JSON.stringify(limit)}: ${off}`);
        await take(limiter, check(together, limit));
      }
      await take(limiter, check(together, { window: 'minute', limit: 5, algorithm: 'fixed' }));
      const months = standingsOf(await take(limiter, check(together, { window: 'month', limit: 5 })))[0]?.resetAtMs;
      assert.ok(Math.abs((await untilMs(together)) - (months ?? 0)) <= MINUTE_MS);
      await take(limiter, check(`${together}/s`, { window: 'minute', limit: 5 }));
      const left = await client.pTTL(keyOf(`${together}/s`));
      assert.ok(left > GRACE_MS && left <= GRACE_MS + 2 * MINUTE_MS, 'a sliding minute still weighs for another one');
    });

    it('makes no key for what was refused or only looked at', async () => {
      const subject = newSubject();
      const full = check(`${subject}/full`, day(1));
      await take(limiter, full);
      await take(limiter, check(subject, day(5)), full);
      await limiter.peek(limiter.prepare('ten_1', [check(subject, day(5))]));
      assert.deepEqual(await client.keys(`tollgate-test:*${subject}:*`), []);
    });

    it('keeps the counters of one group in one slot of a cluster, and tells groups apart', async () => {
      const subject = newSubject();
      await take(limiter, check(subject, day(5)), check(`${subject}/b`, { window: 'hour', limit: 5 }));
      await limiter.take(limiter.prepare('ten_2', [check(subject, day(5))]), 1);
      const keys = await client.keys(`tollgate-test:*${subject}*`);
      assert.equal(new Set(keys.map((key) => /\{(.*)\}/.exec(key)?.[1])).size, 2);
      assert.equal(await remaining(limiter, check(subject, day(5))), 4);
    });

    it('goes on when Redis has forgotten the script', async () => {
      const subject = newSubject();
      await take(limiter, check(subject, day(9)));
      await client.scriptFlush();
      const verdicts = await Promise.all([1, 2, 3].map(async () => take(limiter, check(subject, day(9)))));
      assert.deepEqual(verdicts.map((verdict) => standingsOf(verdict)[0]?.remaining).toSorted(), [5, 6, 7]);
    });

    it('overwrites a key that is no counter', async () => {
      const subject = newSubject();
      await client.lPush(keyOf(subject), 'a list');
      await client.set(keyOf(`${subject}/text`), 'a text');
      await client.set(keyOf(`${subject}:concurrency`), 'a text');
      const verdict = await take(
        limiter,
        check(subject, day(9)),
        check(`${subject}/text`, { window: 'hour', limit: 9 }),
        check(subject, { algorithm: 'concurrency', limit: 9 }),
      );
      assert.deepEqual(
        standingsOf(verdict).map((standing) => standing.remaining),
        [8, 8, 8],
      );
    });

    it('is exact over several connections', async () => {
      const subject = newSubject();
      const others = await Promise.all([1, 2, 3].map(() => openRedisLimiter({ url, timeoutMs: PATIENCE_MS })));
      const checks = [check(subject, day(100)), check(subject, { window: 'month', limit: 500 })];
      const calls = others.flatMap((other) => Array.from({ length: 100 }, async () => take(other, ...checks)));
      const verdicts = await Promise.all(calls);
      for (const other of others) other.close();
      assert.equal(verdicts.filter(({ outcome }) => outcome === 'admitted').length, 100);
    });

    it('goes by the server’s clock, however wrong the node’s is', async () => {
      const subject = newSubject();
      const checks = [check(subject, day(9)), check(subject, { window: 'month', limit: 9 })];
      const right = await take(limiter, ...checks);
      for (const wrongByMs of [-45 * 24 * HOUR_MS, -HOUR_MS, 26 * HOUR_MS, 400 * 24 * HOUR_MS]) {
        const wrong = await openRedisLimiter({
          url,
          timeoutMs: PATIENCE_MS,
          keyPrefix: 'tollgate-test:',
          nowMs: () => Date.now() + wrongByMs,
        });
        const verdict = await take(wrong, ...checks);
        assert.equal(verdict.outcome, 'admitted');
        assert.deepEqual(
          standingsOf(verdict).map(({ resetAtMs }) => resetAtMs),
          standingsOf(right).map(({ resetAtMs }) => resetAtMs),
        );
        wrong.close();
      }
      assert.equal(await remaining(limiter, check(subject, day(9))), 4);
    });

    it('decides calls of one turn in their order, each by itself: one that is refused counts nowhere, for those after it too', async () => {
      const [two, one] = [check(newSubject(), day(2)), check(newSubject(), day(1))];
      const verdicts = await Promise.all([
        take(limiter, one),
        take(limiter, two, one),
        take(limiter, two),
        take(limiter, two),
        take(limiter, two),
      ]);
      const told = verdicts.map(({ outcome }) => outcome);
      assert.deepEqual(told, ['admitted', 'refused', 'admitted', 'admitted', 'refused']);
      assert.deepEqual([await remaining(limiter, one), await remaining(limiter, two)], [0, 0]);
    });

    it('sends the calls of one turn of the event loop in one write', async () => {
      const proxy = await RedisProxy.start(url);
      const viaProxy = await openRedisLimiter({ url: proxy.url, timeoutMs: PATIENCE_MS });
      const one = check(newSubject(), day(100));
      await take(viaProxy, one);
      const chunksBefore = proxy.chunks;
      await Promise.all(Array.from({ length: 20 }, async () => take(viaProxy, one)));
      assert.equal(proxy.chunks - chunksBefore, 1);
      viaProxy.close();
      await proxy.stop();
    });
  });

  describe('a place of concurrency', () => {
    const clock = new TestClock();
    const open = async (): Promise<RedisLimiter> =>
      openRedisLimiter({ url, timeoutMs: PATIENCE_MS, nowMs: () => clock.now, isTimeGiven: true });

    it('comes back within two leases when its holder died, and never while its holder lives', async () => {
      clock.now = NOON_MS;
      const one = check(newSubject(), { algorithm: 'concurrency', limit: 2 });
      const [dying, living] = [await open(), await open()];
      assert.equal((await take(dying, one)).outcome, 'admitted');
      assert.equal((await take(living, one)).outcome, 'admitted');
      dying.close();
      for (let ms = 0; ms <= 2 * LEASE_MS; ms += LEASE_MS / 3) {
        clock.now += LEASE_MS / 3;
        living.renewPlaces();
        await remaining(living, one);
      }
      const rest = await take(living, one);
      assert.equal(rest.outcome, 'admitted');
      assert.equal((await take(living, one)).outcome, 'refused');
      living.close();
    });

    it('is held over a jump of the clock, forward or back', async () => {
      for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
        clock.now = NOON_MS;
        const one = check(newSubject(), { algorithm: 'concurrency', limit: 1 });
        const limiter = await open();
        const held = await take(limiter, one);
        clock.now += jumpMs;
        assert.equal((await take(limiter, one)).outcome, 'refused');
        limiter.renewPlaces();
        clock.now += LEASE_MS - 1;
        assert.equal((await take(limiter, one)).outcome, 'refused');
        assert.ok(held.outcome === 'admitted');
        held.release?.();
        assert.equal((await take(limiter, one)).outcome, 'admitted');
        limiter.close();
      }
    });
  });
});

describe('a Redis to which something happens', { skip: skipWithoutRedis, concurrency: true }, () => {
  it('that is not there lets the limiter open all the same, and makes calls unavailable at once', async () => {
    const server = await RedisServer.start();
    await server.kill();
    const limiter = await openRedisLimiter({ url: server.url, timeoutMs: PATIENCE_MS });
    const verdict = take(limiter, check('key:a', day(9)));
    assert.ok(!(verdict instanceof Promise));
    assert.equal(verdict.outcome, 'unavailable');
    assert.equal(await remaining(limiter, check('key:a', day(9))), undefined);
    await assert.rejects(limiter.ping());
    limiter.close();
    await server.stop();
  });

  it('that is killed makes calls unavailable without a wait, and is used again when it is back', async () => {
    const told: boolean[] = [];
    const server = await RedisServer.start();
    const limiter = await openRedisLimiter({
      url: server.url,
      timeoutMs: PATIENCE_MS,
      onChange: (isUp) => told.push(isUp),
    });
    assert.equal((await take(limiter, check('key:a', day(9)))).outcome, 'admitted');
    const inFlight = Array.from({ length: 50 }, async () => take(limiter, check('key:b', day(100))));
    await server.kill();
    for (const { outcome } of await Promise.all(inFlight)) assert.ok(outcome !== 'refused');
    await until(() => !limiter.isUp);
    assert.ok(!(take(limiter, check('key:a', day(9))) instanceof Promise));
    await server.start();
    await until(() => limiter.isUp);
    assert.equal((await take(limiter, check('key:a', day(9)))).outcome, 'admitted');
    assert.deepEqual(told, [true, false, true], 'told once each time');
    limiter.close();
    await server.stop();
  });

  it('that freezes costs the calls under way their timeout, and later ones nothing; what it counts after the thaw is taken back', async () => {
    const server = await RedisServer.start();
    const limiter = await openRedisLimiter({ url: server.url, timeoutMs: HURRY_MS });
    const other = await openRedisLimiter({ url: server.url, timeoutMs: PATIENCE_MS });
    const [nine, place] = [check('key:a', day(9)), check('key:a', { algorithm: 'concurrency', limit: 5 } as const)];
    await untilAdmitted(other, nine);
    server.signal('SIGSTOP');
    const late = await Promise.all([take(limiter, nine, place), take(limiter, nine, place)]);
    for (const verdict of late) assert.equal(verdict.outcome, 'unavailable');
    assert.ok(!(take(limiter, nine, place) instanceof Promise), 'nobody else waits');
    await assert.rejects(limiter.ping());
    server.signal('SIGCONT');
    await until(async () => (await remaining(other, nine)) === 8 && (await remaining(other, place)) === 5);
    await until(() => limiter.isUp);
    limiter.close();
    other.close();
    await server.stop();
  });

  it('that stays frozen has its connection replaced, and is used again after the thaw', async () => {
    const server = await RedisServer.start();
    const proxy = await RedisProxy.start(server.url);
    const limiter = await openRedisLimiter({ url: proxy.url, timeoutMs: HURRY_MS });
    proxy.freeze();
    await until(async () => (await take(limiter, check('key:a', day(9)))).outcome === 'unavailable');
    proxy.thaw();
    await until(() => limiter.isUp);
    assert.ok(proxy.connections > 1, 'the old connection stays silent for ever');
    limiter.close();
    await proxy.stop();
    await server.stop();
  });

  it('that is slow for a moment makes the calls of that moment unavailable, and counts none of them in the end', async () => {
    const server = await RedisServer.start('--enable-debug-command', 'yes');
    const limiter = await openRedisLimiter({ url: server.url, timeoutMs: HURRY_MS });
    const other = await openRedisLimiter({ url: server.url, timeoutMs: PATIENCE_MS });
    const nine = check('key:a', day(9));
    await untilAdmitted(other, nine);
    await until(() => limiter.isUp);
    const sleeping = server.command('DEBUG', 'SLEEP', '1');
    await until(async () => (await take(limiter, check('key:probe', day(1_000_000)))).outcome === 'unavailable');
    await sleeping;
    await until(() => limiter.isUp);
    assert.equal(await remaining(other, nine), 8);
    limiter.close();
    other.close();
    await server.stop();
  });

  it('that is flushed begins anew, and goes on with the script and the places that are held', async () => {
    const server = await RedisServer.start();
    const limiter = await openRedisLimiter({ url: server.url, timeoutMs: PATIENCE_MS });
    const place = check('key:a', { algorithm: 'concurrency', limit: 2 });
    const held = await take(limiter, place, check('key:a', day(9)));
    await server.command('FLUSHALL');
    await server.command('SCRIPT', 'FLUSH');
    assert.equal(await remaining(limiter, check('key:a', day(9))), 9);
    assert.equal(await remaining(limiter, place), 2);
    limiter.renewPlaces();
    assert.equal(await remaining(limiter, place), 1);
    assert.ok(held.outcome === 'admitted');
    held.release?.();
    assert.equal(await remaining(limiter, place), 2);
    limiter.close();
    await server.stop();
  });

  it('that is out of memory makes calls unavailable and counts nothing by halves', async () => {
    const server = await RedisServer.start();
    const limiter = await openRedisLimiter({ url: server.url, timeoutMs: PATIENCE_MS });
    const checks = [check('key:a', day(9)), check('key:b', day(9)), check('key:c', day(9))];
    await take(limiter, ...checks);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    const verdict = await take(limiter, ...checks);
    assert.equal(verdict.outcome, 'unavailable');
    assert.match(verdict.reason, /OOM/);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    assert.deepEqual(
      standingsOf(await take(limiter, ...checks)).map((standing) => standing.remaining),
      [7, 7, 7],
    );
    limiter.close();
    await server.stop();
  });

  it('that fails over is found at its address again, with what had been replicated', async () => {
    const primary = await RedisServer.start();
    const replica = await RedisServer.start();
    await replica.command('REPLICAOF', '127.0.0.1', String(primary.port));
    const proxy = await RedisProxy.start(primary.url);
    const limiter = await openRedisLimiter({ url: proxy.url, timeoutMs: PATIENCE_MS });
    const nine = check('key:a', day(9));
    for (let i = 0; i < 5; i++) await take(limiter, nine);
    await until(async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'));
    await until(async () => (await replica.command('GET', 'tollgate:v2:{ten_1}:key:a')) !== null);
    // First the address leads to the replica while that still is one, then it is promoted.
    proxy.target = replica.url;
    proxy.cut();
    await until(async () => (await take(limiter, nine)).outcome === 'unavailable');
    await replica.command('REPLICAOF', 'NO', 'ONE');
    await primary.kill();
    await until(async () => (await take(limiter, nine)).outcome === 'admitted');
    assert.ok(((await remaining(limiter, nine)) ?? 9) <= 3);
    limiter.close();
    await proxy.stop();
    await Promise.all([primary.stop(), replica.stop()]);
  });

  it('that is a cluster serves every group from the node that has it', async () => {
    const servers = await Promise.all([1, 2, 3].map(() => RedisServer.start('--cluster-enabled', 'yes')));
    await formCluster(servers);
    const [first] = servers;
    const limiter = await openRedisLimiter({ url: first?.url ?? '', timeoutMs: PATIENCE_MS });
    const checks = [
      check('key:a', day(3)),
      check('endpoint:a', { window: 'minute', limit: 9 }),
      check('key:a', day(3)),
    ];
    for (const group of ['ten_a', 'ten_b', 'ten_c', 'ten_d', 'ten_e']) {
      const set = limiter.prepare(group, checks.slice(0, 2));
      // The first call to another node finds out that this is a cluster.
      await until(async () => (await limiter.take(set, 1)).outcome === 'admitted');
      for (let i = 0; i < 2; i++) assert.equal((await limiter.take(set, 1)).outcome, 'admitted');
      assert.equal((await limiter.take(set, 1)).outcome, 'refused');
    }
    // Of one turn: the counters of some are on one node, those of others on another.
    const groups = Array.from({ length: 9 }, (_, i) => limiter.prepare(`ten_x${i}`, checks.slice(0, 2)));
    const verdicts = await Promise.all(groups.flatMap((set) => [1, 2, 3, 4].map(async () => limiter.take(set, 1))));
    assert.equal(verdicts.filter(({ outcome }) => outcome === 'admitted').length, 27);
    assert.equal(verdicts.filter(({ outcome }) => outcome === 'refused').length, 9);
    limiter.close();
    const sizes = await Promise.all(servers.map((server) => server.command('DBSIZE')));
    assert.ok(
      sizes.every((size) => Number(size) > 0),
      `spread over all nodes: ${sizes.join(' ')}`,
    );
    for (const server of servers) await server.stop();
  });

  it('is unavailable after it was closed, and a URL that is none is refused', async () => {
    const server = await RedisServer.start();
    const limiter = await openRedisLimiter({ url: server.url });
    limiter.close();
    assert.equal((await take(limiter, check('key:a', day(9)))).outcome, 'unavailable');
    await assert.rejects(openRedisLimiter({ url: 'http://localhost' }), TypeError);
    await server.stop();
  });
});

/** Gives every server a third of the slots, and introduces them to each other. */
async function formCluster(servers: readonly RedisServer[]): Promise<void> {
  const SLOTS = 16_384;
  for (const [i, server] of servers.entries()) {
    const from = Math.floor((SLOTS * i) / servers.length);
    const to = Math.floor((SLOTS * (i + 1)) / servers.length) - 1;
    await server.command('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
    await server.command('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
  }
  for (const server of servers.slice(1)) await server.command('CLUSTER', 'MEET', '127.0.0.1', String(servers[0]?.port));
  for (const server of servers)
    await until(async () => String(await server.command('CLUSTER', 'INFO')).includes('cluster_state:ok'));
}

async function untilAdmitted(limiter: Limiter, one: Check): Promise<void> {
  await until(async () => (await take(limiter, one)).outcome === 'admitted');
}

/** Waits for the event itself, with no opinion on how long it takes but that it comes. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it does not come to that');
}
