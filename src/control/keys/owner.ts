// The client that a key belongs to, and what of it binds the key when it is made or changed.

import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { clientRefusal } from '../../lib/client-status.ts';
import type { Principal } from '../../gateway/ports.ts';
import { Problem } from '../../lib/problem.ts';
import { hasScope, normalizeScope } from '../../lib/scope.ts';
import { findClient, type ClientRow } from '../clients/store.ts';
import type { AuthorizedContext } from '../operation.ts';
import type { CreateKey } from './schema.ts';
import type { KeyRow } from './store.ts';

export interface KeyWish extends CreateKey {
  readonly rateLimitOverride?: number;
}

/** Whose key it shall be: what the key of a client makes is that client's too. */
export function ownerId(principal: Principal, wish: Pick<KeyWish, 'clientId'>): string | undefined {
  return wish.clientId ?? principal.clientId;
}

/** The client with this id, which may have such a key; the caller has counted the configuration version, so that it stays. */
export async function findOwner(
  trx: Transaction<Database>,
  { principal, nowMs }: AuthorizedContext,
  id: string,
  scopes: readonly string[],
): Promise<ClientRow> {
  const client = await findClient(trx, principal, id);
  if (client !== undefined) {
    checkOwner(client, scopes, nowMs);
    return client;
  }
  throw new Problem('invalid_request', {
    errors: [{ path: 'body.clientId', message: 'there is no client with this id' }],
  });
}

/** The key of a client can neither make nor change limits: its client's would hold no longer. */
export function checkOwnLimits(principal: Principal, wish: Pick<KeyWish, 'rateLimit' | 'rateLimitOverride'>): void {
  if (principal.clientId === undefined) return;
  if (wish.rateLimit === undefined && wish.rateLimitOverride === undefined) return;
  throw new Problem('insufficient_scope', { detail: 'The key of a client cannot give limits; leave them out.' });
}

/** New scopes of a key that is there already. */
export async function checkScopesOfOwner(
  trx: Transaction<Database>,
  key: KeyRow,
  scopes: readonly string[] = [],
): Promise<void> {
  if (key.client_id === null || scopes.length === 0) return;
  const client = await findClient(trx, { tenantId: key.tenant_id }, key.client_id);
  if (client !== undefined) checkScopes(scopes, client.allowed_scopes, key.scopes);
}

/** Keys may be made ahead for a client that is pending: of what it asked for, nothing works before it is approved. */
function checkOwner(client: ClientRow, scopes: readonly string[], nowMs: number): void {
  const refusal = clientRefusal({ status: client.status, expiresAtMs: client.expires_at?.getTime() }, nowMs);
  switch (refusal) {
    case undefined:
      return checkScopes(scopes, client.allowed_scopes);
    case 'client_pending':
      return checkScopes(scopes, [...client.allowed_scopes, ...client.requested_scopes]);
    case 'client_rejected':
    case 'client_suspended':
    case 'client_expired':
      throw new Problem('client_not_active', { detail: `The client is ${refusal.slice('client_'.length)}.` });
  }
}

/** Throws, naming each, for scopes that the client does not have; those that the key has already may stay. */
function checkScopes(scopes: readonly string[], allowed: readonly string[], present: readonly string[] = []): void {
  const granted = allowed.map(normalizeScope);
  const errors = scopes.flatMap((scope, i) =>
    present.includes(scope) || hasScope(granted, normalizeScope(scope))
      ? []
      : [{ path: `body.scopes[${i}]`, message: `${scope} is not among the scopes of the client` }],
  );
  if (errors.length > 0) throw new Problem('scope_not_grantable', { errors });
}
