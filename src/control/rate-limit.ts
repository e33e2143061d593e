// Rate limits as requests write them, and as the data plane counts them.

import { Type } from 'typebox';
import type { RateLimit } from '../db/schema.ts';
import type { WindowLimit } from '../limits/limiter.ts';

const MAX_REQUESTS = 1_000_000_000;

function window(description: string) {
  return Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_REQUESTS, description }));
}

export const RateLimitSchema = Type.Object(
  {
    requestsPerMinute: window('Requests in each minute of the clock.'),
    requestsPerHour: window('Requests in each hour of the clock.'),
    requestsPerDay: window('Requests in each day, UTC.'),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'Replaces the default limits as a whole: a window that is not named is unlimited.',
  },
);

export function toWindowLimits(limit: RateLimit): WindowLimit[] {
  const windows: WindowLimit[] = [];
  if (limit.requestsPerMinute !== undefined) windows.push({ window: 'minute', limit: limit.requestsPerMinute });
  if (limit.requestsPerHour !== undefined) windows.push({ window: 'hour', limit: limit.requestsPerHour });
  if (limit.requestsPerDay !== undefined) windows.push({ window: 'day', limit: limit.requestsPerDay });
  return windows;
}
