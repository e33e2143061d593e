// How a service stands upstreams that fail, as a snapshot says it. All of it is optional: what was stored before it was known goes on
// being read, and means what it meant.

import { Type, type Static } from 'typebox';
import type { Fault } from '../../lib/problem.ts';
import type { MemberTerms } from './member.ts';

const closed = { additionalProperties: false };
const count = Type.Integer({ minimum: 1 });

export const targetFields = {
  url: Type.String(),
  /** Its part of the requests beside those of the others; 0 gets no new ones. */
  weight: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  /** In all threads together; any number when absent. */
  maxConcurrentRequests: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
};

const CircuitBreaker = Type.Object(
  {
    failureThreshold: Type.Optional(count),
    failureRate: Type.Optional(
      Type.Object(
        { percent: Type.Number({ exclusiveMinimum: 0, maximum: 100 }), minimumCalls: count, windowMs: count },
        closed,
      ),
    ),
    resetMs: count,
    trials: count,
  },
  closed,
);

const HealthCheck = Type.Object(
  {
    errorThreshold: Type.Optional(count),
    ejectMs: Type.Optional(count),
    check: Type.Optional(
      Type.Object(
        {
          /** On each target, from its root. */
          path: Type.String({ pattern: '^/[!-~]*$' }),
          intervalMs: count,
          timeoutMs: count,
          healthyThreshold: count,
          unhealthyThreshold: count,
        },
        closed,
      ),
    ),
    /** With a smaller part of the targets up, all are tried. */
    panicPercent: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    slowStartMs: Type.Optional(count),
  },
  closed,
);

const Retry = Type.Object(
  {
    attempts: Type.Integer({ minimum: 1, maximum: 10 }),
    statuses: Type.Array(Type.Integer({ minimum: 400, maximum: 599 })),
  },
  closed,
);

const milliseconds = Type.Optional(count);

const Timeouts = Type.Object(
  { connectMs: milliseconds, handshakeMs: milliseconds, betweenBytesMs: milliseconds, totalMs: milliseconds },
  closed,
);

export const serviceFields = {
  timeouts: Type.Optional(Timeouts),
  /** round_robin when absent. */
  loadBalancingStrategy: Type.Optional(
    Type.Union([
      Type.Literal('round_robin'),
      Type.Literal('weighted'),
      Type.Literal('least_connections'),
      Type.Literal('ip_hash'),
    ]),
  ),
  circuitBreaker: Type.Optional(CircuitBreaker),
  healthCheck: Type.Optional(HealthCheck),
  /** Calls are made once only when absent. */
  retry: Type.Optional(Retry),
};

interface ServiceTerms {
  readonly circuitBreaker?: Static<typeof CircuitBreaker>;
  readonly healthCheck?: Static<typeof HealthCheck>;
}

/** What the form does not tell. Paths are below the service. */
export function checkService({ targets }: { readonly targets: readonly { readonly weight?: number }[] }): Fault[] {
  if (targets.some(({ weight }) => weight !== 0)) return [];
  return [{ path: 'targets', message: 'need one with a weight above 0' }];
}

const EJECT_MS = 30_000;

export function toMemberTerms({
  circuitBreaker,
  healthCheck,
}: ServiceTerms): Pick<MemberTerms, 'breaker' | 'health' | 'slowStartMs'> {
  const breaker = circuitBreaker && {
    failureThreshold: circuitBreaker.failureThreshold ?? Infinity,
    rate: circuitBreaker.failureRate,
    resetMs: circuitBreaker.resetMs,
    trials: circuitBreaker.trials,
  };
  const { errorThreshold = Infinity, ejectMs = EJECT_MS, check, slowStartMs = 0 } = healthCheck ?? {};
  return { breaker, health: { errorThreshold, ejectMs, check }, slowStartMs };
}
