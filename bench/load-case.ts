// One case under load: everybody who takes part does its work in front of us, then they are measured in turns.

import { enterTollgate, type Arena } from './arena.ts';
import type { LoadCase } from './cases.ts';
import { checkContestant } from './check.ts';
import { PEER, type Contestant } from './contestant.ts';
import type { Flags } from './flags.ts';
import { findHalfRate } from './latency.ts';
import type { Load } from './load/load.ts';
import type { Bench } from './measure.ts';
import { LUA } from './nginx-lua.ts';
import { withUpstreamFirst } from './precedence.ts';
import type { CaseResult } from './result.ts';
import { runRounds } from './rounds.ts';
import { summarize, type Round } from './summary.ts';

export interface LoadCasePlan {
  readonly load: LoadCase;
  readonly ticksPerSecond: number;
  /** Cases that this run has behind it. */
  readonly earlier: readonly CaseResult[];
}

export async function runLoadCase(arena: Arena, { load, ticksPerSecond, earlier }: LoadCasePlan): Promise<CaseResult> {
  const { stage, flags, peers, keys, certificate, upstream } = arena;
  const ours = await enterTollgate(arena);
  const contestants = [...peers.filter(({ name }) => load.hasGoal || name !== LUA), ...ours.contestants];
  for (const contestant of contestants)
    await ours.during(checkContestant(contestant, load, { tightKey: keys.tightKey, certificate }));

  const closed: Bench = { stage, load: toLoad(arena, load), proxyCore: flags.proxyCore, ticksPerSecond };
  const bench = load.load === 'half-rate' ? await ours.during(toHalfRate(closed, arena, earlier)) : closed;
  const { rounds: count, seconds } = toRounds(flags, load);
  const plan = { name: load.name, rounds: count, warmupSeconds: flags.warmupSeconds };
  const run = (): Promise<Round[]> =>
    ours.during(runRounds({ ...bench, load: { ...bench.load, seconds } }, contestants, plan));
  const { kind } = bench.load;
  const rounds = await (typeof kind === 'object' ? withUpstreamFirst(upstream.pid, run) : run());
  return {
    name: load.name,
    what: load.what,
    requestsPerSecond: typeof kind === 'object' ? kind.requestsPerSecond : undefined,
    summary: summarize(rounds),
    rounds,
    afterLoad: await ours.leave(),
  };
}

/**
 * An open loop is measured for as long as the others, in rounds of a second. A pause of ten milliseconds, as hosts make them, is more than the p99 of
 * a second: in many short rounds it spoils those that it falls into, and the middle one tells of the contestant.
 */
export function toRounds(
  { rounds, otherRounds, seconds }: Pick<Flags, 'rounds' | 'otherRounds' | 'seconds'>,
  { load, hasGoal }: Pick<LoadCase, 'load' | 'hasGoal'>,
): Pick<Flags, 'rounds' | 'seconds'> {
  const count = hasGoal ? rounds : otherRounds;
  return load === 'half-rate' ? { rounds: count * seconds, seconds: 1 } : { rounds: count, seconds };
}

function toLoad({ flags, tools }: Arena, { load, request }: LoadCase): Load {
  return {
    kind: load === 'http2' ? 'http2' : 'http1',
    request,
    seconds: flags.seconds,
    connections: flags.connections,
    core: flags.loadCore,
    h2load: tools.h2load,
  };
}

async function toHalfRate(closed: Bench, { flags, peers }: Arena, earlier: readonly CaseResult[]): Promise<Bench> {
  const isPeer = ({ name }: Pick<Contestant, 'name'>): boolean => name === PEER;
  const peer = peers.find(isPeer);
  if (peer === undefined) throw new Error('Half of whose rate? There is no nginx.');
  const get = earlier.find(({ name }) => name === 'get');
  const saturated = get?.summary.find(({ contestant }) => contestant === PEER);
  const requestsPerSecond = await findHalfRate(closed, { peer, warmupSeconds: flags.warmupSeconds, saturated });
  return { ...closed, load: { ...closed.load, kind: { requestsPerSecond } } };
}
