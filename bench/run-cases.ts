// The cases of a run, one after another.

import { enterTollgate, type Arena } from './arena.ts';
import { measureAtRest, type AtRest } from './at-rest.ts';
import { GET, LOAD_CASES } from './cases.ts';
import { ALL_ON, startBareNginx } from './contestant.ts';
import { measureIdle, summarizeIdle, type StartFresh } from './idle.ts';
import { runLoadCase } from './load-case.ts';
import type { CaseResult, IdleResult } from './result.ts';

export interface Measured {
  readonly cases: readonly CaseResult[];
  readonly idle: IdleResult | undefined;
  readonly atRest: AtRest | undefined;
}

export async function runCases(arena: Arena, names: readonly string[], ticksPerSecond: number): Promise<Measured> {
  const atRest = names.includes('start') ? await runAtRest(arena) : undefined;
  const cases: CaseResult[] = [];
  for (const load of LOAD_CASES) {
    if (names.includes(load.name)) cases.push(await runLoadCase(arena, { load, ticksPerSecond, earlier: cases }));
  }
  return { cases, idle: names.includes('idle') ? await runIdle(arena, ticksPerSecond) : undefined, atRest };
}

function runAtRest({ stage, flags, dataDir, firstStartMs }: Arena): Promise<AtRest> {
  console.log('start and memory at rest');
  return measureAtRest(stage, { dataDir, firstStartMs, starts: flags.starts });
}

async function runIdle(arena: Arena, ticksPerSecond: number): Promise<IdleResult> {
  const { stage, flags, tools, proxyPlan } = arena;
  const starts: StartFresh[] = [() => startAllOn(arena)];
  if (proxyPlan !== undefined) starts.unshift(() => startBareNginx(stage, proxyPlan, 'idle-proxy'));
  const load = {
    kind: 'http1',
    request: GET,
    seconds: flags.warmupSeconds,
    connections: flags.connections,
    core: flags.loadCore,
    h2load: tools.h2load,
  } as const;
  const samples = await measureIdle({ stage, load, ticksPerSecond }, starts, flags.otherRounds);
  return { summary: summarizeIdle(samples), samples };
}

async function startAllOn(arena: Arena): ReturnType<StartFresh> {
  const { contestants, leave } = await enterTollgate(arena);
  const contestant = contestants.find(({ name }) => name === ALL_ON);
  if (contestant === undefined) throw new Error('Tollgate takes part with everything on.');
  return { ...contestant, stop: async () => void (await leave()) };
}
