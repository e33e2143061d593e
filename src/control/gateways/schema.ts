// Gateways and endpoints as requests and answers write them.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { RateLimitSchema } from '../rate-limit.ts';
import { clearable, closed, oneOf, optional, text, time } from '../schema-parts.ts';

const MAX_TIMEOUT_SECONDS = 3_600;

const UpstreamService = closed({
  name: text(100, 'What endpoints call it by; unique in the gateway.', { format: 'service-name' }),
  targets: Type.Array(
    closed({
      url: text(2_000, 'Where it listens. A path in it is put before that of the request.', { format: 'http-url' }),
    }),
    {
      minItems: 1,
      maxItems: 100,
      description: 'Requests go to one after the other.',
    },
  ),
  timeout: optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_TIMEOUT_SECONDS * 1_000,
      description: 'Milliseconds to the first byte, and between two.',
    }),
  ),
  stripPrefix: optional(
    Type.Boolean({ description: 'The service does not see the gateway’s routePrefix. false unless told.' }),
  ),
});

const SecuritySettings = closed(
  {
    authenticationRequired: optional(
      Type.Boolean({ description: 'Endpoints need a key unless they say otherwise. true unless told.' }),
    ),
    rateLimitingEnabled: optional(
      Type.Boolean({ description: 'The limits of keys and endpoints hold. true unless told.' }),
    ),
  },
  { description: 'Replaced as a whole.' },
);

const name = text(200, 'Unique among your gateways, whatever the case of its letters.');
const description = text(2_000, 'What it is for.');
const baseUrl = text(2_000, 'The public address, for readers; it does not route.', { format: 'http-url' });
const version = text(20, 'The version of the published API, for readers. v1 unless told.');
const routePrefix = text(
  100,
  'Every path of the gateway begins with it; / for none. Unless told, it is made of the name: "My Shop" gives /my-shop.',
  {
    format: 'route-prefix',
  },
);
const upstreamServices = Type.Array(UpstreamService, { maxItems: 50, description: 'What stands behind the gateway.' });
const loadBalancingStrategy = oneOf(['round_robin'], 'How targets of a service take turns.');
const timeoutSeconds = Type.Integer({
  minimum: 1,
  maximum: MAX_TIMEOUT_SECONDS,
  description: 'How long a service may take to its first byte, and between two. 30 unless told.',
});
const status = oneOf(
  ['active', 'inactive'],
  'inactive takes it off the air at once, and active puts it back, as it was deployed last.',
);

const gatewayFields = {
  description: optional(description),
  baseUrl: optional(baseUrl),
  version: optional(version),
  routePrefix: optional(routePrefix),
  upstreamServices: optional(upstreamServices),
  loadBalancingStrategy: optional(loadBalancingStrategy),
  securitySettings: optional(SecuritySettings),
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
  },
  {
    description: 'What is left out stays as it is; null clears. Live after the next deploy; only status holds at once.',
  },
);

export const ListGateways = closed({
  ...pagingFields(100),
  sortBy: optional(oneOf(['createdAt', 'name'], 'createdAt unless told.')),
  sortOrder: optional(oneOf(['asc', 'desc'], 'desc unless told.')),
  status: optional(status),
  search: optional(text(200, 'Anywhere in name or description.')),
});

export const Gateway = closed({
  id: Type.String({ description: '`gw_…`' }),
  name: Type.String(),
  description: optional(Type.String()),
  baseUrl: optional(Type.String()),
  version: Type.String(),
  routePrefix: Type.String(),
  upstreamServices,
  loadBalancingStrategy,
  securitySettings: closed({ authenticationRequired: Type.Boolean(), rateLimitingEnabled: Type.Boolean() }),
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

const method = oneOf(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'], 'The method it answers.');
const path = text(500, 'Below routePrefix: /users/{id} or /users/:id for one segment, /files/* for any rest.', {
  format: 'route-path',
});
const operationId = text(200, 'A name for programs, unique in the gateway.');
const summary = text(500, 'What it does, in a line.');
const service = text(100, 'The name of one of the gateway’s services. Unless told, its only one.', {
  format: 'service-name',
});
const upstreamUrl = text(2_000, 'Instead of service: where requests go; the path of the request is put behind it.', {
  format: 'http-url',
});
const tags = Type.Array(text(100, ''), { maxItems: 50, uniqueItems: true, description: 'For readers.' });
const requiredScopes = Type.Array(Type.String({ format: 'scope' }), {
  maxItems: 50,
  description: 'Keys need all of them.',
});
const authRequired = Type.Boolean({ description: 'Whether callers need a key; as the gateway says unless told.' });
const isActive = Type.Boolean({ description: 'false leaves it out of deploys. true unless told.' });
const rateLimit = Type.Object(RateLimitSchema.properties, {
  additionalProperties: false,
  minProperties: 1,
  description: 'Of the endpoint, over all callers together.',
});

const endpointFields = {
  operationId: optional(operationId),
  summary: optional(summary),
  description: optional(description),
  tags: optional(tags),
  service: optional(service),
  upstreamUrl: optional(upstreamUrl),
  timeoutSeconds: optional(timeoutSeconds),
  authRequired: optional(authRequired),
  requiredScopes: optional(requiredScopes),
  rateLimit: optional(rateLimit),
  isActive: optional(isActive),
};

export const CreateEndpoint = closed({ method, path, ...endpointFields });

function orNull<Schema extends ReturnType<typeof Type.Integer> | typeof authRequired | typeof rateLimit>(
  schema: Schema,
  type: string,
) {
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [type, 'null'] });
}

export const UpdateEndpoint = closed(
  {
    ...endpointFields,
    method: optional(method),
    path: optional(path),
    operationId: optional(clearable(operationId)),
    summary: optional(clearable(summary)),
    description: optional(clearable(description)),
    service: optional(clearable(service)),
    upstreamUrl: optional(clearable(upstreamUrl)),
    timeoutSeconds: optional(orNull(timeoutSeconds, 'integer')),
    authRequired: optional(orNull(authRequired, 'boolean')),
    rateLimit: optional(orNull(rateLimit, 'object')),
  },
  {
    description:
      'What is left out stays as it is; null clears. service and upstreamUrl replace each other. Live after the next deploy.',
  },
);

export const ListEndpoints = closed({
  ...pagingFields(100),
  sortBy: optional(oneOf(['createdAt', 'path'], 'createdAt unless told.')),
  sortOrder: optional(oneOf(['asc', 'desc'], 'asc unless told.')),
  method: optional(method),
  search: optional(text(200, 'Anywhere in path, summary or operationId.')),
});

export const EndpointParams = closed({
  id: Type.String({ maxLength: 100, description: 'The id of the gateway.' }),
  endpointId: Type.String({ maxLength: 100, description: 'The id of the endpoint.' }),
});

export const Endpoint = closed({
  id: Type.String({ description: '`ep_…`' }),
  gatewayId: Type.String(),
  method,
  path: Type.String(),
  operationId: optional(Type.String()),
  summary: optional(Type.String()),
  description: optional(Type.String()),
  tags,
  service: optional(Type.String()),
  upstreamUrl: optional(Type.String()),
  timeoutSeconds: optional(timeoutSeconds),
  authRequired: optional(authRequired),
  requiredScopes,
  rateLimit: optional(rateLimit),
  isActive: Type.Boolean(),
  createdAt: time('When it was made.'),
  updatedAt: time('When it was changed last.'),
});

const routes = (about: string) => Type.Array(Type.String(), { description: `${about}, each as \`GET /path\`.` });

export const Deployment = closed({
  gatewayId: Type.String(),
  revision: Type.Integer({ description: 'Counts the deploys of the gateway.' }),
  revisionId: Type.String({ description: '`rev_…`' }),
  deployedAt: time('When it went on the air.'),
  changes: closed({
    added: routes('New routes'),
    removed: routes('Routes that are gone'),
    changed: routes('Routes that do something else'),
  }),
});

export const Deleted = closed({ id: Type.String(), deleted: Type.Unsafe<true>({ type: 'boolean', const: true }) });

export type CreateGateway = Static<typeof CreateGateway>;
export type UpdateGateway = Static<typeof UpdateGateway>;
export type ListGateways = Static<typeof ListGateways>;
export type Gateway = Static<typeof Gateway>;
export type CreateEndpoint = Static<typeof CreateEndpoint>;
export type UpdateEndpoint = Static<typeof UpdateEndpoint>;
export type ListEndpoints = Static<typeof ListEndpoints>;
export type Endpoint = Static<typeof Endpoint>;
export type Deleted = Static<typeof Deleted>;
export type Deployment = Static<typeof Deployment>;
