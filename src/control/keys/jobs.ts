// What time does to keys. None of it is needed for a key to stop working: that shows by itself. This tells of it.

import { sql, type Expression, type ExpressionBuilder, type SqlBool, type Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Job } from '../../jobs/schedule.ts';
import { recordProgramAudit } from '../audit/record.ts';
import { emitEvent } from '../events/emit.ts';
import { toEventData } from './announce.ts';
import { inDays } from './rules.ts';
import type { KeyRow } from './store.ts';

const INTERVAL_MS = 30_000;
/** Keys in one run. */
const MAX_KEYS = 200;

export interface KeyJobOptions {
  /** How long before its end a key is told of. */
  readonly noticeDays: number;
  /** Proves the audit log. */
  readonly auditKey: Uint8Array;
}

export function keyJobs({ noticeDays, auditKey }: KeyJobOptions): Job[] {
  return [
    {
      name: 'end-of-grace',
      intervalMs: INTERVAL_MS,
      async run(trx, now) {
        const rows = await revokeSuperseded(trx, now);
        for (const row of rows) await recordEnd(trx, row, { auditKey, nowMs: now.getTime() });
        return tell(trx, 'key.revoked', rows, now);
      },
    },
    {
      name: 'expiring-keys',
      intervalMs: INTERVAL_MS,
      run: async (trx, now) => tell(trx, 'key.expiring', await noticeExpiring(trx, now, noticeDays), now),
    },
  ];
}

/** Nobody called for it: the entry names the job. */
async function recordEnd(
  trx: Transaction<Database>,
  row: KeyRow,
  { auditKey, nowMs }: { readonly auditKey: Uint8Array; readonly nowMs: number },
): Promise<void> {
  const context = { tenantId: row.tenant_id, program: 'end-of-grace', nowMs, services: { auditKey } };
  await recordProgramAudit(trx, context, {
    action: 'key.revoke',
    resourceType: 'api_key',
    resourceId: row.id,
    details: { name: row.name, owner: row.owner ?? undefined, replacedBy: row.replaced_by },
    before: { status: 'deprecated' },
    after: { status: 'revoked', revokedAt: row.revoked_at?.toISOString() },
  });
}

async function tell(
  trx: Transaction<Database>,
  type: 'key.revoked' | 'key.expiring',
  rows: readonly KeyRow[],
  now: Date,
): Promise<'done' | 'more'> {
  for (const row of rows) await emitEvent(trx, { tenantId: row.tenant_id }, { type, data: toEventData(row) }, now);
  return rows.length < MAX_KEYS ? 'done' : 'more';
}

/** Rotated keys whose grace is over: revoked, as of the moment in which it was. */
async function revokeSuperseded(trx: Transaction<Database>, now: Date): Promise<KeyRow[]> {
  const ids = await lockDue(trx, (eb) => eb.and([eb('expires_at', '<=', now), eb('deprecated_at', 'is not', null)]));
  return trx
    .updateTable('keys')
    .set({ revoked_at: sql<Date>`expires_at` })
    .where('id', '=', anyOf(ids))
    .returningAll()
    .execute();
}

/** Once for each end that a key is given. Of a rotated key, everybody knows. */
async function noticeExpiring(trx: Transaction<Database>, now: Date, noticeDays: number): Promise<KeyRow[]> {
  const ids = await lockDue(trx, (eb) =>
    eb.and([
      eb('expires_at', '>', now),
      eb('expires_at', '<=', inDays(now.getTime(), noticeDays)),
      eb('deprecated_at', 'is', null),
      eb('expiring_noticed_at', 'is', null),
    ]),
  );
  return trx
    .updateTable('keys')
    .set({ expiring_noticed_at: now })
    .where('id', '=', anyOf(ids))
    .returningAll()
    .execute();
}

/** Those that somebody else is changing come next time: a job waits for nobody, and nobody waits for it in a circle. */
async function lockDue(
  trx: Transaction<Database>,
  isDue: (eb: ExpressionBuilder<Database, 'keys'>) => Expression<SqlBool>,
): Promise<string[]> {
  const rows = await trx
    .selectFrom('keys')
    .select('id')
    .where('revoked_at', 'is', null)
    .where(isDue)
    .orderBy('expires_at')
    .limit(MAX_KEYS)
    .forUpdate()
    .skipLocked()
    .execute();
  return rows.map((row) => row.id);
}

function anyOf(ids: readonly string[]) {
  return sql<string>`any(${ids}::text[])`;
}
