// A gateway with its endpoints as a declaration writes it, and what differs between two. Pure.

import { isDeepStrictEqual } from 'node:util';
import { findChanges } from '../../lib/difference.ts';
import type { GatewayDocument } from './declaration-schema.ts';
import { fillEndpoint, toEndpointFields, type EndpointFields } from './endpoint-columns.ts';
import type { EndpointRow } from './endpoint-store.ts';
import { fillGateway, toGatewayFields, type GatewayFields } from './gateway-columns.ts';
import type { FieldChange } from './revision-schema.ts';
import type { GatewayRow } from './store.ts';

/** Of a draft: the status, which is not deployed, beside it. */
export function toDeclaration(gateway: GatewayRow, endpoints: readonly EndpointRow[]): GatewayDocument {
  const { status } = gateway;
  return { ...toDocument(gateway, endpoints), ...(status !== 'active' && { status }) };
}

/** What is deployed of a draft. What goes without saying is left out; endpoints stand in the order of their paths. */
export function toDocument(gateway: GatewayRow, endpoints: readonly EndpointRow[]): GatewayDocument {
  const { name, routePrefix, status: _status, ...rest } = toGatewayFields(gateway);
  return {
    name,
    routePrefix,
    ...withoutDefaults(rest, fillGateway({ name })),
    endpoints: endpoints.map((row) => toEndpointDocument(toEndpointFields(row))).toSorted(byRoute),
  };
}

/** Paths such as `timeoutSeconds` and `endpoints["GET /users/{id}"].summary`; an undefined document has nothing. */
export function findDocumentChanges(
  before: GatewayDocument | undefined,
  after: GatewayDocument | undefined,
): FieldChange[] {
  return findChanges(toComparable(before), toComparable(after));
}

/** `GET /users/{id}`: what tells an endpoint from the others of its gateway. */
export function routeOf({ method, path }: { readonly method: string; readonly path: string }): string {
  return `${method} ${path}`;
}

function toEndpointDocument({ method, path, ...rest }: EndpointFields) {
  return { method, path, ...withoutDefaults(rest, fillEndpoint({ method, path })) };
}

function withoutDefaults<Fields extends object>(fields: Fields, defaults: object): Partial<Fields> {
  const told: Partial<Fields> = { ...fields };
  for (const name of Object.keys(fields)) {
    if (isDeepStrictEqual(Reflect.get(fields, name), Reflect.get(defaults, name))) Reflect.deleteProperty(told, name);
  }
  return told;
}

/** Full, and with names in place of places, so that an endpoint that moved in its list has not changed. */
function toComparable(document: GatewayDocument | undefined): object {
  if (document === undefined) return {};
  const { endpoints = [], status: _status, ...gateway } = document;
  return { ...toComparableGateway(fillGateway(gateway)), endpoints: byName(endpoints.map(fillEndpoint), routeOf) };
}

export function toComparableGateway(fields: GatewayFields): object {
  return { ...fields, upstreamServices: byName(fields.upstreamServices, ({ name }) => name) };
}

function byName<Item>(items: readonly Item[], nameOf: (item: Item) => string): Record<string, Item> {
  return Object.fromEntries(items.map((item) => [nameOf(item), item]));
}

function byRoute(a: { path: string; method: string }, b: { path: string; method: string }): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.method < b.method ? -1 : 1;
}
