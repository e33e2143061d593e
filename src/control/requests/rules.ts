// What holds for filters of the request log beyond their schema. Pure.

import type { Fault } from '../../lib/problem.ts';
import type { ListRequests } from './schema.ts';

/** An inclusive range of statuses. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** `401,5xx` → 401 … 401 and 500 … 599. */
export function toStatusRanges(list: string): StatusRange[] {
  return list.split(',').map((entry) => {
    const from = Number(entry.replace(/xx$/i, '00'));
    return { from, to: /xx$/i.test(entry) ? from + 99 : from };
  });
}

export function requestFaults(query: Partial<ListRequests>): Fault[] {
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

export interface Period {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

export function toPeriod(query: Partial<ListRequests>): Period {
  const from = query.startDate ?? query.dateFrom;
  const to = query.endDate ?? query.dateTo;
  return { from: from === undefined ? undefined : new Date(from), to: to === undefined ? undefined : new Date(to) };
}
