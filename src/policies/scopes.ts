// Lets a caller through who holds every scope that the endpoint requires.

import { Type } from 'typebox';
import type { Exchange, Reply } from '../gateway/exchange.ts';
import type { Policy } from '../gateway/policy.ts';
import { problemReply } from '../gateway/problem-reply.ts';
import { Problem } from '../lib/problem.ts';
import { hasScope, normalizeScope, SCOPE_PATTERN } from '../lib/scope.ts';

const config = Type.Object(
  { required: Type.Array(Type.String({ pattern: SCOPE_PATTERN, maxLength: 100 }), { minItems: 1, maxItems: 50 }) },
  { additionalProperties: false },
);

export const scopes: Policy<typeof config> = {
  name: 'scopes',
  stage: 'authorize',
  config,
  compile({ required }) {
    const normal = required.map(normalizeScope);
    return { onRequest: (exchange) => check(exchange, normal) };
  },
};

function check(exchange: Exchange, required: readonly string[]): Reply | undefined {
  const granted = exchange.principal?.scopes ?? [];
  const missing: string[] = [];
  for (const scope of required) if (!hasScope(granted, scope)) missing.push(scope);
  if (missing.length === 0) return undefined;
  const detail = `This endpoint requires ${missing.join(' and ')}, which the key does not hold.`;
  // RFC 6750 §3.1: the challenge names the scope that would do.
  const challenge = `Bearer realm="tollgate", error="insufficient_scope", scope="${required.join(' ')}"`;
  return problemReply(
    exchange,
    new Problem('insufficient_scope', { detail, headers: ['www-authenticate', challenge] }),
  );
}
