// The checks of a request as the measurements of limits make them: six, of which the last is shared by all callers.

import type { Check } from '../src/limits/limiter.ts';

/** Never reached: what is measured is the way of an admitted call. */
const LIMIT = 2 ** 30;

export function toSixChecks(caller: string, endpoint = 'endpoint:shared'): Check[] {
  return [
    { subject: caller, limit: { window: 'minute', limit: LIMIT } },
    { subject: caller, limit: { window: 'hour', limit: LIMIT } },
    { subject: caller, limit: { window: 'day', limit: LIMIT } },
    { subject: caller, limit: { window: 'month', limit: LIMIT } },
    { subject: caller, limit: { algorithm: 'bucket', window: 'minute', limit: LIMIT, burst: LIMIT } },
    { subject: endpoint, limit: { window: 'minute', limit: LIMIT } },
  ];
}
