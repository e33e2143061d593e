// Purges tenants that were deleted long enough ago: all their rows, table by table, in bounded pieces, and at last themselves. Their audit
// log stays, since nothing is ever taken from it.

import { sql, type Transaction } from 'kysely';
import { DEFAULT_TENANT_ID, type Database } from '../../db/schema.ts';
import type { Job } from '../../jobs/schedule.ts';
import { recordProgramAudit } from '../audit/record.ts';
import { toTenant } from './present.ts';
import type { TenantRow } from './store.ts';

const INTERVAL_MS = 10 * 60_000;
const DAY_MS = 86_400_000;
/** In one transaction, so that no lock is held for long. */
const MAX_ROWS = 1_000;
/** Append-only: a trigger refuses to take anything from them. */
const KEPT: ReadonlySet<string> = new Set(['audit_heads', 'audit_logs']);

export interface TenantJobOptions {
  /** How long a deleted tenant's rows are kept. */
  readonly keepDays: number;
  /** Proves the audit log. */
  readonly auditKey: Uint8Array;
  readonly maxRows?: number;
}

export function tenantJobs({ keepDays, auditKey, maxRows = MAX_ROWS }: TenantJobOptions): Job[] {
  return [
    {
      name: 'deleted-tenants',
      intervalMs: INTERVAL_MS,
      async run(trx, now) {
        const tenant = await lockDue(trx, new Date(now.getTime() - keepDays * DAY_MS));
        if (tenant === undefined) return 'done';
        for (const table of await readTables(trx)) {
          if ((await deleteRows(trx, table, tenant.id, maxRows)) > 0) return 'more';
        }
        await trx.deleteFrom('tenants').where('id', '=', tenant.id).execute();
        const context = { tenantId: DEFAULT_TENANT_ID, program: 'deleted-tenants', nowMs: now.getTime() };
        await recordProgramAudit(
          trx,
          { ...context, services: { auditKey } },
          { action: 'tenant.purge', resourceType: 'tenant', resourceId: tenant.id, before: toTenant(tenant) },
        );
        return 'more';
      },
    },
  ];
}

/** One at a time; never the default tenant, which cannot be deleted either. */
async function lockDue(trx: Transaction<Database>, until: Date): Promise<TenantRow | undefined> {
  return trx
    .selectFrom('tenants')
    .selectAll()
    .where('deleted_at', '<=', until)
    .where('id', '<>', DEFAULT_TENANT_ID)
    .orderBy('deleted_at')
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
}

interface TableState {
  readonly name: string;
  /** Tables that refer to it. */
  readonly referrers: readonly string[];
}

/** Every table whose rows belong to tenants, as the database knows them, so that none is forgotten; whoever refers comes first. */
async function readTables(trx: Transaction<Database>): Promise<string[]> {
  const { rows } = await sql<TableState>`
    with owned as (
      select found.oid, found.relname::text as name from pg_class as found
      join pg_attribute on attrelid = found.oid and attname = 'tenant_id' and not attisdropped
      where found.relnamespace = current_schema()::regnamespace and found.relkind in ('r', 'p') and not found.relispartition
    )
    select name, array(
      select distinct referrer.name from pg_constraint join owned as referrer on referrer.oid = conrelid
      where contype = 'f' and confrelid = owned.oid and conrelid <> owned.oid
    ) as referrers
    from owned order by name`.execute(trx);
  const ordered: string[] = [];
  let left = rows.filter(({ name }) => !KEPT.has(name));
  while (left.length > 0) {
    const free = left.filter(({ referrers }) => referrers.every((name) => ordered.includes(name)));
    if (free.length === 0) throw new Error('the tables of tenants refer to each other in a circle');
    ordered.push(...free.map(({ name }) => name));
    left = left.filter(({ name }) => !ordered.includes(name));
  }
  return ordered;
}

/** The tenant stands in the statement twice: a row's place alone names rows of others, too, in the partitions of a table. */
async function deleteRows(
  trx: Transaction<Database>,
  table: string,
  tenantId: string,
  maxRows: number,
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from ${sql.table(table)} where tenant_id = ${tenantId} and (tableoid, ctid) in (
      select tableoid, ctid from ${sql.table(table)} where tenant_id = ${tenantId} limit ${maxRows}
    )`.execute(trx);
  return Number(numAffectedRows);
}
