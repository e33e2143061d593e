// Endpoints as requests and answers write them.

import { Type, type Static } from 'typebox';
import { pagingFields } from '../paging.ts';
import { RateLimitSchema } from '../rate-limit.ts';
import {
  clearable,
  clearableValue,
  closed,
  givenTime,
  nullable,
  oneOf,
  optional,
  text,
  time,
} from '../schema-parts.ts';
import { timeoutSeconds } from './schema.ts';
import { Traffic } from './traffic-schema.ts';

const method = oneOf(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'], 'The method it answers.');
const path = text(500, 'Below routePrefix: /users/{id} or /users/:id for one segment, /files/* for any rest.', {
  format: 'route-path',
});
const operationId = text(255, 'A name for programs, unique in the gateway.');
const summary = text(500, 'What it does, in a line.');
const description = text(2_000, 'What it is for.');
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
const deprecated = Type.Boolean({
  description: 'Answers carry `Deprecation`, since this was first true. false unless told.',
});
const deprecationDate = givenTime(
  'Since when, or from when on, it is deprecated, in place of the time at which it was said.',
);
const sunsetDate = givenTime('Until when it is meant to answer: the field `Sunset`.');
const successor = text(2_000, 'What comes after it, a path or a URL: `Link` with `rel="successor-version"`.', {
  format: 'uri-reference',
});
const goneAfterSunset = Type.Boolean({ description: 'After sunsetDate it answers 410. false unless told.' });

/** What can be said of an endpoint beside its route. A field has its place here, in db/schema.ts and in endpoint-columns.ts. */
const endpointFields = {
  operationId: optional(operationId),
  summary: optional(summary),
  description: optional(description),
  tags: optional(tags),
  service: optional(service),
  upstreamUrl: optional(upstreamUrl),
  traffic: optional(Traffic),
  timeoutSeconds: optional(timeoutSeconds),
  authRequired: optional(authRequired),
  requiredScopes: optional(requiredScopes),
  rateLimit: optional(rateLimit),
  deprecated: optional(deprecated),
  deprecationDate: optional(deprecationDate),
  sunsetDate: optional(sunsetDate),
  successor: optional(successor),
  goneAfterSunset: optional(goneAfterSunset),
  isActive: optional(isActive),
};

export const CreateEndpoint = closed({ method, path, ...endpointFields });

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
    traffic: optional(clearableValue(Traffic, 'object')),
    timeoutSeconds: optional(nullable(timeoutSeconds)),
    authRequired: optional(nullable(authRequired)),
    rateLimit: optional(nullable(rateLimit)),
    deprecationDate: optional(clearable(deprecationDate)),
    sunsetDate: optional(clearable(sunsetDate)),
    successor: optional(clearable(successor)),
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
  traffic: optional(Traffic),
  timeoutSeconds: optional(timeoutSeconds),
  authRequired: optional(authRequired),
  requiredScopes,
  rateLimit: optional(rateLimit),
  deprecated: Type.Boolean(),
  deprecationDate: optional(time('As it was given.')),
  sunsetDate: optional(time('Until when it is meant to answer.')),
  successor: optional(Type.String()),
  goneAfterSunset: Type.Boolean(),
  isActive: Type.Boolean(),
  createdAt: time('When it was made.'),
  updatedAt: time('When it was changed last.'),
});

export type CreateEndpoint = Static<typeof CreateEndpoint>;
export type UpdateEndpoint = Static<typeof UpdateEndpoint>;
export type ListEndpoints = Static<typeof ListEndpoints>;
export type Endpoint = Static<typeof Endpoint>;
