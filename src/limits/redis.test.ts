// Time is the server's here and cannot be set. The conformance suite copes with a window that turns; the tests below use windows of a day
// and look at single calls, or bring a counter of another window into the store themselves.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createClient } from '@redis/client';
import { check, describeLimiter, newSubject } from './limiter.conformance.ts';
import type { Verdict } from './limiter.ts';
import { RedisProxy } from './redis-proxy.fixture.ts';
import { openRedisLimiter, type RedisLimiter } from './redis.ts';

const url = process.env['TEST_REDIS_URL'] ?? '';
const skip = url === '' ? 'TEST_REDIS_URL is not set: npm test sets it' : false;
/** Long enough for a busy test machine; what must not wait does not wait for it. */
const PATIENCE_MS = 10_000;

describe('Redis', { skip }, () => {
  describeLimiter('conformance', async () => {
    const limiter = await openRedisLimiter({ url, timeoutMs: PATIENCE_MS });
    return { limiter, close: () => limiter.close() };
  });

  describe('the store', () => {
    const client = createClient({ url });
    let limiter: RedisLimiter;
    before(async () => {
      await client.connect();
      limiter = await openRedisLimiter({ url, timeoutMs: PATIENCE_MS, keyPrefix: 'tollgate-test:' });
    });
    after(() => {
      limiter.close();
      client.destroy();
    });

    it('lets every counter go when its window ends', async () => {
      const subject = newSubject();
      const verdict = await limiter.take([check(subject, 'hour', 5), check(subject, 'day', 5)], 1);
      assert.equal(verdict.outcome, 'admitted');
      for (const { check: asked, resetAtMs } of verdict.standings) {
        const key = `tollgate-test:{limits}:${subject}:${asked.window}`;
        assert.equal(await client.pExpireTime(key), resetAtMs);
      }
    });

    it('counts nothing for a counter that another window has left', async () => {
      const subject = newSubject();
      const midnightMs = Math.floor(Date.now() / 86_400_000) * 86_400_000;
      for (const leftMs of [midnightMs, midnightMs + 5 * 86_400_000]) {
        await client.set(`tollgate-test:{limits}:${subject}:day`, `${leftMs}:5`);
        assert.equal((await limiter.take([check(subject, 'day', 5)], 1)).outcome, 'admitted');
      }
    });

    it('makes no key for what was refused or only looked at', async () => {
      const subject = newSubject();
      await limiter.take([check(subject, 'day', 5), check(subject, 'hour', 0)], 1);
      await limiter.peek([check(subject, 'day', 5)]);
      assert.deepEqual(await client.keys(`tollgate-test:*${subject}*`), []);
    });

    it('goes on when Redis has forgotten the script', async () => {
      const subject = newSubject();
      await limiter.take([check(subject, 'day', 9)], 1);
      await client.scriptFlush();
      const verdicts = await Promise.all([1, 2, 3].map(() => limiter.take([check(subject, 'day', 9)], 1)));
      assert.deepEqual(verdicts.map(remainingOf).toSorted(), [5, 6, 7]);
    });

    it('overwrites a key that is no counter', async () => {
      const subject = newSubject();
      await client.lPush(`tollgate-test:{limits}:${subject}:day`, 'a list');
      assert.equal(remainingOf(await limiter.take([check(subject, 'day', 9)], 1)), 8);
    });

    it('is exact over several connections', async () => {
      const subject = newSubject();
      const others = await Promise.all([1, 2, 3].map(() => openRedisLimiter({ url, timeoutMs: PATIENCE_MS })));
      const checks = [check(subject, 'day', 100), check(subject, 'hour', 500)];
      const calls = others.flatMap((other) => Array.from({ length: 100 }, async () => other.take(checks, 1)));
      const verdicts = await Promise.all(calls);
      for (const other of others) other.close();
      assert.equal(verdicts.filter(({ outcome }) => outcome === 'admitted').length, 100);
    });
  });

  describe('when Redis is away', { concurrency: true }, () => {
    it('is unavailable at once when the connection is refused, and opens all the same', async () => {
      const proxy = await RedisProxy.start(url);
      await proxy.stop();
      const limiter = await openRedisLimiter({ url: proxy.url, timeoutMs: PATIENCE_MS });
      assert.equal((await limiter.take([check(newSubject(), 'day', 9)], 1)).outcome, 'unavailable');
      assert.equal(await limiter.peek([check(newSubject(), 'day', 9)]), undefined);
      await assert.rejects(limiter.ping());
      limiter.close();
    });

    it('is unavailable while the server is down, without a wait, and comes back by itself with the counts kept', async () => {
      const proxy = await RedisProxy.start(url);
      const limiter = await openRedisLimiter({ url: proxy.url, timeoutMs: PATIENCE_MS });
      const day = check(newSubject(), 'day', 9);
      assert.equal(remainingOf(await limiter.take([day], 1)), 8);
      const inFlight = limiter.take([day], 1);
      await proxy.stop();
      assert.ok(['admitted', 'unavailable'].includes((await inFlight).outcome));
      assert.equal((await limiter.take([day], 1)).outcome, 'unavailable');
      await proxy.restore();
      await untilBack(limiter);
      assert.equal((await limiter.take([day], 1)).outcome, 'admitted');
      limiter.close();
      await proxy.stop();
    });

    it('is unavailable after the timeout when the server accepts and never answers', async () => {
      const proxy = await RedisProxy.start(url);
      const limiter = await openRedisLimiter({ url: proxy.url, timeoutMs: 20 });
      proxy.freeze();
      const verdict = await limiter.take([check(newSubject(), 'day', 9)], 1);
      assert.deepEqual(verdict, { outcome: 'unavailable', reason: 'Redis did not answer in time' });
      await assert.rejects(limiter.ping());
      limiter.close();
      await proxy.stop();
    });

    it('gives a silent connection up and makes another', async () => {
      const proxy = await RedisProxy.start(url);
      const limiter = await openRedisLimiter({ url: proxy.url, timeoutMs: 20 });
      proxy.freeze();
      await limiter.take([check(newSubject(), 'day', 9)], 1);
      proxy.thaw();
      await untilBack(limiter);
      assert.ok(proxy.connections > 1);
      limiter.close();
      await proxy.stop();
    });

    it('opens when the server accepts and never answers', async () => {
      const proxy = await RedisProxy.start(url);
      proxy.freeze();
      const limiter = await openRedisLimiter({ url: proxy.url, timeoutMs: PATIENCE_MS });
      assert.equal((await limiter.take([check(newSubject(), 'day', 9)], 1)).outcome, 'unavailable');
      limiter.close();
      await proxy.stop();
    });

    it('tells when the connection breaks and when it is back', async () => {
      const told: boolean[] = [];
      const proxy = await RedisProxy.start(url);
      const limiter = await openRedisLimiter({
        url: proxy.url,
        timeoutMs: PATIENCE_MS,
        onChange: (connected) => {
          if (told.at(-1) !== connected) told.push(connected);
        },
      });
      await proxy.stop();
      await proxy.restore();
      await untilBack(limiter);
      assert.deepEqual(told, [true, false, true]);
      limiter.close();
      await proxy.stop();
    });

    it('is unavailable after it was closed, and refuses a URL that is none', async () => {
      const limiter = await openRedisLimiter({ url });
      limiter.close();
      assert.equal((await limiter.take([check(newSubject(), 'day', 9)], 1)).outcome, 'unavailable');
      await assert.rejects(openRedisLimiter({ url: 'http://localhost' }), TypeError);
    });
  });

  it('sends the calls of one tick in one write', async () => {
    const proxy = await RedisProxy.start(url);
    const limiter = await openRedisLimiter({ url: proxy.url, timeoutMs: PATIENCE_MS });
    const day = check(newSubject(), 'day', 100);
    await limiter.take([day], 1);
    const chunksBefore = proxy.chunks;
    await Promise.all(Array.from({ length: 20 }, async () => limiter.take([day], 1)));
    assert.equal(proxy.chunks - chunksBefore, 1);
    limiter.close();
    await proxy.stop();
  });
});

function remainingOf(verdict: Verdict): number | undefined {
  return verdict.outcome === 'unavailable' ? undefined : verdict.standings[0]?.remaining;
}

/** Waits for the event itself, with no opinion on how long it takes but that it comes. */
async function untilBack(limiter: RedisLimiter): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    try {
      await limiter.ping();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error('the connection does not come back');
}
