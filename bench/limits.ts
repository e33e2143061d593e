// `npm run bench:limits`: what limits cost, in memory and on Redis, and how exact they are. With `--save`, what came out is kept in
// bench/results.

import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { untilSignalled } from '../scripts/until-signalled.ts';
import { startRedis } from '../test/harness/redis.ts';
import { openSandbox } from '../test/harness/sandbox.ts';
import { measureMillion, measureSwaps, measureTakes } from './limits-memory.ts';
import { measureAccuracy, measureRedis } from './limits-redis.ts';
import { readCommit } from './machine.ts';
import { toResultName } from './result.ts';
import { toTable } from './table.ts';
import { takeTurn } from './turn.ts';

export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  /** The goal, if there is one. */
  readonly below?: number;
  /** The same, in either direction. */
  readonly within?: number;
}

await untilSignalled(async (signal) => {
  const giveBack = await takeTurn(signal);
  const startedAt = new Date().toISOString();
  const loadAverage = loadavg()[0] ?? 0;
  const sandbox = await openSandbox();
  try {
    const figures = [...(await measureTakes()), ...measureSwaps(), ...measureMillion()];
    const url = await startRedis(sandbox, process.env);
    figures.push(...(await measureRedis(url, signal)), ...(await measureAccuracy(url, signal)));
    console.log(toTable([['figure', 'value', 'goal'], ...figures.map(toRow)]));
    if (process.argv.includes('--save')) {
      const commit = readCommit();
      const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version, loadAverage };
      const name = `limits-${toResultName({ startedAt, commit })}`;
      const text = JSON.stringify({ startedAt, commit, machine, figures }, null, 2);
      writeFileSync(join(import.meta.dirname, 'results', name), `${text}\n`, { flag: 'wx' });
      console.log(`kept in bench/results/${name}`);
    }
    return figures.every(isReached) ? 0 : 1;
  } finally {
    await sandbox.close();
    giveBack();
  }
});

function toRow(figure: Figure): string[] {
  const { what, unit, value, below, within } = figure;
  const goal = below === undefined ? (within === undefined ? '' : `± ${within}`) : `< ${below}`;
  const shown = Number.isInteger(value) ? String(value) : value.toFixed(2);
  return [what, `${shown} ${unit}`.trim(), isReached(figure) ? goal : `${goal} MISSED`];
}

function isReached({ value, below, within }: Figure): boolean {
  return (below === undefined || value < below) && (within === undefined || Math.abs(value) <= within);
}
