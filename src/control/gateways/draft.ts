// Making and changing gateways and endpoints. All of it is draft: nothing here is live before a deploy.
// Every function runs in the caller's transaction, which has counted the configuration version already.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { isUniqueViolation } from '../../db/failure.ts';
import { newId } from '../../lib/id.ts';
import { Problem } from '../../lib/problem.ts';
import type { SecretOwner } from '../../lib/sealed-text.ts';
import { toEndpointColumns, toEndpointFields, type EndpointTerms } from './endpoint-columns.ts';
import type { CreateEndpoint, UpdateEndpoint } from './endpoint-schema.ts';
import {
  countEndpoints,
  findEndpoint,
  insertEndpoint,
  updateEndpoint,
  type EndpointPlace,
  type EndpointRow,
} from './endpoint-store.ts';
import { toGatewayColumns, toGatewayFields, type GatewayTerms } from './gateway-columns.ts';
import type { CreateGateway, UpdateGateway } from './schema.ts';
import { withSealedSecrets } from './service-secrets.ts';
import { findGateway, insertGateway, updateGateway, type GatewayRow } from './store.ts';

export const MAX_ENDPOINTS = 2_000;

/** Who does it, and when. */
export interface Author extends TenantScope {
  /** An operator, a key, or the program itself. */
  readonly by: string;
  readonly nowMs: number;
  /** Seals the secrets that gateways show to services. */
  readonly secretsKey: Uint8Array;
}

export async function createGateway(trx: Kysely<Database>, author: Author, body: CreateGateway): Promise<GatewayRow> {
  const id = newId('gw', author.nowMs);
  const now = new Date(author.nowMs);
  const row = {
    id,
    tenant_id: author.tenantId,
    ...toGatewayColumns(withSealedSecrets(body, ownerOf(author, id))),
    status_since: null,
    created_at: now,
    updated_at: now,
  };
  await namingGateway(insertGateway(trx, row), body.name);
  return existing(await findGateway(trx, author, id));
}

/** What is not given stays as it is; null clears. */
export async function changeGateway(
  trx: Kysely<Database>,
  author: Author,
  id: string,
  body: UpdateGateway,
): Promise<GatewayRow> {
  const before = existing(await findGateway(trx, author, id));
  const sealed = withSealedSecrets(body, ownerOf(author, id));
  return replaceGateway(trx, author, before, { ...toGatewayFields(before), ...sealed });
}

/** Whose secrets those of a gateway are. */
export function ownerOf({ secretsKey, tenantId }: Author, gatewayId: string): SecretOwner {
  return { key: secretsKey, tenantId, gatewayId };
}

/** What is not given has its default from here on. Secrets are sealed before. */
export async function replaceGateway(
  trx: Kysely<Database>,
  author: Author,
  before: GatewayRow,
  body: GatewayTerms,
): Promise<GatewayRow> {
  const columns = toGatewayColumns(body);
  const now = new Date(author.nowMs);
  const change = {
    ...columns,
    ...(columns.status !== before.status && { status_since: now }),
    updated_at: now,
  };
  await namingGateway(updateGateway(trx, author, before.id, change), body.name);
  return existing(await findGateway(trx, author, before.id));
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
  return namingEndpoint(insertEndpoint(trx, toNewEndpoint(author, gatewayId, body)));
}

/** The row of an endpoint that is made. */
export function toNewEndpoint(author: Author, gatewayId: string, body: CreateEndpoint) {
  const now = new Date(author.nowMs);
  const columns = toEndpointColumns(body);
  return {
    id: newId('ep', author.nowMs),
    tenant_id: author.tenantId,
    gateway_id: gatewayId,
    ...columns,
    deprecated_since: columns.deprecated ? now : null,
    created_at: now,
    updated_at: now,
  };
}

/** Undefined when there is no such endpoint. What is not given stays as it is; null clears. */
export async function changeEndpoint(
  trx: Kysely<Database>,
  author: Author,
  place: EndpointPlace,
  body: UpdateEndpoint,
): Promise<EndpointRow | undefined> {
  const before = await findEndpoint(trx, author, place);
  if (before === undefined) return undefined;
  return replaceEndpoint(trx, author, before, { ...toEndpointFields(before), ...withOneUpstream(body) });
}

/** What is not given has its default from here on. */
export async function replaceEndpoint(
  trx: Kysely<Database>,
  author: Author,
  before: EndpointRow,
  body: EndpointTerms,
): Promise<EndpointRow | undefined> {
  const columns = toEndpointColumns(body);
  const now = new Date(author.nowMs);
  const deprecatedSince = columns.deprecated ? (before.deprecated_since ?? now) : null;
  const change = { ...columns, deprecated_since: deprecatedSince, updated_at: now };
  return namingEndpoint(updateEndpoint(trx, author, { gatewayId: before.gateway_id, id: before.id }, change));
}

/** Of service and upstreamUrl, the one that is given replaces the other. */
function withOneUpstream(body: UpdateEndpoint): UpdateEndpoint {
  if (typeof body.service === 'string') return { ...body, upstreamUrl: null };
  return typeof body.upstreamUrl === 'string' ? { ...body, service: null } : body;
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

export async function namingEndpoint<Row>(work: Promise<Row>): Promise<Row> {
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
