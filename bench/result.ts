// What is kept of a run: bench/results/<date>-<commit>.json.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AtRest } from './at-rest.ts';
import type { Flags } from './flags.ts';
import type { Commit, Machine } from './machine.ts';
import type { Round, Row } from './summary.ts';

export interface Result {
  readonly startedAt: string;
  readonly commit: Commit;
  readonly machine: Machine;
  readonly settings: Flags & { readonly threads: number; readonly upstream: 'nginx' | 'node'; readonly tickMs: number };
  readonly contestants: readonly { readonly name: string; readonly work: string }[];
  readonly atRest: AtRest;
  readonly afterLoad: AfterLoad;
  readonly summary: readonly Row[];
  readonly rounds: readonly Round[];
}

export interface AfterLoad {
  /** Resident memory of Tollgate when the rounds were over, and at its highest. */
  readonly residentBytes: number;
  readonly peakBytes: number;
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
