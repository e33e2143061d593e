// Calls at random, by many threads and by many nodes at the same time. Whatever the order: no limit lets more through than its definition
// says, and every request that was refused was refused by a limit that is used up.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom, type Event, randomChecks, roomBy } from './definition.fixture.ts';
import { hammer, type HammerRound } from './hammer-thread.fixture.ts';
import { HOUR_MS, MINUTE_MS, newSubject, NOON_MS } from './limiter.conformance.ts';
import type { Check } from './limiter.ts';
import { openRedisLimiter } from './redis.ts';
import { createSharedCounters } from './shared-counters.ts';

const url = process.env['TEST_REDIS_URL'] ?? '';
const ROUNDS = 25;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

type Random = (below: number) => number;

/** A few callers with limits of every kind, and requests that fall under some of them, at times that windows lie between. */
function randomRounds(random: Random, callers: number): HammerRound[] {
  const pool = Array.from({ length: callers }, () => randomChecks(random, newSubject())).flat();
  // Who is inside would have to leave; that is held by stress and by the stories.
  const counted = pool.filter(({ limit }) => limit.algorithm !== 'concurrency');
  let nowMs = NOON_MS;
  return Array.from({ length: ROUNDS }, () => {
    nowMs += random(3) === 0 ? random(2 * HOUR_MS) : random(MINUTE_MS);
    return { nowMs, requests: randomRequests(random, counted), callsPerThread: 1 + random(40) };
  });
}

function randomRequests(random: Random, pool: readonly Check[]): Check[][] {
  return Array.from({ length: 1 + random(5) }, () => {
    const checks = new Set<Check>();
    for (let i = random(4); i >= 0; i--) checks.add(pool[random(pool.length)] ?? assert.fail());
    return [...checks];
  });
}

/** How often all threads together have asked for the request with this number. */
function offeredBy({ requests, callsPerThread }: HammerRound, threads: number, request: number): number {
  let offered = 0;
  for (let thread = 0; thread < threads; thread++)
    for (let i = 0; i < callsPerThread; i++) if ((i + thread) % requests.length === request) offered++;
  return offered;
}

/** `admitted`: for each round, how often each of its requests was. */
function judge(rounds: readonly HammerRound[], admitted: readonly number[][], threads: number, seed: number): void {
  const events = new Map<Check, Event[]>();
  for (const [r, round] of rounds.entries()) {
    const story = `seed ${seed}, round ${r}: ${JSON.stringify({ round, admitted: admitted[r] })}`;
    const rooms = new Map<Check, number>();
    for (const [q, checks] of round.requests.entries()) {
      const cost = admitted[r]?.[q] ?? 0;
      for (const check of checks) {
        const known = rooms.get(check) ?? roomBy(check.limit, events.get(check) ?? [], round.nowMs, 0);
        rooms.set(check, known - cost);
      }
    }
    for (const [q, checks] of round.requests.entries()) {
      const count = admitted[r]?.[q] ?? 0;
      if (count < offeredBy(round, threads, q))
        assert.ok(
          checks.some((check) => (rooms.get(check) ?? 0) < 1),
          `refused with room left: ${story}`,
        );
      for (const check of checks) {
        const past = events.get(check) ?? [];
        if (count > 0) past.push({ atMs: round.nowMs, cost: count });
        events.set(check, past);
      }
    }
    for (const room of rooms.values()) assert.ok(room >= 0, `more than the limit: ${story}`);
  }
}

describe('any schedule of calls', () => {
  for (const threads of [2, 3, 4]) {
    it(`by ${threads} threads admits what the limits say, no more and no less`, async () => {
      for (const seed of SEEDS) {
        const rounds = randomRounds(createRandom(1000 * threads + seed), 4);
        const memory = createSharedCounters({ entries: 200, seats: threads + 1, secret: 's' });
        judge(rounds, await hammer(memory, { threads, rounds }), threads, seed);
      }
    });
  }

  for (const nodes of [2, 3]) {
    it(`by ${nodes} nodes on Redis admits what the limits say, no more and no less`, { skip: url === '' }, async () => {
      for (const seed of SEEDS) {
        const rounds = randomRounds(createRandom(7000 * nodes + seed), 4);
        judge(rounds, await callFromNodes(rounds, nodes), nodes, seed);
      }
    });
  }
});

/** What `hammer` does with threads, with nodes: each sends all its calls of a round at once. */
async function callFromNodes(rounds: readonly HammerRound[], nodes: number): Promise<number[][]> {
  const clock = { now: 0 };
  const options = { url, timeoutMs: 10_000, nowMs: () => clock.now, isTimeGiven: true };
  const limiters = await Promise.all(Array.from({ length: nodes }, () => openRedisLimiter(options)));
  const admitted: number[][] = [];
  for (const { nowMs, requests, callsPerThread } of rounds) {
    clock.now = nowMs;
    const counts = requests.map(() => 0);
    const calls = limiters.flatMap((limiter, index) => {
      const sets = requests.map((checks) => limiter.prepare('ten_1', checks));
      return Array.from({ length: callsPerThread }, async (_nothing, i) => {
        const q = (i + index) % requests.length;
        const verdict = await limiter.take(sets[q] ?? assert.fail(), 1);
        assert.ok(verdict.outcome !== 'unavailable');
        if (verdict.outcome === 'admitted') counts[q] = (counts[q] ?? 0) + 1;
      });
    });
    await Promise.all(calls);
    admitted.push(counts);
  }
  for (const limiter of limiters) limiter.close();
  return admitted;
}
