// Writes the audit entry of a change, in the transaction of the change.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { AuditActor } from '../../db/trail-schema.ts';
import { outsideTenant } from '../../db/tenant-transaction.ts';
import { newId } from '../../lib/id.ts';
import { markCarriedOut, type Claim } from '../idempotency/store.ts';
import type { AuthorizedContext } from '../operation.ts';
import { toFieldChanges, toKeptDetails } from './difference.ts';
import { appendEntries, findOperator } from './store.ts';

export interface Change {
  /** `key.create`, `client.update` … */
  readonly action: string;
  /** `api_key`, `api_client` … */
  readonly resourceType: string;
  readonly resourceId: string;
  /** What is worth knowing beside the difference; secrets are masked. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The resource as the API shows it, before and after; the entry keeps what differs. */
  readonly before?: object | undefined;
  readonly after?: object | undefined;
}

/** Of a call, what its entries tell. */
export interface AuditContext {
  readonly principal: Pick<AuthorizedContext['principal'], 'kind' | 'tenantId' | 'keyId' | 'operatorId' | 'name'>;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly nowMs: number;
  readonly services: { readonly auditKey: Uint8Array };
  /** Of a call with an Idempotency-Key: from here on it counts as carried out. */
  readonly claim?: Claim | undefined;
}

/** A part of the program that changes things by itself, such as an expiry. */
export interface ProgramContext {
  readonly tenantId: string;
  /** In kebab-case: `quick-start`. */
  readonly program: string;
  readonly nowMs: number;
  readonly services: { readonly auditKey: Uint8Array };
}

/** To be called last in the transaction, but for emitEvent: see appendEntries. */
export async function recordAudit(trx: Kysely<Database>, context: AuditContext, change: Change): Promise<void> {
  return recordAudits(trx, [{ context, change }]);
}

/** A change of a call, where there are several in one transaction. */
export interface ChangeOfCall {
  readonly context: AuditContext;
  readonly change: Change;
}

/** The same for changes of one tenant, maybe of several calls: the end of the chain is waited for once. */
export async function recordAudits(trx: Kysely<Database>, changes: readonly ChangeOfCall[]): Promise<void> {
  const [first] = changes;
  if (first === undefined) return;
  const actors = new Map<string, AuditActor>();
  const entries = [];
  for (const { context, change } of changes) {
    const { principal, nowMs, requestId, clientAddress: clientIp } = context;
    const actor = actors.get(principal.keyId) ?? (await describeActor(trx, principal));
    actors.set(principal.keyId, actor);
    entries.push(toEntry({ tenantId: principal.tenantId, nowMs, actor, requestId, clientIp }, change));
  }
  await appendEntries(trx, first.context.principal, entries, first.context.services.auditKey);
  for (const { context, change } of changes) {
    const { claim, principal } = context;
    if (claim !== undefined) await markClaim(trx, { claim, principal }, change.resourceId);
  }
}

/** The claim is kept in the tenant from which the call came, which is another one where the call acts in another by its body. */
async function markClaim(
  trx: Kysely<Database>,
  { claim, principal }: { readonly claim: Claim; readonly principal: AuditContext['principal'] },
  resourceId: string,
): Promise<void> {
  if (claim.call.tenantId === principal.tenantId) return markCarriedOut(trx, claim, resourceId);
  return outsideTenant(trx, (all) => markCarriedOut(all, claim, resourceId));
}

/** The same for what nobody called for. */
export async function recordProgramAudit(
  trx: Kysely<Database>,
  { tenantId, program, nowMs, services }: ProgramContext,
  change: Change,
): Promise<void> {
  const actor: AuditActor = { type: 'system', id: program, name: 'Tollgate' };
  const call = { tenantId, nowMs, actor, requestId: undefined, clientIp: undefined };
  await appendEntries(trx, { tenantId }, [toEntry(call, change)], services.auditKey);
}

interface Call {
  readonly tenantId: string;
  readonly nowMs: number;
  readonly actor: AuditActor;
  readonly requestId: string | undefined;
  readonly clientIp: string | undefined;
}

function toEntry({ nowMs, ...call }: Call, change: Change) {
  return {
    ...call,
    id: newId('aud', nowMs),
    occurredAt: new Date(nowMs),
    action: change.action,
    resourceType: change.resourceType,
    resourceId: change.resourceId,
    details: toKeptDetails(change.details ?? {}),
    changes: toFieldChanges(change.before, change.after),
  };
}

async function describeActor(trx: Kysely<Database>, principal: AuditContext['principal']): Promise<AuditActor> {
  const { operatorId, keyId, name } = principal;
  if (operatorId === undefined) return { type: 'key', id: keyId, name };
  const operator = await findOperator(trx, principal, operatorId);
  return { type: 'operator', id: operatorId, name, ...operator, keyId };
}
