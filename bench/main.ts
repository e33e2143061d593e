// `npm run bench`: what a request costs beside nginx in the same run, how long it takes, what idle connections hold; start and memory at rest.

import { untilSignalled } from '../scripts/until-signalled.ts';
import { openArena } from './arena.ts';
import { FlagError, parseFlags, USAGE, type Flags } from './flags.ts';
import { toGoals } from './goals.ts';
import { readCommit, readMachine } from './machine.ts';
import { readTicksPerSecond } from './process-times.ts';
import { toReport } from './report.ts';
import { saveResult, type Result } from './result.ts';
import { runCases } from './run-cases.ts';
import { openStage, type Stage } from './stage.ts';
import { findTools, withoutTools, type Tools } from './tools.ts';
import { takeTurn } from './turn.ts';

await untilSignalled(async (signal) => {
  const flags = readFlags();
  if (typeof flags === 'number') return flags;
  const { tools, absences } = findTools(process.env);
  for (const absence of absences) console.log(absence);
  if (tools === undefined) return 2;
  const cases = flags.cases.filter((name) => !withoutTools(tools).includes(name));
  if (cases.length === 0) {
    console.error('Nothing is left to measure.');
    return 2;
  }

  const giveBack = await takeTurn(signal);
  const deadline = AbortSignal.timeout(flags.minutes * 60_000);
  const stage = await openStage(AbortSignal.any([signal, deadline]));
  try {
    const result = await runAll(stage, { ...flags, cases }, { tools, absences });
    console.log(`\n${toReport(result)}`);
    console.log(flags.save ? `\nKept as ${saveResult(result)}` : '\nNot kept.');
    return result.cases.every(({ summary }) => summary.every((row) => row.errors === 0)) ? 0 : 1;
  } catch (cause) {
    if (!deadline.aborted || signal.aborted) throw cause;
    console.error(`Given up: it took longer than --minutes ${flags.minutes}.`);
    return 1;
  } finally {
    await stage.close();
    giveBack();
  }
});

interface Equipment {
  readonly tools: Tools;
  readonly absences: readonly string[];
}

async function runAll(stage: Stage, flags: Flags, { tools, absences }: Equipment): Promise<Result> {
  const startedAt = new Date().toISOString();
  const commit = readCommit();
  const machine = readMachine(tools);
  const ticksPerSecond = readTicksPerSecond();
  const arena = await openArena(stage, flags, tools);
  const { cases, idle, atRest } = await runCases(arena, flags.cases, ticksPerSecond);
  const summaryOf = (name: string) => cases.find((result) => result.name === name)?.summary;
  return {
    startedAt,
    commit,
    machine,
    settings: {
      ...flags,
      threads: 1,
      upstream: tools.nginx === undefined ? 'node' : 'nginx',
      tickMs: 1000 / ticksPerSecond,
    },
    absences,
    contestants: arena.contestants,
    goals: toGoals({ get: summaryOf('get'), latency: summaryOf('latency'), idle: idle?.summary }),
    cases,
    idle,
    atRest,
  };
}

/** Or the exit code. */
function readFlags(): Flags | number {
  try {
    const flags = parseFlags(process.argv.slice(2));
    if (flags !== 'help') return flags;
    console.log(USAGE);
    return 0;
  } catch (cause) {
    if (!(cause instanceof FlagError)) throw cause;
    console.error(`${cause.message}\n\n${USAGE}`);
    return 2;
  }
}
