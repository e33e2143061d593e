// Whether a password is an operator's. Each attempt is counted as a failure before it is looked at, and the count is taken back when it was
// right: so a thousand attempts at once are no more guesses than a thousand one after the other.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { afterFailure, isLocked, NO_FAILURES } from './lockout.ts';
import { isPassword } from './password-hash.ts';
import { lockPassword, saveFailures } from './password-store.ts';

export interface Attempt {
  readonly operatorId: string;
  readonly password: string;
  readonly nowMs: number;
}

export type Verdict =
  | { readonly outcome: 'right' | 'wrong' }
  /** Not even looked at. */
  | { readonly outcome: 'locked'; readonly untilMs: number };

/** An operator who is unknown, or has no password, takes as long as a wrong password. */
export async function verifyPassword(
  db: Kysely<Database>,
  scope: TenantScope,
  { operatorId, password, nowMs }: Attempt,
): Promise<Verdict> {
  const kept = await inTenant(db, scope, async (trx) => {
    const found = await lockPassword(trx, scope, operatorId);
    if (found === undefined || isLocked(found.failures, nowMs)) return found;
    await saveFailures(trx, scope, operatorId, { ...found, failures: afterFailure(found.failures, nowMs) });
    return found;
  });
  const lockedUntilMs = kept?.failures.lockedUntilMs;
  if (lockedUntilMs !== undefined && nowMs < lockedUntilMs) return { outcome: 'locked', untilMs: lockedUntilMs };
  if (!(await isPassword(password, kept?.hash)) || kept === undefined) return { outcome: 'wrong' };
  await inTenant(db, scope, (trx) => saveFailures(trx, scope, operatorId, { ...kept, failures: NO_FAILURES }));
  return { outcome: 'right' };
}
