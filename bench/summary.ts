// What the rounds of a case say of each contestant, and beside the peer.

import { PEER } from './contestant.ts';
import type { Measurement } from './measure.ts';
import { toSpread, type Spread } from './statistics.ts';

export interface Row {
  readonly contestant: string;
  readonly threadMicroseconds: Spread;
  readonly processMicroseconds: Spread;
  /** Beside the peer's whole process in the same round; absent when there was no peer. */
  readonly threadRatio?: Spread | undefined;
  readonly processRatio?: Spread | undefined;
  readonly requestsPerSecond: Spread;
  /** Absent where the load does not tell them. */
  readonly p50Ms?: Spread | undefined;
  readonly p99Ms?: Spread | undefined;
  readonly p99Ratio?: Spread | undefined;
  readonly errors: number;
  /** Of an open loop: what was due and not answered. */
  readonly unanswered?: number | undefined;
  /** The part of the requests that is in the log, where one is kept that can be asked. */
  readonly recorded?: Spread | undefined;
}

export type Round = readonly Measurement[];

export function summarize(rounds: readonly Round[]): Row[] {
  const names = new Set(rounds.flat().map((measurement) => measurement.contestant));
  return [...names].map((name) => toRow(name, rounds));
}

function toRow(name: string, rounds: readonly Round[]): Row {
  const own = rounds.flatMap((round) => find(round, name) ?? []);
  const spread = (read: (measurement: Measurement) => number | undefined): Spread | undefined =>
    toSpreadOfAll(own.map(read));
  const beside = (read: (measurement: Measurement, peer: Measurement) => number | undefined): Spread | undefined =>
    toSpreadOfAll(
      rounds.map((round) => {
        const measurement = find(round, name);
        const peer = find(round, PEER);
        return measurement === undefined || peer === undefined ? undefined : read(measurement, peer);
      }),
    );
  return {
    contestant: name,
    threadMicroseconds: toSpread(own.map(({ threadMicroseconds }) => threadMicroseconds)),
    processMicroseconds: toSpread(own.map(({ processMicroseconds }) => processMicroseconds)),
    threadRatio: beside((measurement, peer) => measurement.threadMicroseconds / peer.processMicroseconds),
    processRatio: beside((measurement, peer) => measurement.processMicroseconds / peer.processMicroseconds),
    requestsPerSecond: toSpread(own.map(({ requestsPerSecond }) => requestsPerSecond)),
    p50Ms: spread(({ p50Ms }) => p50Ms),
    p99Ms: spread(({ p99Ms }) => p99Ms),
    p99Ratio: beside(({ p99Ms }, peer) => divide(p99Ms, peer.p99Ms)),
    errors: own.reduce((total, { errors }) => total + errors, 0),
    unanswered: own.some(({ pace }) => pace !== undefined)
      ? own.reduce((total, { pace }) => total + (pace?.unanswered ?? 0), 0)
      : undefined,
    recorded: spread(({ recorded, requests }) =>
      recorded === undefined ? undefined : Math.min(1, recorded / requests),
    ),
  };
}

function find(round: Round, name: string): Measurement | undefined {
  return round.find((measurement) => measurement.contestant === name);
}

/** Undefined unless every round has a value. */
function toSpreadOfAll(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 || known.length < values.length ? undefined : toSpread(known);
}

function divide(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined || by === 0 ? undefined : value / by;
}
