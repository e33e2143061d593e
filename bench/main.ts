// `npm run bench`: the processor time of a proxied request, beside bare nginx in the same run; and start and memory at rest.

import { join } from 'node:path';
import { untilSignalled } from '../scripts/until-signalled.ts';
import { findExecutables } from '../test/harness/executable.ts';
import { prepareAtRest } from './at-rest.ts';
import { checkContestant, startBareNginx, toTollgateContestants, type Contestant } from './contestant.ts';
import { FlagError, parseFlags, USAGE, type Flags } from './flags.ts';
import { readCommit, readMachine } from './machine.ts';
import type { Bench } from './measure.ts';
import { readResidentBytes, readTicksPerSecond } from './process-times.ts';
import { toReport } from './report.ts';
import { saveResult, type Result } from './result.ts';
import { runRounds } from './rounds.ts';
import { openStage, type Stage } from './stage.ts';
import { summarize } from './summary.ts';
import { startTollgate } from './tollgate.ts';
import { takeTurn } from './turn.ts';
import { startUpstream } from './upstream.ts';

const WHERE = ['/usr/sbin', '/usr/local/sbin', '/usr/bin', '/usr/local/bin'];

await untilSignalled(async (signal) => {
  const flags = readFlags();
  if (flags === undefined) return 2;
  if (find('wrk') === undefined || find('taskset') === undefined) {
    console.error(
      'The measurement needs Linux with wrk and taskset: apt-get install wrk util-linux (and nginx, to compare with).',
    );
    return 2;
  }
  const nginx = find('nginx');
  if (nginx === undefined) console.log('nginx is not installed: Tollgate is measured alone, and there is no ratio.');

  const giveBack = await takeTurn(signal);
  const stage = await openStage(signal);
  try {
    const result = await runAll(stage, flags, nginx);
    console.log(`\n${toReport(result)}`);
    console.log(flags.save ? `\nKept as ${saveResult(result)}` : '\nNot kept.');
    return result.summary.every((row) => row.errors === 0) ? 0 : 1;
  } finally {
    await stage.close();
    giveBack();
  }
});

async function runAll(stage: Stage, flags: Flags, nginx: string | undefined): Promise<Result> {
  const startedAt = new Date().toISOString();
  const commit = readCommit();
  const machine = readMachine(nginx);
  const ticksPerSecond = readTicksPerSecond();
  const dataDir = join(stage.folder, 'data');
  const upstream = await startUpstream(stage, { nginx, core: flags.loadCore, bodyBytes: flags.bodyBytes });

  console.log('start and memory at rest');
  const { atRest, keys } = await prepareAtRest(stage, { dataDir, upstream, starts: flags.starts });

  const tollgate = await startTollgate(stage, { dataDir, core: flags.proxyCore });
  const contestants: Contestant[] = toTollgateContestants(tollgate, keys);
  if (nginx !== undefined) {
    contestants.unshift(await startBareNginx(stage, { file: nginx, core: flags.proxyCore, upstream }));
  }
  for (const contestant of contestants) await checkContestant(contestant, flags.bodyBytes);

  const load = { seconds: flags.seconds, connections: flags.connections, core: flags.loadCore };
  const bench: Bench = { stage, load, proxyCore: flags.proxyCore, ticksPerSecond };
  const rounds = await tollgate.during(runRounds(bench, contestants, flags));
  const resident = readResidentBytes(tollgate.pid);
  await tollgate.stop();

  return {
    startedAt,
    commit,
    machine,
    settings: {
      ...flags,
      threads: 1,
      upstream: nginx === undefined ? 'node' : 'nginx',
      tickMs: 1000 / ticksPerSecond,
    },
    contestants: contestants.map(({ name, work }) => ({ name, work })),
    atRest,
    afterLoad: { residentBytes: resident.now, peakBytes: resident.peak },
    summary: summarize(rounds),
    rounds,
  };
}

function readFlags(): Flags | undefined {
  try {
    return parseFlags(process.argv.slice(2));
  } catch (cause) {
    if (!(cause instanceof FlagError)) throw cause;
    console.error(`${cause.message}\n\n${USAGE}`);
    return undefined;
  }
}

function find(name: string): string | undefined {
  const folder = findExecutables({ names: [name], places: WHERE }, process.env);
  return folder === undefined ? undefined : join(folder, name);
}
