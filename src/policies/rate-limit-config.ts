// What the rate-limit policy can be told.

import { type Static, Type } from 'typebox';
import { limitSchema } from '../lib/limit-schema.ts';

const MAX_COST = 1_000_000;
const MAX_LIMITS = 12;

const closed = { additionalProperties: false };
const limits = Type.Array(limitSchema({}), { minItems: 1, maxItems: MAX_LIMITS });

const id = Type.String({ minLength: 1, maxLength: 100 });

export const RateLimitConfig = Type.Object(
  {
    /** The endpoint's own limits; null when it has none. Those of the caller hold in any case. */
    endpoint: Type.Union([Type.Object({ id, windows: limits }, closed), Type.Null()]),
    /** Limits of each client for itself at this endpoint, which must have an id then. */
    perClient: Type.Optional(limits),
    /** Of an endpoint that has no limits of its own. */
    id: Type.Optional(id),
    /** Of callers without credentials, the limits of each address here, in place of the node's; under the same name they are the same. */
    address: Type.Optional(
      Type.Object({ name: Type.String({ pattern: '^[a-z][a-z-]*$', maxLength: 50 }), windows: limits }, closed),
    ),
    /** What a request counts; 1 unless told. */
    cost: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_COST })),
    /** What becomes of requests while the counters are away; as the node's setting says unless told. */
    onFailure: Type.Optional(Type.Union([Type.Literal('local'), Type.Literal('allow'), Type.Literal('deny')])),
    /** Whether a request that Tollgate itself fails is not counted; as the node's setting says unless told. */
    refundsFailures: Type.Optional(Type.Boolean()),
  },
  closed,
);

export type RateLimitConfig = Static<typeof RateLimitConfig>;
