// Limits how often one address may call what anybody may call.

import { Type } from 'typebox';
import type { Exchange, Reply } from '../gateway/exchange.ts';
import type { CompiledPolicy, Policy, PolicyDeps } from '../gateway/policy.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { toAddressGroup } from '../lib/ip-range.ts';
import { Problem } from '../lib/problem.ts';
import type { Verdict } from '../limits/limiter.ts';
import { secondsLeft } from './rate-limit-fields.ts';

const COST = 1;

const config = Type.Object(
  {
    /** Routes with the same name share one limit. */
    name: Type.String({ pattern: '^[a-z][a-z-]*$', maxLength: 50 }),
    requestsPerMinute: Type.Integer({ minimum: 1, maximum: 2 ** 31 }),
  },
  { additionalProperties: false },
);

export const addressLimit: Policy<typeof config> = {
  name: 'address-limit',
  stage: 'limit',
  config,
  compile: ({ name, requestsPerMinute }, deps) => compile(name, requestsPerMinute, deps),
};

function compile(name: string, limit: number, { limiter }: PolicyDeps): CompiledPolicy {
  return {
    onRequest(exchange) {
      const subject = `address:${name}:${toAddressGroup(exchange.clientAddress)}`;
      const verdict = limiter.take([{ subject, window: 'minute', limit }], COST);
      if (verdict instanceof Promise) return verdict.then((late) => decide(exchange, late));
      return decide(exchange, verdict);
    },
  };
}

function decide(exchange: Exchange, verdict: Verdict): Reply | undefined {
  switch (verdict.outcome) {
    case 'admitted':
      return undefined;
    case 'refused': {
      exchange.rateLimited = true;
      const wait = String(secondsLeft(verdict.refusedBy, verdict.atMs));
      const detail = `One address may call this ${verdict.refusedBy.check.limit} times a minute; try again in ${wait} s.`;
      return problemReply(exchange, new Problem('rate_limited', { detail, headers: ['retry-after', wait] }));
    }
    case 'unavailable':
      return problemReply(
        exchange,
        new Problem('limits_unavailable', { headers: ['retry-after', '1'], cause: verdict.reason }),
      );
  }
}
