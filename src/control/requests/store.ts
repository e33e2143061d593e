// The request log in the database.

import { sql, type ExpressionBuilder, type Kysely, type Selectable } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { timeOfId } from '../../lib/id.ts';
import { readPage, toLikePattern, type PageOf, type SortColumn } from '../page-query.ts';
import type { Paging, Sort } from '../paging.ts';
import type { Period } from '../period.ts';
import type { StatusRange } from './rules.ts';

export type RequestRow = Selectable<Database['request_logs']>;

export interface RequestFilter extends Period {
  readonly statuses: readonly StatusRange[] | undefined;
  readonly method: string | undefined;
  /** With a star at the end: all that begin so. */
  readonly path: string | undefined;
  readonly keyId: string | undefined;
  readonly gatewayId: string | undefined;
  readonly endpointId: string | undefined;
  readonly rateLimited: boolean | undefined;
  readonly authFailed: boolean | undefined;
  readonly minDurationMs: number | undefined;
  readonly search: string | undefined;
}

export interface RequestListing {
  readonly filter: RequestFilter;
  readonly sort: Sort;
  readonly paging: Paging;
}

/** The last moment that a Date can tell. */
const MAX_TIME_MS = 8.64e15;
const NEWEST: SortColumn = { value: sql`started_at`, type: 'timestamptz', id: sql`request_id` };

/** By the primary key: the id tells when the request began, so that no index has to be kept for ids alone. */
export async function findRequest(
  db: Kysely<Database>,
  scope: TenantScope,
  id: string,
): Promise<RequestRow | undefined> {
  const startedAtMs = timeOfId('req', id);
  if (startedAtMs === undefined || startedAtMs > MAX_TIME_MS) return undefined;
  return db
    .selectFrom('request_logs')
    .selectAll()
    .where((eb) => isSeen(eb, scope))
    .where('started_at', '=', new Date(startedAtMs))
    .where('request_id', '=', id)
    .executeTakeFirst();
}

export async function listRequests(
  db: Kysely<Database>,
  scope: TenantScope,
  listing: RequestListing,
): Promise<PageOf<RequestRow>> {
  const matching = db
    .selectFrom('request_logs')
    .selectAll()
    .where((eb) => matches(eb, scope, listing.filter));
  return readPage(db, matching, { column: NEWEST, sort: listing.sort, paging: listing.paging });
}

/** The key of a client sees the calls of its client's keys only. */
function isSeen(eb: ExpressionBuilder<Database, 'request_logs'>, { tenantId, clientId }: TenantScope) {
  const isOfTenant = eb('request_logs.tenant_id', '=', tenantId);
  if (clientId === undefined) return isOfTenant;
  const own = eb
    .selectFrom('keys')
    .select('keys.id')
    .where('keys.tenant_id', '=', tenantId)
    .where('keys.client_id', '=', clientId);
  return eb.and([isOfTenant, eb('request_logs.key_id', 'in', own)]);
}

function matches(eb: ExpressionBuilder<Database, 'request_logs'>, scope: TenantScope, filter: RequestFilter) {
  const all = [isSeen(eb, scope)];
  if (filter.from !== undefined) all.push(eb('started_at', '>=', filter.from));
  if (filter.to !== undefined) all.push(eb('started_at', '<', filter.to));
  if (filter.statuses !== undefined) {
    all.push(
      eb.or(
        filter.statuses.map(({ from, to }) => (from === to ? eb('status', '=', from) : eb.between('status', from, to))),
      ),
    );
  }
  if (filter.method !== undefined) all.push(eb('method', '=', filter.method));
  if (filter.path !== undefined) all.push(matchesPath(eb, filter.path));
  if (filter.keyId !== undefined) all.push(eb('key_id', '=', filter.keyId));
  if (filter.gatewayId !== undefined) all.push(eb('gateway_id', '=', filter.gatewayId));
  if (filter.endpointId !== undefined) all.push(eb('endpoint_id', '=', filter.endpointId));
  if (filter.rateLimited !== undefined) all.push(eb('rate_limited', '=', filter.rateLimited));
  if (filter.authFailed !== undefined) all.push(eb('auth_failed', '=', filter.authFailed));
  if (filter.minDurationMs !== undefined) all.push(eb('duration_ms', '>=', filter.minDurationMs));
  if (filter.search !== undefined) all.push(mentions(eb, toLikePattern(filter.search)));
  return eb.and(all);
}

function matchesPath(eb: ExpressionBuilder<Database, 'request_logs'>, path: string) {
  return path.endsWith('*')
    ? eb(eb.fn<boolean>('starts_with', ['path', eb.val(path.slice(0, -1))]), '=', true)
    : eb('path', '=', path);
}

function mentions(eb: ExpressionBuilder<Database, 'request_logs'>, pattern: string) {
  const columns = ['request_id', 'path', 'query', 'user_agent', 'client_ip', 'error_code'] as const;
  return eb.or(columns.map((column) => eb(column, 'ilike', pattern)));
}
