// What the algorithms are, said once more and as plainly as possible: from the list of all that was admitted. Slow, exact, and not a line
// shared with what it judges.

import type { Limit } from '../lib/limit.ts';
import type { Check } from './limiter.ts';

export interface Event {
  readonly atMs: number;
  readonly cost: number;
}

const LENGTH_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** How much more a limit lets through at a moment, after what it has let through. Windows of UTC; `running` is what has not ended. */
export function roomBy(limit: Limit, events: readonly Event[], nowMs: number, running: number): number {
  if (limit.algorithm === 'concurrency') return limit.limit - running;
  if (limit.algorithm === 'bucket') return limit.burst - missingTokens(limit, events, nowMs);
  return limit.window === 'minute' || limit.algorithm === 'sliding'
    ? slidingRoom(limit, events, nowMs)
    : fixedRoom(limit, events, nowMs);
}

type WindowLimit = Extract<Limit, { window: 'month' | 'day' | 'hour' | 'minute' }>;

function fixedRoom({ window, limit }: WindowLimit, events: readonly Event[], nowMs: number): number {
  return limit - costIn(events, window, nowMs);
}

function slidingRoom({ window, limit, algorithm }: WindowLimit, events: readonly Event[], nowMs: number): number {
  if (algorithm === 'fixed' || window === 'month') return fixedRoom({ window, limit }, events, nowMs);
  const lengthMs = BigInt(LENGTH_MS[window]);
  const leftMs = lengthMs - (BigInt(nowMs) % lengthMs);
  const last = BigInt(costIn(events, window, nowMs - LENGTH_MS[window])) * leftMs;
  return limit - costIn(events, window, nowMs) - Number((last + lengthMs - 1n) / lengthMs);
}

function costIn(events: readonly Event[], window: WindowLimit['window'], atMs: number): number {
  let sum = 0;
  for (const event of events) if (windowOf(window, event.atMs) === windowOf(window, atMs)) sum += event.cost;
  return sum;
}

function windowOf(window: WindowLimit['window'], atMs: number): string {
  return new Date(atMs).toISOString().slice(0, { minute: 16, hour: 13, day: 10, month: 7 }[window]);
}

/** A bucket that drips: exact, in units so small that both a token and what drips in a millisecond are whole. Rounded up. */
function missingTokens(
  limit: Extract<Limit, { algorithm: 'bucket' }>,
  events: readonly Event[],
  nowMs: number,
): number {
  const token = BigInt(LENGTH_MS[limit.window]);
  let missing = 0n;
  let atMs = 0;
  const dripTo = (untilMs: number): void => {
    missing -= BigInt(untilMs - atMs) * BigInt(limit.limit);
    if (missing < 0n) missing = 0n;
    atMs = untilMs;
  };
  for (const event of events) {
    dripTo(event.atMs);
    missing += BigInt(event.cost) * token;
  }
  dripTo(nowMs);
  return Number((missing + token - 1n) / token);
}

/** Numbers that are the same in every run (mulberry32), so that a failure can be looked at again. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Limits of every algorithm and window, small enough to be used up. */
export function randomChecks(random: (below: number) => number, subject: string): Check[] {
  const limits: Limit[] = [];
  const limit = (): number => 1 + random(12);
  if (random(2) === 0)
    limits.push({ window: 'minute', limit: limit(), algorithm: random(3) === 0 ? 'fixed' : 'sliding' });
  if (random(2) === 0)
    limits.push({ window: 'hour', limit: 10 + limit(), algorithm: random(2) === 0 ? 'fixed' : 'sliding' });
  if (random(3) === 0) limits.push({ window: 'day', limit: 30 + limit() });
  if (random(3) === 0) limits.push({ window: 'month', limit: 60 + limit() });
  if (random(2) === 0) {
    const burst = limit();
    limits.push({ algorithm: 'bucket', window: random(2) === 0 ? 'minute' : 'hour', limit: 1 + random(90), burst });
  }
  if (random(3) === 0) limits.push({ algorithm: 'concurrency', limit: limit() });
  if (limits.length === 0) limits.push({ window: 'minute', limit: limit() });
  return limits.map((one) => ({ subject, limit: one }));
}
