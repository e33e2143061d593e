// Tiers in the database, which are of no tenant: everybody reads them, and the platform alone writes them. What tenants say of limits; and of
// which quotas people were told.

import { sql, type Insertable, type Kysely, type Selectable } from 'kysely';
import { toJson } from '../../db/columns.ts';
import type { Database, RateLimit } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import type { TenantLimits } from '../rate-limit.ts';

type NewNotice = Insertable<Database['quota_notices']>;

export type TierRow = Selectable<Database['rate_limit_tiers']>;

/** All there are: never many. The least comes first. */
export async function allTiers(db: Kysely<Database>): Promise<TierRow[]> {
  return db
    .selectFrom('rate_limit_tiers')
    .selectAll()
    .orderBy(sql`coalesce((limits ->> 'requestsPerMinute')::int, 2147483647)`)
    .orderBy('name')
    .execute();
}

export async function findTier(db: Kysely<Database>, name: string): Promise<TierRow | undefined> {
  return db.selectFrom('rate_limit_tiers').selectAll().where('name', '=', name).executeTakeFirst();
}

/** Makes it, or puts the limits in the place of those that it has. */
export async function saveTier(trx: Kysely<Database>, name: string, limits: RateLimit, now: Date): Promise<TierRow> {
  return trx
    .insertInto('rate_limit_tiers')
    .values({ name, limits: toJson(limits), created_at: now, updated_at: now })
    .onConflict((on) => on.column('name').doUpdateSet({ limits: toJson(limits), updated_at: now }))
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function deleteTier(trx: Kysely<Database>, name: string): Promise<void> {
  await trx.deleteFrom('rate_limit_tiers').where('name', '=', name).execute();
}

export interface TierUse {
  readonly total: number;
  /** The first of them. */
  readonly clients: readonly { readonly id: string; readonly tenant_id: string; readonly name: string }[];
}

/** The clients of all tenants that have the tier. */
export async function findTierUse(trx: Kysely<Database>, name: string, limit: number): Promise<TierUse> {
  const using = trx.selectFrom('clients').where('rate_limit_tier', '=', name);
  const { total } = await using.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const clients = await using.select(['id', 'tenant_id', 'name']).orderBy('id').limit(limit).execute();
  return { total, clients };
}

/** What a tenant says of the limits in it. */
export async function loadTenantLimits(
  db: Kysely<Database>,
  { tenantId }: TenantScope,
): Promise<TenantLimits | undefined> {
  return db
    .selectFrom('tenants')
    .select(['rate_limits as tenant_limits', 'rate_multiplier', 'time_zone'])
    .where('id', '=', tenantId)
    .executeTakeFirst();
}

/** False when it stands there already, whoever wrote it. */
export async function insertQuotaNotice(trx: Kysely<Database>, row: NewNotice): Promise<boolean> {
  const inserted = await trx
    .insertInto('quota_notices')
    .values(row)
    .onConflict((on) => on.doNothing())
    .returning('level')
    .executeTakeFirst();
  return inserted !== undefined;
}

/** A clock that is set back a little asks for the month before. */
const KEEP_MS = 86_400_000;

/** Of all tenants. Answers how many there were, at most `maxRows`. */
export async function deletePastNotices(trx: Kysely<Database>, now: Date, maxRows: number): Promise<number> {
  const before = new Date(now.getTime() - KEEP_MS);
  const { numAffectedRows = 0n } = await sql`
    delete from quota_notices where ctid = any(array(
      select ctid from quota_notices where resets_at < ${before} order by resets_at limit ${maxRows}
    ))`.execute(trx);
  return Number(numAffectedRows);
}
