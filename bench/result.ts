// What is kept of a run: bench/results/<date>-<commit>.json.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AtRest } from './at-rest.ts';
import type { Flags } from './flags.ts';
import type { Goal } from './goals.ts';
import type { IdleRow, IdleSample } from './idle.ts';
import type { Commit, Machine } from './machine.ts';
import type { Round, Row } from './summary.ts';

export interface Result {
  readonly startedAt: string;
  readonly commit: Commit;
  readonly machine: Machine;
  readonly settings: Flags & { readonly threads: number; readonly upstream: 'nginx' | 'node'; readonly tickMs: number };
  /** What was not measured, for want of a program. */
  readonly absences: readonly string[];
  readonly contestants: readonly { readonly name: string; readonly work: string }[];
  readonly goals: readonly Goal[];
  readonly cases: readonly CaseResult[];
  readonly idle: IdleResult | undefined;
  readonly atRest: AtRest | undefined;
}

export interface CaseResult {
  readonly name: string;
  readonly what: string;
  /** Of the open loop; the others send as fast as they are answered. */
  readonly requestsPerSecond: number | undefined;
  readonly summary: readonly Row[];
  readonly rounds: readonly Round[];
  /** Of Tollgate. */
  readonly afterLoad: AfterLoad;
}

export interface AfterLoad {
  /** Resident memory when the rounds were over, and at its highest. */
  readonly residentBytes: number;
  readonly peakBytes: number;
}

export interface IdleResult {
  readonly summary: readonly IdleRow[];
  readonly samples: readonly IdleSample[];
}

const FOLDER = join(import.meta.dirname, 'results');

/** The name of the file, below the repository. */
export function saveResult(result: Result): string {
  mkdirSync(FOLDER, { recursive: true });
  const name = toResultName(result);
  writeFileSync(join(FOLDER, name), `${JSON.stringify(result, null, 2)}\n`, { flag: 'wx' });
  return `bench/results/${name}`;
}

/** With the time of day: a day and a commit may see several runs. */
export function toResultName({ startedAt, commit }: Pick<Result, 'startedAt' | 'commit'>): string {
  const date = startedAt.slice(0, 10);
  const time = startedAt.slice(11, 19).replaceAll(':', '');
  return `${date}-${time}-${commit.id?.slice(0, 10) ?? 'uncommitted'}.json`;
}
