// How the services of a gateway are, as answers write it.

import { Type, type Static } from 'typebox';
import { closed, oneOf, optional } from '../schema-parts.ts';

const TargetHealth = closed({
  url: Type.String(),
  address: optional(
    Type.String({
      description:
        'One of those that its name leads to, by DNS; absent where the name is looked up for each connection.',
    }),
  ),
  port: optional(Type.Integer({ description: 'As its SRV record says.' })),
  weight: Type.Number({ description: 'Where a name leads to several addresses, they share its weight.' }),
  status: oneOf(
    ['up', 'partial', 'down'],
    'Whether it is fit for requests in the eyes of all threads, of some, or of none.',
  ),
  reasons: Type.Array(oneOf(['unreachable', 'check', 'errors', 'circuit_open'], ''), {
    description:
      'What speaks against it: no connection can be made, its checks fail, it failed too often in a row, or its circuit breaker is open.',
  }),
  circuitBreaker: optional(
    oneOf(['closed', 'half_open', 'open'], 'The worst of all threads; absent where it has none.'),
  ),
  inFlight: Type.Integer({ description: 'Requests under way.' }),
});

const status = (description: string) => oneOf(['healthy', 'degraded', 'unavailable'], description);

export const GatewayHealth = closed({
  gatewayId: Type.String(),
  status: oneOf(
    ['healthy', 'degraded', 'unavailable', 'off_air'],
    'The worst of its services; off_air when nothing of it is served.',
  ),
  threads: Type.Integer({ description: 'How many gateway threads of this node have answered.' }),
  services: Type.Array(
    closed({
      name: Type.String({ description: 'Or the upstreamUrl of an endpoint.' }),
      status: status('unavailable when no target with a weight is up, degraded when one is not up for all threads.'),
      targets: Type.Array(TargetHealth),
    }),
  ),
});

export type GatewayHealth = Static<typeof GatewayHealth>;
