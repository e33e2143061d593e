// A gateway as an OpenAPI 3.1 document, for those who call it. Pure.

import type { GatewayDocument } from './declaration-schema.ts';
import { fillEndpoint, type EndpointFields } from './endpoint-columns.ts';
import { fillGateway, type GatewayFields } from './gateway-columns.ts';

type Json = Record<string, unknown>;

/** Of what is published: endpoints that are not active are left out. */
export function toOpenApiDocument({ endpoints = [], ...declared }: GatewayDocument): Json {
  const gateway = fillGateway(declared);
  const active = endpoints.map(fillEndpoint).filter(({ isActive }) => isActive);
  const tags = [...new Set(active.flatMap((endpoint) => endpoint.tags))].toSorted();
  return {
    openapi: '3.1.0',
    info: {
      title: gateway.name,
      version: gateway.version,
      ...(gateway.description !== undefined && { description: gateway.description }),
    },
    servers: [{ url: toServerUrl(gateway) }],
    ...(tags.length > 0 && { tags: tags.map((name) => ({ name })) }),
    paths: toPaths(gateway, active),
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      responses: {
        Problem: {
          description: 'A refusal of the gateway, or an error of the service.',
          content: { 'application/problem+json': { schema: { type: 'object' } } },
        },
      },
    },
  };
}

function toServerUrl({ baseUrl, routePrefix, version, versioning }: GatewayFields): string {
  const prefix = routePrefix === '/' ? '' : routePrefix;
  const path = versioning?.by === 'path' ? `${prefix}/${version}` : prefix;
  return `${baseUrl?.replace(/\/+$/, '') ?? ''}${path}` || '/';
}

function toPaths(gateway: GatewayFields, endpoints: readonly EndpointFields[]): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = endpoint.path.replace(/\/\*$/, '/{rest}');
    const item = paths[path] ?? (path === endpoint.path ? {} : { 'x-tollgate-path': endpoint.path });
    item[endpoint.method.toLowerCase()] = toOperation(gateway, endpoint, path);
    paths[path] = item;
  }
  return paths;
}

function toOperation(gateway: GatewayFields, endpoint: EndpointFields, path: string): Json {
  const { operationId, summary, description, tags, deprecated, sunsetDate, requiredScopes } = endpoint;
  const needsKey = endpoint.authRequired ?? gateway.securitySettings.authenticationRequired;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return {
    ...(operationId !== undefined && { operationId }),
    ...(summary !== undefined && { summary }),
    ...(description !== undefined && { description }),
    ...(tags.length > 0 && { tags }),
    ...(deprecated && { deprecated }),
    ...(sunsetDate !== undefined && { 'x-sunset': sunsetDate.slice(0, 10) }),
    ...(names.length > 0 && { parameters: names.map(toParameter) }),
    security: needsKey ? [{ apiKey: requiredScopes }, { bearer: requiredScopes }] : [],
    responses: {
      '2XX': { description: summary ?? 'What the service answers.' },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function toParameter(name: string): Json {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}
