// Turns every request away while the gateway is worked on.

import { Type } from 'typebox';
import type { Policy } from '../gateway/policy.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { Problem } from '../lib/problem.ts';

const config = Type.Object(
  { retryAfterSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }) },
  { additionalProperties: false },
);

export const maintenance: Policy<typeof config> = {
  name: 'maintenance',
  stage: 'guard',
  config,
  compile({ retryAfterSeconds }) {
    const headers = ['retry-after', String(retryAfterSeconds)];
    return { onRequest: (exchange) => problemReply(exchange, new Problem('gateway_in_maintenance', { headers })) };
  },
};
