// The audit log in the database: appended to and read, nothing else.

import { sql, type ExpressionBuilder, type Kysely, type Selectable } from 'kysely';
import { toJson } from '../../db/columns.ts';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { readPage, type PageOf, type SortColumn } from '../page-query.ts';
import type { Paging, Sort } from '../paging.ts';
import type { Period } from '../period.ts';
import { CHAIN_START, hashEntry, type AuditEntry, type ChainEnd } from './entry.ts';

export type AuditRow = Selectable<Database['audit_logs']>;

export interface AuditFilter extends Period {
  /** With a star at the end: all that begin so. */
  readonly action: string | undefined;
  readonly actorId: string | undefined;
  readonly resourceType: string | undefined;
  readonly resourceId: string | undefined;
  readonly requestId: string | undefined;
}

export interface AuditListing {
  readonly filter: AuditFilter;
  readonly sort: Sort;
  readonly paging: Paging;
}

/** A stretch of the log in its own order. */
export interface AuditStretch {
  /** Only entries behind this one. */
  readonly after: number;
  readonly limit: number;
  readonly filter?: AuditFilter;
}

/**
 * Appends entries of one tenant, and holds the end of its chain until the transaction ends: other changes of the tenant wait there. So it comes
 * last in a transaction, behind every other lock; two that took them in different orders would wait for each other for ever.
 */
export async function appendEntries(
  trx: Kysely<Database>,
  scope: TenantScope,
  entries: readonly AuditEntry[],
  key: Uint8Array,
): Promise<void> {
  let end = await lockChainEnd(trx, scope);
  for (const entry of entries) end = await appendAt(trx, end, entry, hashEntry(entry, end, key));
}

/** One by one, since the wall around the end of the chain lets it move one step at a time. Answers with the new end. */
async function appendAt(trx: Kysely<Database>, end: ChainEnd, entry: AuditEntry, hash: Uint8Array): Promise<ChainEnd> {
  const sequence = end.count + 1;
  await trx
    .with('moved', (db) =>
      db.updateTable('audit_heads').set({ count: sequence, hash }).where('tenant_id', '=', entry.tenantId),
    )
    .insertInto('audit_logs')
    .values({
      tenant_id: entry.tenantId,
      sequence,
      id: entry.id,
      occurred_at: entry.occurredAt,
      action: entry.action,
      actor: toJson(entry.actor),
      actor_id: entry.actor.id,
      resource_type: entry.resourceType,
      resource_id: entry.resourceId,
      details: toJson(entry.details),
      changes: toJson(entry.changes),
      request_id: entry.requestId ?? null,
      client_ip: entry.clientIp ?? null,
      previous_hash: end.hash,
      hash,
    })
    .execute();
  return { count: sequence, hash };
}

async function lockChainEnd(trx: Kysely<Database>, { tenantId }: TenantScope): Promise<ChainEnd> {
  const lock = trx.selectFrom('audit_heads').select(['count', 'hash']).where('tenant_id', '=', tenantId).forUpdate();
  const end = await lock.executeTakeFirst();
  if (end !== undefined) return end;
  const start = { tenant_id: tenantId, ...CHAIN_START };
  await trx
    .insertInto('audit_heads')
    .values(start)
    .onConflict((on) => on.doNothing())
    .execute();
  return lock.executeTakeFirstOrThrow();
}

/** Who an operator is, as entries tell it. */
export async function findOperator(
  db: Kysely<Database>,
  scope: TenantScope,
  id: string,
): Promise<{ readonly name: string; readonly email: string; readonly role: string } | undefined> {
  return db
    .selectFrom('operators')
    .select(['name', 'email', 'role'])
    .where('tenant_id', '=', scope.tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function findChainEnd(db: Kysely<Database>, scope: TenantScope): Promise<ChainEnd | undefined> {
  return db
    .selectFrom('audit_heads')
    .select(['count', 'hash'])
    .where('tenant_id', '=', scope.tenantId)
    .executeTakeFirst();
}

export async function findEntry(db: Kysely<Database>, scope: TenantScope, id: string): Promise<AuditRow | undefined> {
  return selectEntries(db, scope).where('id', '=', id).executeTakeFirst();
}

/** In the order of the log, from its beginning. */
export async function readStretch(
  db: Kysely<Database>,
  scope: TenantScope,
  { after, limit, filter }: AuditStretch,
): Promise<AuditRow[]> {
  return selectEntries(db, scope)
    .where('sequence', '>', after)
    .$if(filter !== undefined, (query) => query.where((eb) => matches(eb, filter)))
    .orderBy('sequence')
    .limit(limit)
    .execute();
}

export async function listEntries(
  db: Kysely<Database>,
  scope: TenantScope,
  { filter, sort, paging }: AuditListing,
): Promise<PageOf<AuditRow>> {
  const matching = selectEntries(db, scope).where((eb) => matches(eb, filter));
  return readPage(db, matching, { column: TIME, sort, paging });
}

const TIME: SortColumn = { value: sql`occurred_at`, type: 'timestamptz', id: sql`sequence`, idType: 'int8' };

function selectEntries(db: Kysely<Database>, scope: TenantScope) {
  return db.selectFrom('audit_logs').selectAll().where('tenant_id', '=', scope.tenantId);
}

function matches(eb: ExpressionBuilder<Database, 'audit_logs'>, filter: AuditFilter | undefined) {
  const all = [];
  if (filter?.from !== undefined) all.push(eb('occurred_at', '>=', filter.from));
  if (filter?.to !== undefined) all.push(eb('occurred_at', '<', filter.to));
  if (filter?.action !== undefined) all.push(matchesAction(eb, filter.action));
  if (filter?.actorId !== undefined) all.push(eb('actor_id', '=', filter.actorId));
  if (filter?.resourceType !== undefined) all.push(eb('resource_type', '=', filter.resourceType));
  if (filter?.resourceId !== undefined) all.push(eb('resource_id', '=', filter.resourceId));
  if (filter?.requestId !== undefined) all.push(eb('request_id', '=', filter.requestId));
  return eb.and(all);
}

function matchesAction(eb: ExpressionBuilder<Database, 'audit_logs'>, action: string) {
  return action.endsWith('*')
    ? eb('action', 'like', `${action.slice(0, -1).replaceAll(/[\\%_]/g, '\\$&')}%`)
    : eb('action', '=', action);
}
