// Making and changing gateways and endpoints. All of it is draft: nothing here is live before a deploy.
// Every function runs in the caller's transaction, which has counted the configuration version already.

import type { Kysely } from 'kysely';
import { toJson } from '../../db/columns.ts';
import type { Database, SecuritySettings } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { isUniqueViolation } from '../../db/failure.ts';
import { newId } from '../../lib/id.ts';
import { Problem } from '../../lib/problem.ts';
import {
  countEndpoints,
  insertEndpoint,
  updateEndpoint,
  type EndpointPlace,
  type EndpointRow,
} from './endpoint-store.ts';
import { normalizePath, toRoutePrefix } from './rules.ts';
import type { CreateEndpoint, CreateGateway, UpdateEndpoint, UpdateGateway } from './schema.ts';
import { findGateway, insertGateway, updateGateway, type GatewayRow } from './store.ts';

const MAX_ENDPOINTS = 2_000;
const DEFAULT_TIMEOUT_SECONDS = 30;

/** Who does it, and when. */
export interface Author extends TenantScope {
  /** An operator, a key, or the program itself. */
  readonly by: string;
  readonly nowMs: number;
}

export async function createGateway(trx: Kysely<Database>, author: Author, body: CreateGateway): Promise<GatewayRow> {
  const id = newId('gw', author.nowMs);
  const now = new Date(author.nowMs);
  const row = {
    id,
    tenant_id: author.tenantId,
    name: body.name,
    description: body.description ?? null,
    base_url: body.baseUrl ?? null,
    version: body.version ?? 'v1',
    route_prefix: toRoutePrefix(body.routePrefix, body.name),
    upstream_services: toJson(body.upstreamServices ?? []),
    load_balancing_strategy: body.loadBalancingStrategy ?? 'round_robin',
    security_settings: toJson(toSecuritySettings(body.securitySettings)),
    timeout_seconds: body.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    status: body.status ?? 'active',
    created_at: now,
    updated_at: now,
  };
  await namingGateway(insertGateway(trx, row), body.name);
  return existing(await findGateway(trx, author, id));
}

export async function changeGateway(
  trx: Kysely<Database>,
  author: Author,
  id: string,
  body: UpdateGateway,
): Promise<GatewayRow> {
  const before = existing(await findGateway(trx, author, id));
  const change = {
    ...(body.name !== undefined && { name: body.name }),
    ...(body.description !== undefined && { description: body.description }),
    ...(body.baseUrl !== undefined && { base_url: body.baseUrl }),
    ...(body.version !== undefined && { version: body.version }),
    ...(body.routePrefix !== undefined && { route_prefix: toRoutePrefix(body.routePrefix, before.name) }),
    ...(body.upstreamServices !== undefined && { upstream_services: toJson(body.upstreamServices) }),
    ...(body.loadBalancingStrategy !== undefined && { load_balancing_strategy: body.loadBalancingStrategy }),
    ...(body.securitySettings !== undefined && {
      security_settings: toJson(toSecuritySettings(body.securitySettings)),
    }),
    ...(body.timeoutSeconds !== undefined && { timeout_seconds: body.timeoutSeconds }),
    ...(body.status !== undefined && { status: body.status }),
    updated_at: new Date(author.nowMs),
  };
  await namingGateway(updateGateway(trx, author, id, change), body.name ?? before.name);
  return existing(await findGateway(trx, author, id));
}

export async function createEndpoint(
  trx: Kysely<Database>,
  author: Author,
  gatewayId: string,
  body: CreateEndpoint,
): Promise<EndpointRow> {
  existing(await findGateway(trx, author, gatewayId));
  if ((await countEndpoints(trx, author, gatewayId)) >= MAX_ENDPOINTS) {
    throw new Problem('invalid_request', {
      errors: [{ path: 'body', message: `is one too many: a gateway has at most ${MAX_ENDPOINTS} endpoints` }],
    });
  }
  const now = new Date(author.nowMs);
  const row = {
    id: newId('ep', author.nowMs),
    tenant_id: author.tenantId,
    gateway_id: gatewayId,
    method: body.method,
    path: normalizePath(body.path),
    operation_id: body.operationId ?? null,
    summary: body.summary ?? null,
    description: body.description ?? null,
    tags: body.tags ?? [],
    service: body.service ?? null,
    upstream_url: body.upstreamUrl ?? null,
    timeout_seconds: body.timeoutSeconds ?? null,
    auth_required: body.authRequired ?? null,
    required_scopes: body.requiredScopes ?? [],
    rate_limit: body.rateLimit === undefined ? null : toJson(body.rateLimit),
    is_active: body.isActive ?? true,
    created_at: now,
    updated_at: now,
  };
  return namingEndpoint(insertEndpoint(trx, row));
}

/** Undefined when there is no such endpoint. */
export async function changeEndpoint(
  trx: Kysely<Database>,
  author: Author,
  place: EndpointPlace,
  body: UpdateEndpoint,
): Promise<EndpointRow | undefined> {
  const change = {
    ...(body.method !== undefined && { method: body.method }),
    ...(body.path !== undefined && { path: normalizePath(body.path) }),
    ...(body.operationId !== undefined && { operation_id: body.operationId }),
    ...(body.summary !== undefined && { summary: body.summary }),
    ...(body.description !== undefined && { description: body.description }),
    ...(body.tags !== undefined && { tags: body.tags }),
    ...toUpstream(body),
    ...(body.timeoutSeconds !== undefined && { timeout_seconds: body.timeoutSeconds }),
    ...(body.authRequired !== undefined && { auth_required: body.authRequired }),
    ...(body.requiredScopes !== undefined && { required_scopes: body.requiredScopes }),
    ...(body.rateLimit !== undefined && { rate_limit: body.rateLimit === null ? null : toJson(body.rateLimit) }),
    ...(body.isActive !== undefined && { is_active: body.isActive }),
    updated_at: new Date(author.nowMs),
  };
  return namingEndpoint(updateEndpoint(trx, author, place, change));
}

/** Of service and upstreamUrl, the one that is given replaces the other. */
function toUpstream({ service, upstreamUrl }: UpdateEndpoint) {
  if (typeof service === 'string') return { service, upstream_url: null };
  if (typeof upstreamUrl === 'string') return { service: null, upstream_url: upstreamUrl };
  return { ...(service === null && { service }), ...(upstreamUrl === null && { upstream_url: upstreamUrl }) };
}

function toSecuritySettings(given: CreateGateway['securitySettings']): SecuritySettings {
  return {
    authenticationRequired: given?.authenticationRequired ?? true,
    rateLimitingEnabled: given?.rateLimitingEnabled ?? true,
  };
}

async function namingGateway(work: Promise<void>, name: string): Promise<void> {
  try {
    await work;
  } catch (cause) {
    if (!isUniqueViolation(cause, 'gateways_name')) throw cause;
    throw new Problem('name_taken', {
      detail: `There is a gateway named "${name}" already: choose another name, or update that one.`,
      cause,
    });
  }
}

async function namingEndpoint<Row>(work: Promise<Row>): Promise<Row> {
  try {
    return await work;
  } catch (cause) {
    if (isUniqueViolation(cause, 'endpoints_route')) throw new Problem('endpoint_exists', { cause });
    if (!isUniqueViolation(cause, 'endpoints_operation')) throw cause;
    throw new Problem('name_taken', { detail: 'The gateway has an endpoint with this operationId already.', cause });
  }
}

function existing(row: GatewayRow | undefined): GatewayRow {
  if (row === undefined) throw new Problem('not_found', { detail: 'There is no gateway with this id.' });
  return row;
}
