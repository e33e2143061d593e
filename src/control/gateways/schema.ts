// Gateways as requests and answers write them.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { clearable, closed, nullable, oneOf, optional, text, time } from '../schema-parts.ts';
import { Cors, hosts, MAX_TIMEOUT_SECONDS, SecuritySettings, UpstreamService, Versioning } from './gateway-parts.ts';
import * as upstream from './upstream-schema.ts';

const name = text(255, 'Unique among your gateways, whatever the case of its letters.');
const description = text(2_000, 'What it is for.');
const baseUrl = text(2_000, 'The public address, for readers; it does not route.', { format: 'http-url' });
const version = text(
  20,
  'The version of the published API. v1 unless told. For readers, unless `versioning` says more.',
);
const routePrefix = text(
  100,
  'Every path of the gateway begins with it; / for none. Unless told, it is made of the name: "My Shop" gives /my-shop.',
  {
    format: 'route-prefix',
  },
);
const upstreamServices = Type.Array(UpstreamService, { maxItems: 50, description: 'What stands behind the gateway.' });
export const timeoutSeconds = Type.Integer({
  minimum: 1,
  maximum: MAX_TIMEOUT_SECONDS,
  description: 'How long a service may take to its first byte, and between two. 30 unless told.',
});
const status = oneOf(
  ['active', 'inactive', 'maintenance', 'deprecated'],
  'Holds at once, on what was deployed last: `inactive` takes it off the air, `maintenance` answers 503 with `Retry-After`, `deprecated` serves and says so.',
);

/** What can be said of a gateway beside its name. A field has its place here, in db/schema.ts and in gateway-columns.ts. */
const gatewayFields = {
  description: optional(description),
  baseUrl: optional(baseUrl),
  version: optional(version),
  versioning: optional(Versioning),
  hosts: optional(hosts),
  routePrefix: optional(routePrefix),
  upstreamServices: optional(upstreamServices),
  ...upstream.gatewayFields,
  securitySettings: optional(SecuritySettings),
  cors: optional(Cors),
  timeoutSeconds: optional(timeoutSeconds),
  status: optional(status),
};

export const CreateGateway = closed({ name, ...gatewayFields });

export const UpdateGateway = closed(
  {
    name: optional(name),
    ...gatewayFields,
    description: optional(clearable(description)),
    baseUrl: optional(clearable(baseUrl)),
    ...upstream.clearableFields,
    versioning: optional(nullable(Versioning)),
    cors: optional(nullable(Cors)),
  },
  {
    description: 'What is left out stays as it is; null clears. Live after the next deploy; only status holds at once.',
  },
);

export const ListGateways = closed({
  ...pagingFields(100),
  sortBy: optional(oneOf(['createdAt', 'name'], 'createdAt unless told.')),
  sortOrder: optional(oneOf(['asc', 'desc'], 'desc unless told.')),
  status: optional(oneOf(['active', 'inactive', 'maintenance', 'deprecated'], 'Only those in this state.')),
  search: optional(text(200, 'Anywhere in name or description.')),
});

export const Gateway = closed({
  id: Type.String({ description: '`gw_…`' }),
  name: Type.String(),
  description: optional(Type.String()),
  baseUrl: optional(Type.String()),
  version: Type.String(),
  versioning: optional(Versioning),
  hosts,
  routePrefix: Type.String(),
  upstreamServices,
  ...upstream.gatewayFields,
  loadBalancingStrategy: upstream.loadBalancingStrategy,
  securitySettings: closed({
    ...SecuritySettings.properties,
    authenticationRequired: Type.Boolean(),
    rateLimitingEnabled: Type.Boolean(),
  }),
  cors: optional(Cors),
  timeoutSeconds,
  status,
  deployed: optional(
    closed(
      { revision: Type.Integer(), revisionId: Type.String(), deployedAt: time('When it was deployed.') },
      { description: 'What is live; absent before the first deploy.' },
    ),
  ),
  createdAt: time('When it was made.'),
  updatedAt: time('When it was changed last.'),
});

export const Deleted = closed({ id: Type.String(), deleted: Type.Unsafe<true>({ type: 'boolean', const: true }) });

export type CreateGateway = Static<typeof CreateGateway>;
export type UpdateGateway = Static<typeof UpdateGateway>;
export type ListGateways = Static<typeof ListGateways>;
export type Gateway = Static<typeof Gateway>;
export type Deleted = Static<typeof Deleted>;
