// What a key is at a given moment. Time alone makes a key expired, and a rotated one revoked: nothing has to run for it.

import type { ExpressionBuilder } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { Problem } from '../../lib/problem.ts';
import type { KeyStatus } from './schema.ts';
import type { KeyRow } from './store.ts';

type Times = Pick<KeyRow, 'revoked_at' | 'deprecated_at' | 'expires_at'>;

export function statusOf(row: Times, nowMs: number): KeyStatus {
  const isOver = row.expires_at !== null && row.expires_at.getTime() <= nowMs;
  if (row.revoked_at !== null) return 'revoked';
  if (row.deprecated_at !== null) return isOver ? 'revoked' : 'deprecated';
  return isOver ? 'expired' : 'active';
}

/** When it was revoked: by somebody, or by the end of its grace. */
export function revokedAtOf(row: Times, nowMs: number): Date | undefined {
  if (row.revoked_at !== null) return row.revoked_at;
  return statusOf(row, nowMs) === 'revoked' ? (row.expires_at ?? undefined) : undefined;
}

/** The same as `statusOf`, as a condition. */
export function hasStatus(eb: ExpressionBuilder<Database, 'keys'>, status: KeyStatus, now: Date) {
  const isLive = eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]);
  const standing = [eb('revoked_at', 'is', null), eb('deprecated_at', 'is', null)];
  switch (status) {
    case 'active':
      return eb.and([...standing, isLive]);
    case 'expired':
      return eb.and([...standing, eb('expires_at', '<=', now)]);
    case 'deprecated':
      return eb.and([eb('revoked_at', 'is', null), eb('deprecated_at', 'is not', null), isLive]);
    case 'revoked':
      return eb.or([
        eb('revoked_at', 'is not', null),
        eb.and([eb('deprecated_at', 'is not', null), eb('expires_at', '<=', now)]),
      ]);
  }
}

/** What only a working key admits. Refuses with the code of what the key is in its place. */
export function checkNotOver(row: Times, nowMs: number): void {
  const status = statusOf(row, nowMs);
  if (status === 'revoked') throw new Problem('key_is_revoked');
  if (status === 'expired') throw new Problem('key_is_expired');
}
