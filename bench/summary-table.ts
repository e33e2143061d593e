// The summaries of all cases as one table for people: medians, and behind the thread's time the least and the greatest round.

import { PEER } from './contestant.ts';
import type { Spread } from './statistics.ts';
import type { Row } from './summary.ts';
import { toTable } from './table.ts';

export interface CaseRows {
  readonly name: string;
  readonly summary: readonly Row[];
}

const RATIO = `× ${PEER}`;
const HEAD = [
  '',
  'thread µs',
  RATIO,
  'process µs',
  RATIO,
  'requests/s',
  'p50 ms',
  'p99 ms',
  RATIO,
  'recorded',
  'errors',
];
const NONE = '–';
/** From here on, tenths are noise. */
const LARGE_MICROSECONDS = 1000;

export function toSummaryTable(cases: readonly CaseRows[]): string {
  const rows: string[][] = [HEAD];
  for (const { name, summary } of cases) rows.push([''], ...summary.map((row) => toCells(name, row)));
  return toTable(rows);
}

function toCells(name: string, row: Row): string[] {
  const { median, min, max } = row.threadMicroseconds;
  const digits = max < LARGE_MICROSECONDS ? 1 : 0;
  return [
    `${name}: ${row.contestant}`,
    `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`,
    show(row.threadRatio, 2),
    show(row.processMicroseconds, digits),
    show(row.processRatio, 2),
    show(row.requestsPerSecond, 0),
    show(row.p50Ms, 2),
    show(row.p99Ms, 2),
    show(row.p99Ratio, 2),
    row.recorded === undefined ? NONE : `${(row.recorded.median * 100).toFixed(0)} %`,
    String(row.errors + (row.unanswered ?? 0)),
  ];
}

function show(spread: Spread | undefined, digits: number): string {
  return spread === undefined ? NONE : spread.median.toFixed(digits);
}
