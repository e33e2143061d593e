// Limits how often a caller may call: by its own limits, those of the endpoint and those of its address, all of which must hold. A request
// that one of them refuses counts nowhere.

import type { Exchange, Reply } from '../gateway/exchange.ts';
import type { CompiledPolicy, Policy, PolicyDeps } from '../gateway/policy.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { findLimitFault, type Limit, limitName } from '../lib/limit.ts';
import { type Fault, Problem } from '../lib/problem.ts';
import type { Admitted, Refused, Verdict } from '../limits/limiter.ts';
import { RateLimitConfig } from './rate-limit-config.ts';
import { RateLimitFields } from './rate-limit-fields.ts';
import { createQuotaFinder, type QuotaSet } from './rate-limit-quotas.ts';
import { refusalReply } from './rate-limit-refusal.ts';
import { type WatchedMonth, watchMonths } from './rate-limit-watch.ts';

export const rateLimit: Policy<typeof RateLimitConfig> = {
  name: 'rate-limit',
  stage: 'limit',
  config: RateLimitConfig,
  findFaults(config) {
    return [
      ...faultsOf(config.endpoint?.windows ?? [], 'endpoint.windows'),
      ...faultsOf(config.perClient ?? [], 'perClient'),
      ...faultsOf(config.address?.windows ?? [], 'address.windows'),
      ...((config.endpoint?.id ?? config.id) === undefined && config.perClient !== undefined
        ? [{ path: 'perClient', message: 'is only for an endpoint that has an id' }]
        : []),
    ];
  },
  compile,
};

/** It keeps times as text, which are the same for all endpoints: of its own, ten thousand of them would hold ten megabytes. */
const fields = new RateLimitFields();

function compile(config: RateLimitConfig, { limiter, limits: settings, onQuota }: PolicyDeps): CompiledPolicy {
  const { cost = 1, onFailure = settings.onFailure, refundsFailures = settings.refundsFailures } = config;
  const findQuotas = createQuotaFinder({ config, limiter, settings });

  function decide(exchange: Exchange, set: QuotaSet, verdict: Verdict): Reply | undefined {
    exchange.verdict = verdict;
    if (set.months !== undefined && verdict.outcome !== 'unavailable') watch(exchange, set.months, verdict);
    switch (verdict.outcome) {
      case 'admitted':
        return undefined;
      case 'refused':
        exchange.rateLimited = true;
        return refusalReply(exchange, set, verdict);
      case 'unavailable':
        if (onFailure === 'allow') return undefined;
        return problemReply(
          exchange,
          new Problem('limits_unavailable', { headers: ['retry-after', '1'], cause: verdict.reason }),
        );
    }
  }

  function watch({ principal }: Exchange, months: readonly WatchedMonth[], verdict: Admitted | Refused): void {
    if (principal === undefined) return;
    watchMonths(months, verdict, (news) => onQuota({ tenantId: principal.tenantId, ...news }));
  }

  return {
    onRequest(exchange) {
      const set = findQuotas(exchange);
      if (set === undefined) return undefined;
      const verdict = limiter.take(set.checks, cost);
      if (!(verdict instanceof Promise)) return decide(exchange, set, verdict);
      return verdict.then((late) => {
        const reply = decide(exchange, set, late);
        // The caller left while Redis was asked: nobody will tell of the end any more.
        if (exchange.recorded) release(exchange);
        return reply;
      });
    },
    onResponse(exchange, reply) {
      const { verdict } = exchange;
      if (verdict === undefined || verdict.outcome === 'unavailable') return;
      const set = findQuotas(exchange);
      if (set === undefined) return;
      fields.write(reply, set.fields, verdict);
      // An answer of 500 and above with a code of ours is Tollgate's failure, not the upstream's.
      const isOurs = exchange.errorCode !== undefined && reply.status >= 500;
      if (isOurs && refundsFailures && verdict.outcome === 'admitted') limiter.refund(set.checks, cost, verdict);
    },
    onEnd: release,
  };
}

/** Gives the places of concurrency back, whatever the end was. */
function release({ verdict }: Exchange): void {
  if (verdict?.outcome === 'admitted') verdict.release?.();
}

function faultsOf(limits: readonly Limit[], at: string): Fault[] {
  const names = limits.map((limit) => limitName(limit));
  return limits.flatMap((limit, i) => {
    const fault = findLimitFault(limit);
    if (fault !== undefined) return { path: `${at}[${i}].${fault.member}`, message: fault.message };
    const name = limitName(limit);
    return names.indexOf(name) === i ? [] : { path: `${at}[${i}]`, message: `is the second limit of a ${name}` };
  });
}
