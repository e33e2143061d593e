// The keys of operators: made for them, and taken from them when they go. An operator's key may do what the role permits, and no more than
// the key itself says. Whoever calls these announces what they did, last in the transaction.

import type { Transaction } from 'kysely';
import type { Database, RateLimit } from '../db/schema.ts';
import { issueKey, type IssuedKey } from './issue-key.ts';
import type { KeyChanged } from './keys/announce.ts';
import { findOperatorKeys, updateKey } from './keys/store.ts';
import type { AuthorizedContext } from './operation.ts';

/** Room for a console and scripts; the tier `enterprise` of the contract. */
export const OPERATOR_RATE_LIMIT: RateLimit = {
  requestsPerMinute: 600,
  requestsPerHour: 50_000,
  requestsPerDay: 500_000,
};

export interface OperatorKeyOrder {
  readonly operatorId: string;
  readonly name: string;
  /** The operator's e-mail address, by which the list of keys finds theirs. */
  readonly owner: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date | null;
}

export async function issueOperatorKey(
  trx: Transaction<Database>,
  context: AuthorizedContext,
  order: OperatorKeyOrder,
): Promise<IssuedKey> {
  const { services, principal, nowMs } = context;
  const { keyPrefix, hmacSecret } = services;
  return issueKey(
    trx,
    {
      ...order,
      tenantId: principal.tenantId,
      description: null,
      clientId: null,
      rateLimit: OPERATOR_RATE_LIMIT,
      rateLimitOverride: null,
      metadata: {},
      createdBy: principal.operatorId ?? principal.keyId,
    },
    { keyPrefix, hmacSecret, nowMs },
  );
}

export interface RevokedKeys {
  readonly revoked: readonly KeyChanged[];
  /** Of all keys of the operator, for whoever remembers them. */
  readonly publicIds: readonly string[];
}

export async function revokeOperatorKeys(
  trx: Transaction<Database>,
  { principal, nowMs }: AuthorizedContext,
  operatorId: string,
): Promise<RevokedKeys> {
  const now = new Date(nowMs);
  const keys = await findOperatorKeys(trx, principal, operatorId);
  const revoked: KeyChanged[] = [];
  for (const before of keys.filter((key) => key.revoked_at === null)) {
    const after = await updateKey(trx, principal, before.id, { revoked_at: now, updated_at: now });
    revoked.push({ action: 'revoke', before, after });
  }
  return { revoked, publicIds: keys.map((key) => key.public_id) };
}
