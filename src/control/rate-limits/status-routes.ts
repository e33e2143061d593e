// Where a caller stands, as the counters of the gateway say it at this moment.

import { capacityOf, limitName } from '../../lib/limit.ts';
import { Problem } from '../../lib/problem.ts';
import { isShown, quotaName, quotasOfCaller, type Quota } from '../../lib/quota.ts';
import type { Standing } from '../../limits/limiter.ts';
import { operation, type Operation } from '../operation.ts';
import * as schema from './schema.ts';

const getStatus = operation('authenticated', {
  id: 'getRateLimitStatus',
  method: 'GET',
  path: '/rate-limits/status',
  summary: 'See where you stand',
  description: 'The limits of the key that calls, of its client and of its tenant. This call is counted by them, too.',
  tag: 'Rate limits',
  replies: { 200: schema.Status },
  async handle(_input, { services: { limiter }, caller }) {
    const quotas = quotasOfCaller(caller).filter(isShown);
    if (quotas.length === 0) return { status: 200, data: { limits: {} } };
    const standings = await limiter.peek(limiter.prepare(caller.tenantId, quotas));
    if (standings === undefined) throw new Problem('limits_unavailable', { headers: ['retry-after', '1'] });
    return { status: 200, data: { limits: toLimits(quotas, standings) } };
  },
});

export const STATUS_OPERATIONS: readonly Operation[] = [getStatus];

function toLimits(quotas: readonly Quota[], standings: readonly Standing[]): schema.Status['limits'] {
  const entries = quotas.flatMap((quota, i) => {
    const standing = standings[i];
    return standing === undefined ? [] : [[quotaName(quota), toStanding(quota, standing)] as const];
  });
  return Object.fromEntries(entries);
}

function toStanding({ kind, limit }: Quota, { remaining, resetAtMs }: Standing): schema.Standing {
  if (kind !== 'key' && kind !== 'client' && kind !== 'tenant') throw new Error(`a limit of no caller: ${kind}`);
  const window = limitName(limit);
  if (window === 'concurrency') throw new Error('callers have no limits of concurrency');
  const most = capacityOf(limit);
  const resetAt = new Date(resetAtMs).toISOString();
  return { of: kind, window, limit: most, used: most - remaining, remaining, resetAt };
}
