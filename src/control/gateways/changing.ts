// The frame of every change of gateways.

import type { Kysely, Transaction } from 'kysely';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import type { AuthorizedContext } from '../operation.ts';
import type { Author } from './draft.ts';
import { findGateway, type GatewayRow } from './store.ts';

export const MAY_READ = ['admin:gateways:read', 'gateways:read'];
export const MAY_CREATE = ['admin:gateways:create', 'gateways:create'];
export const MAY_UPDATE = ['admin:gateways:update', 'gateways:update'];
export const MAY_DELETE = ['admin:gateways:delete', 'gateways:delete'];

/**
 * One transaction; the version first, which lets changes of gateways happen one after the other only. `undo` ends it without a trace and
 * answers: what is only to be known is known by doing it.
 */
export async function changing<Result>(
  context: AuthorizedContext,
  work: (trx: Transaction<Database>, undo: (result: Result) => never) => Promise<Result>,
): Promise<Result> {
  const undone = new Error('undone on purpose');
  let known: { readonly result: Result } | undefined;
  const undo = (result: Result): never => {
    known = { result };
    throw undone;
  };
  try {
    return await inTenant(context.services.db, context.principal, async (trx) => {
      await bumpVersion(trx);
      return work(trx, undo);
    });
  } catch (cause) {
    if (cause === undone && known !== undefined) return known.result;
    throw cause;
  }
}

export function authorOf({ principal, nowMs, services: { secretsKey } }: AuthorizedContext): Author {
  return { tenantId: principal.tenantId, by: principal.operatorId ?? principal.keyId, nowMs, secretsKey };
}

/** Throws when there is none of this tenant. */
export async function existingGateway(db: Kysely<Database>, scope: TenantScope, id: string): Promise<GatewayRow> {
  const row = await findGateway(db, scope, id);
  if (row === undefined) throw new Problem('not_found', { detail: 'There is no gateway with this id.' });
  return row;
}
