// The figures that the data plane is held to, and whether this run reaches them.

import { ALL_ON, BARE } from './contestant.ts';
import type { IdleRow } from './idle.ts';
import { LUA } from './nginx-lua.ts';
import type { Row } from './summary.ts';

export interface Goal {
  readonly what: string;
  readonly atMost: number;
  /** Undefined when this run did not measure it. */
  readonly found: number | undefined;
}

export interface Measured {
  readonly get: readonly Row[] | undefined;
  readonly latency: readonly Row[] | undefined;
  readonly idle: readonly IdleRow[] | undefined;
}

const MAX_IDLE_KIBIBYTES = 16;

export function toGoals({ get, latency, idle }: Measured): Goal[] {
  const bare = find(get, BARE);
  const allOn = find(get, ALL_ON);
  const lua = find(get, LUA);
  const idleBytes = idle?.find(({ contestant }) => contestant === ALL_ON)?.bytesPerConnection.at(-1)?.bytes.median;
  return [
    { what: 'bare, × nginx', atMost: 1.3, found: bare?.threadRatio?.median },
    { what: 'all on, × nginx', atMost: 1.5, found: allOn?.threadRatio?.median },
    {
      what: 'all on, × nginx + lua',
      atMost: 1,
      found: divide(allOn?.threadMicroseconds.median, lua?.threadMicroseconds.median),
    },
    { what: 'p99 at half of the rate, bare, × nginx', atMost: 2, found: find(latency, BARE)?.p99Ratio?.median },
    { what: 'p99 at half of the rate, all on, × nginx', atMost: 2, found: find(latency, ALL_ON)?.p99Ratio?.median },
    { what: 'KiB for an idle connection', atMost: MAX_IDLE_KIBIBYTES, found: divide(idleBytes, 1024) },
  ];
}

export function toGoalLines(goals: readonly Goal[]): string[] {
  return goals.flatMap(({ what, atMost, found }) =>
    found === undefined ? [] : `  ${what}: ${found.toFixed(2)}, ${found <= atMost ? 'within' : 'above'} ${atMost}`,
  );
}

function find(rows: readonly Row[] | undefined, name: string): Row | undefined {
  return rows?.find(({ contestant }) => contestant === name);
}

function divide(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined ? undefined : value / by;
}
