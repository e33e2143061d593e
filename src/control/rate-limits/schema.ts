// Tiers, overrides and the caller's standing, as requests and answers write them.

import { Type, type Static } from 'typebox';
import { MAX_REQUESTS, RateLimitSchema } from '../rate-limit.ts';
import { closed, oneOf, optional, text, time } from '../schema-parts.ts';

const MAX_COST = 1_000_000;

const windows = RateLimitSchema.properties;

function limits(description: string) {
  return Type.Object(windows, { additionalProperties: false, minProperties: 1, description });
}

export const TierParams = closed({ name: text(50, 'The name of the tier.', { format: 'tier-name' }) });

export const PutTier = limits('The limits of the tier, as a whole: a window that is not named is unlimited.');

export const Tier = closed({
  ...windows,
  name: Type.String(),
  createdAt: time('When it was made.'),
  updatedAt: time('When it was changed last.'),
});

export const Tiers = Type.Record(Type.String(), Type.Object(windows, { additionalProperties: false }), {
  description: 'The limits of each tier, by its name; a window that is not named is unlimited.',
});

export const DeletedTier = closed({
  name: Type.String(),
  deleted: Type.Unsafe<boolean>({ type: 'boolean', const: true }),
});

const effective = Type.Object(windows, {
  additionalProperties: false,
  description: 'What holds, whoever said it; a window that is not named is unlimited.',
});

export const PutKeyLimits = Type.Object(
  {
    ...windows,
    rateLimitOverride: optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_REQUESTS,
        description: 'Of the key of a client: requests a minute in the place of the client’s minute and burst.',
      }),
    ),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description:
      'In the place of what was said before, as a whole. Of the key of a client, beside those of the client.',
  },
);
export const KeyLimits = closed({
  id: Type.String({ description: '`key_…`' }),
  override: Type.Object(PutKeyLimits.properties, {
    additionalProperties: false,
    description: 'What was said of this key; empty when nothing was.',
  }),
  effective,
});

export const PutClientLimits = limits('In the place of those of its tier, as a whole, over all its keys together.');
export const ClientLimits = closed({
  id: Type.String({ description: '`cli_…`' }),
  override: Type.Object(windows, {
    additionalProperties: false,
    description: 'What was said of this client; empty when nothing was.',
  }),
  tier: optional(Type.String({ description: 'Its tier.' })),
  monthlyQuota: optional(Type.Integer({ description: 'Requests in each month, beside all other limits.' })),
  effective,
});

const perClient = limits('Limits of each client for itself at this endpoint; of keys without a client, of each key.');
const cost = Type.Integer({
  minimum: 1,
  maximum: MAX_COST,
  description: 'What a request to it counts; 1 unless told.',
});
const expose = Type.Boolean({
  description: 'false: its limits hold, and no answer tells of them. true unless told.',
});

export const PutEndpointLimits = Type.Object(
  { ...windows, cost: optional(cost), perClient: optional(perClient), expose: optional(expose) },
  {
    additionalProperties: false,
    minProperties: 1,
    description:
      'Windows take the place of the endpoint’s `rateLimit`, as a whole, when any is named; else that goes on. Live at once.',
  },
);
export const EndpointLimits = closed({
  id: Type.String({ description: '`ep_…`' }),
  gatewayId: Type.String({ description: '`gw_…`' }),
  override: Type.Object(PutEndpointLimits.properties, {
    additionalProperties: false,
    description: 'What was said of this endpoint; empty when nothing was.',
  }),
});

export const PutTenantLimits = Type.Object(
  {
    ...windows,
    multiplier: optional(
      Type.Number({
        minimum: 0.01,
        maximum: 1_000,
        description:
          'What the limits of its keys and clients are multiplied by, those of tiers and defaults too; rounded down, at least 1.',
      }),
    ),
    timeZone: optional(
      text(100, 'Whose days and months its limits are of, by its IANA name, such as Europe/Berlin; UTC unless told.', {
        format: 'time-zone',
      }),
    ),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'In the place of what was said before, as a whole. Windows are over all that call in the tenant.',
  },
);
export const TenantLimits = closed({
  id: Type.String({ description: '`ten_…`' }),
  override: Type.Object(PutTenantLimits.properties, {
    additionalProperties: false,
    description: 'What was said of this tenant; empty when nothing was.',
  }),
});

const Standing = closed({
  of: oneOf(['key', 'client', 'tenant'], 'Over what it is counted.'),
  window: oneOf(['minute', 'hour', 'day', 'month', 'burst'], 'How long it is counted for.'),
  limit: Type.Integer({ description: 'The most that may be used.' }),
  used: Type.Integer({ description: 'What is used of it; all, too, when it was lowered below what was used.' }),
  remaining: Type.Integer({ description: 'What is left.' }),
  resetAt: time('When the window ends; when nothing is left, when there will be something again.'),
});

export const Status = closed({
  limits: Type.Record(Type.String(), Standing, {
    description: 'Each limit of the caller, by the name under which `RateLimit` tells of it, such as `key-minute`.',
  }),
});

export type PutTier = Static<typeof PutTier>;
export type Tier = Static<typeof Tier>;
export type Tiers = Static<typeof Tiers>;
export type PutKeyLimits = Static<typeof PutKeyLimits>;
export type KeyLimits = Static<typeof KeyLimits>;
export type ClientLimits = Static<typeof ClientLimits>;
export type PutEndpointLimits = Static<typeof PutEndpointLimits>;
export type EndpointLimits = Static<typeof EndpointLimits>;
export type PutTenantLimits = Static<typeof PutTenantLimits>;
export type TenantLimits = Static<typeof TenantLimits>;
export type Standing = Static<typeof Standing>;
export type Status = Static<typeof Status>;
