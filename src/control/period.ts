// A stretch of time in queries, under both names of the contract. Pure.

import type { Fault } from '../lib/problem.ts';
import { givenTime, optional } from './schema-parts.ts';

export const periodFields = {
  startDate: optional(givenTime('From this time on.')),
  endDate: optional(givenTime('Until before this time.')),
  dateFrom: optional(givenTime('The same as startDate.')),
  dateTo: optional(givenTime('The same as endDate.')),
};

export interface PeriodQuery {
  readonly startDate?: string;
  readonly endDate?: string;
  readonly dateFrom?: string;
  readonly dateTo?: string;
}

export interface Period {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

export function periodFaults(query: PeriodQuery): Fault[] {
  const faults: Fault[] = [];
  if (query.startDate !== undefined && query.dateFrom !== undefined) {
    faults.push({ path: 'query.dateFrom', message: 'means the same as startDate: send one of the two' });
  }
  if (query.endDate !== undefined && query.dateTo !== undefined) {
    faults.push({ path: 'query.dateTo', message: 'means the same as endDate: send one of the two' });
  }
  const { from, to } = toPeriod(query);
  if (from !== undefined && to !== undefined && from >= to) {
    const name = query.endDate === undefined ? 'dateTo' : 'endDate';
    faults.push({ path: `query.${name}`, message: 'must lie after the beginning of the period' });
  }
  return faults;
}

export function toPeriod(query: PeriodQuery): Period {
  const from = query.startDate ?? query.dateFrom;
  const to = query.endDate ?? query.dateTo;
  return { from: from === undefined ? undefined : new Date(from), to: to === undefined ? undefined : new Date(to) };
}
