// What the rounds say of each contestant, and beside the peer.

import type { Measurement } from './measure.ts';
import { toSpread, type Spread } from './statistics.ts';
import { toTable } from './table.ts';

/** The contestant beside which the others are measured. */
export const PEER = 'nginx';

export interface Row {
  readonly contestant: string;
  readonly threadMicroseconds: Spread;
  readonly processMicroseconds: Spread;
  /** Beside the peer's whole process in the same round; absent when there was no peer. */
  readonly threadRatio?: Spread;
  readonly processRatio?: Spread;
  readonly requestsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  readonly errors: number;
  /** The part of the requests that is in the log, where one is kept. */
  readonly recorded?: Spread;
}

export type Round = readonly Measurement[];

export function summarize(rounds: readonly Round[]): Row[] {
  const names = new Set(rounds.flat().map((measurement) => measurement.contestant));
  return [...names].map((name) => toRow(name, rounds));
}

function toRow(name: string, rounds: readonly Round[]): Row {
  const own = rounds.flatMap((round) => find(round, name) ?? []);
  const pairs = rounds.flatMap((round) => {
    const measurement = find(round, name);
    const peer = find(round, PEER);
    return measurement === undefined || peer === undefined ? [] : [{ measurement, peer }];
  });
  const recorded = own.flatMap(({ recorded: records, requests }) =>
    records === undefined ? [] : Math.min(1, records / requests),
  );
  return {
    contestant: name,
    threadMicroseconds: toSpread(own.map((measurement) => measurement.threadMicroseconds)),
    processMicroseconds: toSpread(own.map((measurement) => measurement.processMicroseconds)),
    ...(pairs.length > 0 && {
      threadRatio: toSpread(
        pairs.map(({ measurement, peer }) => measurement.threadMicroseconds / peer.processMicroseconds),
      ),
      processRatio: toSpread(
        pairs.map(({ measurement, peer }) => measurement.processMicroseconds / peer.processMicroseconds),
      ),
    }),
    requestsPerSecond: toSpread(own.map((measurement) => measurement.requestsPerSecond)),
    p50Ms: toSpread(own.map((measurement) => measurement.p50Ms)),
    p99Ms: toSpread(own.map((measurement) => measurement.p99Ms)),
    ...(recorded.length > 0 && { recorded: toSpread(recorded) }),
    errors: own.reduce((total, measurement) => total + measurement.errors, 0),
  };
}

function find(round: Round, name: string): Measurement | undefined {
  return round.find((measurement) => measurement.contestant === name);
}

/** The rows for people: medians, and behind the processor times the least and the greatest round. */
export function toSummaryTable(rows: readonly Row[]): string {
  const ratio = `× ${PEER}`;
  const head = ['', 'thread µs', ratio, 'process µs', ratio, 'requests/s', 'p50 ms', 'p99 ms', 'recorded', 'errors'];
  const body = rows.map((row) => [
    row.contestant,
    showSpread(row.threadMicroseconds),
    row.threadRatio?.median.toFixed(2) ?? '–',
    showSpread(row.processMicroseconds),
    row.processRatio?.median.toFixed(2) ?? '–',
    row.requestsPerSecond.median.toFixed(0),
    row.p50Ms.median.toFixed(2),
    row.p99Ms.median.toFixed(2),
    row.recorded === undefined ? '–' : `${(row.recorded.median * 100).toFixed(0)} %`,
    String(row.errors),
  ]);
  return toTable([head, ...body]);
}

function showSpread({ median, min, max }: Spread): string {
  return `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;
}
