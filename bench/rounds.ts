// The contestants take turns, so that whatever the machine does meanwhile meets all of them.

import type { Contestant } from './contestant.ts';
import { measure, type Bench, type Measurement } from './measure.ts';
import type { Round } from './summary.ts';

export interface RoundsPlan {
  /** The case, for those who watch. */
  readonly name: string;
  readonly rounds: number;
  readonly warmupSeconds: number;
}

export async function runRounds(bench: Bench, contestants: readonly Contestant[], plan: RoundsPlan): Promise<Round[]> {
  for (const contestant of contestants) {
    console.log(`${plan.name}, warm-up: ${contestant.name}`);
    await measure({ ...bench, load: { ...bench.load, seconds: plan.warmupSeconds } }, contestant);
  }
  const rounds: Round[] = [];
  for (let number = 1; number <= plan.rounds; number++) {
    const round = [];
    for (const contestant of rotate(contestants, number - 1)) {
      const measurement = await measure(bench, contestant);
      round.push(measurement);
      console.log(`${plan.name}, round ${number} of ${plan.rounds}: ${describe(measurement)}`);
    }
    rounds.push(round);
  }
  return rounds;
}

function describe({ contestant, threadMicroseconds, requestsPerSecond, p99Ms }: Measurement): string {
  const p99 = p99Ms === undefined ? '' : `, p99 ${p99Ms.toFixed(2)} ms`;
  return `${contestant}: thread ${threadMicroseconds.toFixed(1)} µs, ${requestsPerSecond.toFixed(0)} requests/s${p99}`;
}

/** Each round begins with another one: nobody always runs after the same. */
export function rotate<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % Math.max(1, items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
