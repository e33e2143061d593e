// What becomes of a request that no endpoint takes: a problem, or the gateway's own answer to OPTIONS.

import { Problem } from '../lib/problem.ts';
import { localReply, type Exchange, type Reply } from './exchange.ts';
import type { Plan } from './plan.ts';
import { problemReply } from './problem-reply.ts';
import type { VersionRule } from './route-version.ts';
import type { Miss } from './router.ts';

/**
 * Where something is published at the path, if only for other methods, its gateway's guards are entered first: they answer preflights,
 * and put on the refusal what the gateway puts on all its answers. This plan asks them, and then refuses.
 */
export function toTurningPlan(found: Miss<Plan>): Plan | undefined {
  if (!('near' in found) || found.near === undefined) return undefined;
  const { near } = found;
  const last = { onRequest: (exchange: Exchange) => missReply(exchange, found) };
  return { ...near, endpointId: undefined, policies: [...near.policies.slice(0, near.guards), last] };
}

export function missReply(exchange: Exchange, found: Miss<Plan>): Reply {
  switch (found.miss) {
    case 'ambiguous':
      return problemReply(exchange, new Problem('ambiguous_path'));
    case 'moved':
      // 308 keeps method and body (RFC 9110 §15.4.9).
      return localReply(308, ['location', found.path + exchange.query], undefined);
    case 'not-found':
      return refuse(exchange, `Nothing is published at ${exchange.method} ${exchange.path}.`);
    case 'version':
      return problemReply(exchange, new Problem('unknown_api_version', { detail: describeOffer(found.offered) }));
    case 'method': {
      const allow = found.allowed.join(', ');
      const detail = `This path answers ${allow}.`;
      return problemReply(exchange, new Problem('method_not_allowed', { detail, headers: ['allow', allow] }));
    }
    case 'options':
      return localReply(204, ['allow', found.allowed.join(', ')], undefined);
  }
}

function refuse(exchange: Exchange, detail: string): Reply {
  return problemReply(exchange, new Problem('route_not_found', { detail }));
}

function describeOffer(offered: readonly VersionRule[]): string {
  const ways = offered.map(({ by, name, value }) =>
    by === 'header' ? `${name}: ${value}` : `accept: */*;${name}=${value}`,
  );
  return `Ask for a version that this path has: ${[...new Set(ways)].join(' or ')}.`;
}
