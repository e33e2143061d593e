// Limits how often a caller may call: the limits of the key and those of the endpoint, all of which must hold. A request that one of them
// refuses counts nowhere.

import { Type } from 'typebox';
import type { Exchange, Reply } from '../gateway/exchange.ts';
import type { CompiledPolicy, Policy, PolicyDeps } from '../gateway/policy.ts';
import type { Principal } from '../gateway/ports.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { Problem } from '../lib/problem.ts';
import type { WindowName } from '../lib/window.ts';
import type { Standing, Verdict, WindowLimit } from '../limits/limiter.ts';
import { type Quota, type QuotaSet, RateLimitFields, secondsLeft, toQuotaSet } from './rate-limit-fields.ts';

const MAX_LIMIT = 2 ** 31;
const COST = 1;

const closed = { additionalProperties: false };

const config = Type.Object(
  {
    /** The endpoint's own limits; null when it has none. The key's limits hold in any case. */
    endpoint: Type.Union([
      Type.Object(
        {
          id: Type.String({ minLength: 1, maxLength: 100 }),
          windows: Type.Array(
            Type.Object(
              {
                window: Type.Union([Type.Literal('minute'), Type.Literal('hour'), Type.Literal('day')]),
                limit: Type.Integer({ minimum: 1, maximum: MAX_LIMIT }),
              },
              closed,
            ),
            { minItems: 1, maxItems: 3 },
          ),
        },
        closed,
      ),
      Type.Null(),
    ]),
  },
  closed,
);

export const rateLimit: Policy<typeof config> = {
  name: 'rate-limit',
  stage: 'limit',
  config,
  compile: ({ endpoint }, deps) =>
    compile(endpoint === null ? [] : toQuotas('endpoint', endpoint.id, endpoint.windows), deps),
};

function compile(own: readonly Quota[], { limiter }: PolicyDeps): CompiledPolicy {
  const fields = new RateLimitFields();
  const ofStrangers = toQuotaSet(own);
  // Principals are kept by the credential cache; what follows from one is kept as long as it is.
  const ofPrincipals = new WeakMap<Principal, QuotaSet>();

  function quotasOf({ principal }: Exchange): QuotaSet {
    if (principal === undefined) return ofStrangers;
    const known = ofPrincipals.get(principal);
    if (known !== undefined) return known;
    const made = toQuotaSet([...toQuotas('key', principal.keyId, principal.limits), ...own]);
    ofPrincipals.set(principal, made);
    return made;
  }

  return {
    onRequest(exchange) {
      const { checks } = quotasOf(exchange);
      if (checks.length === 0) return undefined;
      const verdict = limiter.take(checks, COST);
      if (verdict instanceof Promise) return verdict.then((late) => decide(exchange, late));
      return decide(exchange, verdict);
    },
    onResponse(exchange, reply) {
      const { verdict } = exchange;
      if (verdict === undefined || verdict.outcome === 'unavailable') return;
      fields.write(reply, quotasOf(exchange), verdict);
    },
  };
}

function decide(exchange: Exchange, verdict: Verdict): Reply | undefined {
  exchange.verdict = verdict;
  switch (verdict.outcome) {
    case 'admitted':
      return undefined;
    case 'refused': {
      exchange.rateLimited = true;
      const seconds = secondsLeft(verdict.refusedBy, verdict.atMs);
      const detail = describeRefusal(verdict.refusedBy, seconds);
      return problemReply(exchange, new Problem('rate_limited', { detail, headers: ['retry-after', String(seconds)] }));
    }
    case 'unavailable':
      return problemReply(
        exchange,
        new Problem('limits_unavailable', { headers: ['retry-after', '1'], cause: verdict.reason }),
      );
  }
}

/** One quota for each window that is limited; of two limits for one window, the smaller holds. */
function toQuotas(kind: Quota['kind'], id: string, limits: readonly WindowLimit[]): Quota[] {
  const smallest = new Map<WindowName, number>();
  for (const { window, limit } of limits) smallest.set(window, Math.min(limit, smallest.get(window) ?? limit));
  return Array.from(smallest, ([window, limit]) => ({ kind, check: { subject: `${kind}:${id}`, window, limit } }));
}

const PERIODS: Readonly<Record<WindowName, string>> = { minute: 'a minute', hour: 'an hour', day: 'a day' };

function describeRefusal({ check }: Standing, seconds: number): string {
  const whom = check.subject.startsWith('key:') ? 'this key' : 'this endpoint';
  const limit = `${check.limit} ${check.limit === 1 ? 'request' : 'requests'} ${PERIODS[check.window]}`;
  return `The limit is ${limit} for ${whom}; try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`;
}
