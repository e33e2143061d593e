// What is said of an endpoint: filled up with what holds where nothing is said, as columns, and back. The one place for each field. Pure.

import { toOptionalJson } from '../../db/columns.ts';
import type { CreateEndpoint, Endpoint, UpdateEndpoint } from './endpoint-schema.ts';
import type { EndpointChange, EndpointRow } from './endpoint-store.ts';
import { normalizePath } from './rules.ts';

/** Null says the same as nothing. */
export type EndpointTerms = Omit<UpdateEndpoint, 'method' | 'path'> & Pick<CreateEndpoint, 'method' | 'path'>;

/** All of it said, as far as it is not the gateway's to say. */
export type EndpointFields = Omit<Endpoint, 'id' | 'gatewayId' | 'createdAt' | 'updatedAt'>;

export function fillEndpoint(terms: EndpointTerms): EndpointFields {
  const { operationId, summary, description, service, upstreamUrl, timeoutSeconds, authRequired, rateLimit } = terms;
  const { traffic, deprecationDate, sunsetDate, successor } = terms;
  return {
    method: terms.method,
    path: normalizePath(terms.path),
    ...(typeof operationId === 'string' && { operationId }),
    ...(typeof summary === 'string' && { summary }),
    ...(typeof description === 'string' && { description }),
    tags: terms.tags ?? [],
    ...(typeof service === 'string' && { service }),
    ...(typeof upstreamUrl === 'string' && { upstreamUrl }),
    ...(traffic !== undefined && traffic !== null && { traffic }),
    ...(typeof timeoutSeconds === 'number' && { timeoutSeconds }),
    ...(typeof authRequired === 'boolean' && { authRequired }),
    requiredScopes: terms.requiredScopes ?? [],
    ...(rateLimit !== undefined && rateLimit !== null && { rateLimit }),
    deprecated: terms.deprecated ?? false,
    ...(typeof deprecationDate === 'string' && { deprecationDate: toTime(deprecationDate) }),
    ...(typeof sunsetDate === 'string' && { sunsetDate: toTime(sunsetDate) }),
    ...(typeof successor === 'string' && { successor }),
    goneAfterSunset: terms.goneAfterSunset ?? false,
    isActive: terms.isActive ?? true,
  };
}

export function toEndpointColumns(terms: EndpointTerms) {
  const fields = fillEndpoint(terms);
  return {
    method: fields.method,
    path: fields.path,
    operation_id: fields.operationId ?? null,
    summary: fields.summary ?? null,
    description: fields.description ?? null,
    tags: fields.tags,
    service: fields.service ?? null,
    upstream_url: fields.upstreamUrl ?? null,
    traffic: toOptionalJson(fields.traffic),
    timeout_seconds: fields.timeoutSeconds ?? null,
    auth_required: fields.authRequired ?? null,
    required_scopes: fields.requiredScopes,
    rate_limit: toOptionalJson(fields.rateLimit),
    deprecated: fields.deprecated,
    deprecation_date: toDate(fields.deprecationDate),
    sunset_date: toDate(fields.sunsetDate),
    successor: fields.successor ?? null,
    gone_after_sunset: fields.goneAfterSunset,
    is_active: fields.isActive,
  } satisfies EndpointChange;
}

export function toEndpointFields(row: EndpointRow): EndpointFields {
  return fillEndpoint({
    method: row.method,
    path: row.path,
    operationId: row.operation_id,
    summary: row.summary,
    description: row.description,
    tags: row.tags,
    service: row.service,
    upstreamUrl: row.upstream_url,
    traffic: row.traffic,
    timeoutSeconds: row.timeout_seconds,
    authRequired: row.auth_required,
    requiredScopes: row.required_scopes,
    rateLimit: row.rate_limit,
    deprecated: row.deprecated,
    deprecationDate: row.deprecation_date?.toISOString() ?? null,
    sunsetDate: row.sunset_date?.toISOString() ?? null,
    successor: row.successor,
    goneAfterSunset: row.gone_after_sunset,
    isActive: row.is_active,
  });
}

/** One spelling for each moment. */
function toTime(text: string): string {
  return new Date(text).toISOString();
}

function toDate(text: string | undefined): Date | null {
  return text === undefined ? null : new Date(text);
}
