// Single figures beside their goals: what the benchmarks of keys and of routing print, and what is kept of them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCommit, readHost, type Commit, type Host } from './machine.ts';
import { toResultName } from './result.ts';
import { toTable } from './table.ts';

export interface Figure {
  readonly what: string;
  /** With its unit. */
  readonly value: string;
  /** Empty where there is none. */
  readonly goal: string;
  /** Undefined without a goal that a number can meet. */
  readonly isMet?: boolean;
}

export interface FiguresResult {
  readonly startedAt: string;
  readonly commit: Commit;
  readonly machine: Host;
  readonly figures: readonly Figure[];
  /** Lines behind the figures, such as the plan of a query. */
  readonly notes: readonly string[];
}

const FOLDER = join(import.meta.dirname, 'results');

export interface Notebook {
  /** Prints the line, and keeps it. */
  note(line: string): void;
  add(...figures: readonly Figure[]): void;
  /** Prints all figures as a table. Keeps them under bench/results, unless `--no-save` was given. */
  close(): void;
}

/** `name`: of the benchmark, at the end of the file's name. */
export function openNotebook(name: string, args: readonly string[] = process.argv.slice(2)): Notebook {
  const startedAt = new Date().toISOString();
  // Both before the run: its own load and its own files are not what it was made on.
  const machine = readHost();
  const commit = readCommit();
  const figures: Figure[] = [];
  const notes: string[] = [];
  return {
    note(line) {
      console.log(line);
      notes.push(line);
    },
    add: (...more) => void figures.push(...more),
    close() {
      console.log(`\n${toFigureTable(figures)}`);
      if (args.includes('--no-save')) return;
      const result: FiguresResult = { startedAt, commit, machine, figures, notes };
      mkdirSync(FOLDER, { recursive: true });
      const file = toResultName(result).replace(/\.json$/, `-${name}.json`);
      writeFileSync(join(FOLDER, file), `${JSON.stringify(result, null, 2)}\n`, { flag: 'wx' });
      console.log(`\nKept as bench/results/${file}`);
    },
  };
}

export function toFigureTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, goal, isMet }) => [what, value, goal, isMet === false ? 'missed' : '']);
  return toTable([['figure', 'value', 'goal', ''], ...rows]);
}

/** A number that must not be above its goal. */
export function atMost(what: string, found: number, limit: number, unit: Unit): Figure {
  return { what, value: unit(found), goal: `≤ ${unit(limit)}`, isMet: found <= limit };
}

export function atLeast(what: string, found: number, limit: number, unit: Unit): Figure {
  return { what, value: unit(found), goal: `≥ ${unit(limit)}`, isMet: found >= limit };
}

export type Unit = (value: number) => string;

export const inMilliseconds: Unit = (value) => `${round(value)} ms`;
export const inMicroseconds: Unit = (value) => `${round(value)} µs`;
export const times: Unit = (value) => `${round(value)} ×`;
export const plain: Unit = (value) => round(value);

/** Three digits that count; whole numbers whole. */
function round(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}
