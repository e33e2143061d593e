// `npm run bench:redis-clients`: what clients of Redis cost the process that calls, under the calls of limits. Installs them in a folder of
// its own, so it needs the package registry. With `--save`, what came out is kept in bench/results.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { untilSignalled } from '../scripts/until-signalled.ts';
import { startRedis } from '../test/harness/redis.ts';
import { openSandbox } from '../test/harness/sandbox.ts';
import { readCommit } from './machine.ts';
import type { Paced } from './paced.ts';
import { type ClientJob, type ClientName, CLIENTS } from './redis-client.ts';
import { toResultName } from './result.ts';
import { openStage } from './stage.ts';
import { toSpread } from './statistics.ts';
import { toTable } from './table.ts';
import { takeTurn } from './turn.ts';

/** Below what Redis itself decides on a slow core: a queue in front of it would be measured instead. */
const PACE = { perSecond: 4000, seconds: 4 } as const;
const ROUNDS = 3;
const PACKAGES = ['@redis/client@6.3.1', 'redis@6.3.1', 'ioredis@6.0.0'];

const run = promisify(execFile);

await untilSignalled(async (signal) => {
  const giveBack = await takeTurn(signal);
  const startedAt = new Date().toISOString();
  const loadAverage = loadavg()[0] ?? 0;
  const stage = await openStage(signal);
  const sandbox = await openSandbox();
  try {
    const { folder } = stage;
    writeFileSync(join(folder, 'package.json'), '{}');
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...PACKAGES], { cwd: folder, signal });
    const port = Number(new URL(await startRedis(sandbox, process.env)).port);
    const seen = new Map<ClientName, Paced[]>(CLIENTS.map((client) => [client, []]));
    for (let round = 0; round < ROUNDS; round++)
      for (const client of CLIENTS) seen.get(client)?.push(await measure({ ...PACE, client, folder, port }));
    const rows = toRows(seen);
    console.log(toTable([['client', 'processor µs a call', 'p50 ms', 'p99 ms'], ...rows]));
    if (process.argv.includes('--save')) {
      const commit = readCommit();
      const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version, loadAverage };
      const name = `redis-clients-${toResultName({ startedAt, commit })}`;
      const text = JSON.stringify(
        { startedAt, commit, machine, pace: PACE, rounds: Object.fromEntries(seen) },
        null,
        2,
      );
      writeFileSync(join(import.meta.dirname, 'results', name), `${text}\n`, { flag: 'wx' });
      console.log(`kept in bench/results/${name}`);
    }
    return 0;
  } finally {
    await sandbox.close();
    await stage.close();
    giveBack();
  }

  async function measure(job: ClientJob): Promise<Paced> {
    const running = run(process.execPath, [join(import.meta.dirname, 'redis-client.ts'), 'run'], { signal });
    running.child.stdin?.end(JSON.stringify(job));
    const { stdout } = await running;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our own process a moment ago: redis-client.ts
    return JSON.parse(stdout) as Paced;
  }
});

/** Processor time above what the pace alone costs. */
function toRows(seen: ReadonlyMap<ClientName, readonly Paced[]>): string[][] {
  const median = (client: ClientName, of: 'processorMicroseconds' | 'p50Ms' | 'p99Ms'): number =>
    toSpread((seen.get(client) ?? []).map((round) => round[of])).median;
  const alone = median('none', 'processorMicroseconds');
  return CLIENTS.filter((client) => client !== 'none').map((client) => [
    client,
    (median(client, 'processorMicroseconds') - alone).toFixed(1),
    median(client, 'p50Ms').toFixed(2),
    median(client, 'p99Ms').toFixed(2),
  ]);
}
