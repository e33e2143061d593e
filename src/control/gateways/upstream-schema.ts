// What a gateway says of the services behind it and of their failures, as requests and answers write it.

import { Type } from 'typebox';
import { rewritingFields } from './rewriting-schema.ts';
import { secretFields } from './secret-schema.ts';
import { clearableValue, closed, nullable, oneOf, optional, text } from '../schema-parts.ts';

export const loadBalancingStrategy = oneOf(
  ['round_robin', 'weighted', 'least_connections', 'ip_hash'],
  'How targets share the requests: in turns, by weight, the least busy first, or each address at its own. Weights count with each of them. round_robin unless told.',
);

const count = (maximum: number, description: string) => optional(Type.Integer({ minimum: 1, maximum, description }));

const CircuitBreaker = closed(
  {
    failureThreshold: count(
      1_000,
      'So many failures in a row open it. 5 unless told, or unless failureRatePercent is.',
    ),
    failureRatePercent: count(100, 'And so does this part of the requests of the last windowSeconds.'),
    minimumRequests: count(100_000, 'With fewer requests in the window the rate does not count. 20 unless told.'),
    windowSeconds: count(3_600, '60 unless told.'),
    resetTimeoutSeconds: count(3_600, 'How long it stays open before it tries again. 30 unless told.'),
    halfOpenRequests: count(
      100,
      'How many requests at once try whether the target is well again; it closes after as many successes. 1 unless told.',
    ),
  },
  {
    description:
      'Of each target: while it is open the target is not called, and where no other is left callers get 503 `circuit_open`. A failure is no answer, one that breaks off, or a 5xx. Replaced as a whole.',
  },
);

const HealthCheck = closed(
  {
    path: optional(
      text(
        1_000,
        'What is asked of each target, from its root, such as /health; an answer 2xx or 3xx is a pass. Nothing is asked unless told.',
        { format: 'check-path' },
      ),
    ),
    intervalSeconds: count(3_600, 'How often. 10 unless told.'),
    timeoutSeconds: count(300, 'How long an answer may take. 5 unless told.'),
    healthyThreshold: count(100, 'So many passes in a row bring a target back. 2 unless told.'),
    unhealthyThreshold: count(100, 'So many checks in a row that fail take it out. 3 unless told.'),
    errorThreshold: count(
      1_000,
      'So many failures in a row take a target out: no answers, such as break off, 5xx. Never unless told.',
    ),
    ejectSeconds: count(3_600, 'For so long. 30 unless told.'),
    panicThresholdPercent: optional(
      Type.Integer({
        minimum: 0,
        maximum: 100,
        description: 'With a smaller part of the targets up, all are called. 0 unless told: when none is up.',
      }),
    ),
    slowStartSeconds: count(
      3_600,
      'A target that comes back, or is added, gets a tenth of its requests at first, and all after so long. At once unless told.',
    ),
  },
  {
    description:
      'What takes a target out while others are there. One to which no connection can be made is out in any case, until one can. Each gateway thread looks for itself. Replaced as a whole.',
  },
);

const Retry = closed(
  {
    attempts: optional(
      Type.Integer({
        minimum: 0,
        maximum: 10,
        description: 'How often a request that failed is made again; 0 for never. 1 unless told.',
      }),
    ),
    statuses: optional(
      Type.Array(Type.Integer({ minimum: 400, maximum: 599 }), {
        maxItems: 20,
        uniqueItems: true,
        description: 'Answers that count as failures. 502, 503 and 504 unless told.',
      }),
    ),
  },
  {
    description:
      'Requests of which nothing was sent, and GET, HEAD, OPTIONS, PUT, DELETE or such with an `Idempotency-Key` (their bodies up to 64 KB) are made again: at another target at once, at the same one after a pause or its `Retry-After`; within the time for the first byte, and for a fifth of the requests at most.',
  },
);

const milliseconds = (description: string) => count(3_600_000, description);

const Timeouts = closed(
  {
    connectMs: milliseconds('To a connection. 5000 unless told.'),
    handshakeMs: milliseconds('From there to the end of the TLS handshake. 5000 unless told.'),
    betweenBytesMs: milliseconds('Between two pieces of an answer. As long as to its first byte unless told.'),
    totalMs: milliseconds('For the whole of a call. No limit unless told, so that streams may go on.'),
  },
  { description: 'In milliseconds, beside `timeout`, which is the time to the first byte.' },
);

/** Of a target, beside its URL. */
export const targetFields = {
  weight: optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000,
      description: 'Its part of the requests beside those of the others; 0 gets no new ones. 1 unless told.',
    }),
  ),
  maxConcurrentRequests: count(
    1_000_000,
    'How many requests a node may have under way there, shared evenly among its gateway threads. Others with room are called in its place; where none is left, as many more, up to 1000 in each thread, wait for up to five seconds. Beyond that callers get 503 `upstream_busy` with `Retry-After`. No limit unless told.',
  ),
};

/** Of a service. */
export const serviceFields = {
  timeoutSeconds: count(3_600, 'The same as `timeout`, in seconds.'),
  loadBalancingStrategy: optional(loadBalancingStrategy),
  circuitBreaker: optional(CircuitBreaker),
  healthCheck: optional(HealthCheck),
  retry: optional(Retry),
  timeouts: optional(Timeouts),
  ...rewritingFields,
  ...secretFields,
};

const concurrent = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description:
    'How many requests a node may have under way, shared evenly among its gateway threads. As many more, up to 1000 in each thread, wait for up to five seconds; beyond that callers get 503 `gateway_busy` with `Retry-After`. No limit unless told.',
});

const checkUrl = text(
  255,
  'What is asked of each target of a service whose `healthCheck` names no path: a path, such as /health, or the URL of it at one of the targets. An answer 2xx or 3xx is a pass.',
  { format: 'check-url' },
);

/** Of a gateway: what holds for its services unless they say otherwise. */
export const gatewayFields = {
  loadBalancingStrategy: optional(loadBalancingStrategy),
  circuitBreaker: optional(CircuitBreaker),
  maxConcurrentRequests: optional(concurrent),
  healthCheckUrl: optional(checkUrl),
};

/** Of those, the ones that can be cleared. */
export const clearableFields = {
  circuitBreaker: optional(clearableValue(CircuitBreaker, 'object')),
  maxConcurrentRequests: optional(nullable(concurrent)),
  healthCheckUrl: optional(nullable(checkUrl)),
};
