// Questions after the way of a request, and their answers.

import { Type, type Static } from 'typebox';
import { closed, oneOf, optional, text } from '../schema-parts.ts';
import { Traffic } from './traffic-schema.ts';
import { loadBalancingStrategy } from './upstream-schema.ts';

const MAX_HEADERS = 20;

export const ExplainQuery = closed({
  method: optional(text(20, 'GET unless told.', { format: 'token' })),
  path: text(8_192, 'The public path, as a caller would send it, without the query.'),
  host: optional(text(300, 'The host that is called; only gateways for all hosts unless told.')),
  header: optional(
    Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      maxLength: 1_000,
      items: { type: 'string', maxLength: 1_000 },
      maxItems: MAX_HEADERS,
      description: 'Such as `X-API-Version: 2`; any number of times.',
    }),
  ),
});

const Policy = closed({
  stage: Type.String({ description: 'guard, authenticate, authorize, limit or message: the order in which they run.' }),
  name: Type.String(),
  config: Type.Unknown({ description: 'What it was told.' }),
});

export const Explanation = closed({
  outcome: oneOf(
    ['forwarded', 'answered', 'refused'],
    'What comes after the policies: the service gets it, the gateway answers itself, or it is turned away.',
  ),
  status: optional(Type.Integer({ description: 'Of the gateway’s own answer.' })),
  detail: Type.String({ description: 'In a sentence.' }),
  gateway: optional(closed({ id: optional(Type.String()), name: Type.String() })),
  endpoint: optional(
    closed({
      id: optional(Type.String()),
      method: Type.String(),
      path: Type.String({ description: 'With the prefix of the gateway.' }),
    }),
  ),
  policies: Type.Array(Policy, { description: 'In the order in which they run.' }),
  service: optional(
    closed({
      name: Type.String(),
      targets: Type.Array(Type.String()),
      weights: Type.Array(Type.Integer(), { description: 'Of the targets, in their order.' }),
      loadBalancingStrategy,
      stripPrefix: Type.Boolean({ description: 'The service does not see the prefix.' }),
      path: optional(
        Type.String({
          description:
            'What the service gets of the path, below that of its target. Absent where rewriting makes dot segments of it: callers get 400.',
        }),
      ),
      timeoutMs: Type.Integer({ description: 'To the first byte.' }),
      retries: Type.Integer({ description: 'How often a request that failed is made again at most.' }),
      circuitBreaker: optional(
        Type.Unknown({ description: 'What opens it, and for how long; absent where there is none.' }),
      ),
    }),
  ),
  traffic: optional(Traffic),
});

export type ExplainQuery = Static<typeof ExplainQuery>;
export type Explanation = Static<typeof Explanation>;
