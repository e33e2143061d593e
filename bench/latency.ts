// Half of the rate at which the peer is saturated: there, how long a request takes is what callers feel, and not how long the queue is.

import type { Contestant } from './contestant.ts';
import { runRounds } from './rounds.ts';
import type { Bench } from './measure.ts';
import { summarize, type Row } from './summary.ts';

/** More than any open loop on one core can send. */
const MAX_REQUESTS_PER_SECOND = 100_000;
const ROUNDS = 3;

export interface HalfRatePlan {
  readonly peer: Contestant;
  readonly warmupSeconds: number;
  /** The peer under the same requests in a closed loop, when that has been measured in this run. */
  readonly saturated: Row | undefined;
}

export async function findHalfRate(bench: Bench, { peer, warmupSeconds, saturated }: HalfRatePlan): Promise<number> {
  const row = saturated ?? (await saturate(bench, peer, warmupSeconds));
  if (row === undefined) throw new Error(`${peer.name} was not measured`);
  return Math.min(MAX_REQUESTS_PER_SECOND, Math.max(1, Math.round(row.requestsPerSecond.median / 2)));
}

async function saturate(bench: Bench, peer: Contestant, warmupSeconds: number): Promise<Row | undefined> {
  const closed: Bench = { ...bench, load: { ...bench.load, kind: 'http1' } };
  return summarize(await runRounds(closed, [peer], { name: 'saturation', rounds: ROUNDS, warmupSeconds }))[0];
}
