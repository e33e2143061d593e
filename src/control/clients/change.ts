// Changing a client: one transaction for the change, its audit entry, its events and the configuration version, after which no thread
// remembers any of its keys. Other nodes learn of it from the version.

import type { Transaction } from 'kysely';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import { emitEvent } from '../events/emit.ts';
import type { AuthorizedContext } from '../operation.ts';
import { checkManages } from '../permissions.ts';
import { allTiers, findTier } from '../rate-limits/store.ts';
import { toClient } from './present.ts';
import { endpointIds, unknownEndpointFaults } from './rules.ts';
import {
  deleteClient,
  findClient,
  findUnknownEndpoints,
  insertClient,
  loadPublicIds,
  releaseKeys,
  updateClient,
  type ClientChange,
  type ClientRow,
  type NewClientRow,
} from './store.ts';

/** Beyond so many keys of one client, the threads forget all they know. */
const MAX_FORGOTTEN = 10_000;

type Trx = Transaction<Database>;

/** What the tier is called in a request. */
export type TierField = 'rateLimitTier' | 'subscriptionTier';

/** What is done to a client. */
export interface Step {
  /** `client.approve` */
  readonly action: string;
  /** `client.approved` */
  readonly events: readonly string[];
  readonly change: ClientChange;
  /** As what whoever changes it knows it; the client, unless told. */
  readonly known?: object;
}

export async function makeClient(
  context: AuthorizedContext,
  row: NewClientRow,
  { action, events }: Pick<Step, 'action' | 'events'>,
): Promise<ClientRow> {
  const { services, principal } = context;
  checkManages(principal, 'clients');
  return inTenant(services.db, principal, async (trx) => {
    await bumpVersion(trx, []);
    await checkReferences(trx, context, row, 'rateLimitTier');
    const made = await insertClient(trx, row);
    await tell(trx, context, { action, events, after: made });
    return made;
  });
}

/** `decide` sees the client as it is, and says what becomes of it; nothing when that is so already. */
export async function changeClient(
  context: AuthorizedContext,
  id: string,
  decide: (before: ClientRow) => Step | undefined,
  tierField: TierField = 'rateLimitTier',
): Promise<ClientRow> {
  const { services, principal, precondition, nowMs } = context;
  checkManages(principal, 'clients');
  const { row, publicIds } = await inTenant(services.db, principal, async (trx) => {
    // Counted first: two changes of a client at once happen one after the other.
    await bumpVersion(trx);
    const before = existing(await findClient(trx, principal, id));
    const step = decide(before);
    await checkReferences(trx, context, step?.change ?? {}, tierField);
    precondition.check(step?.known ?? toClient(before, nowMs));
    if (step === undefined) return { row: before, publicIds: [] };
    const after = await updateClient(trx, principal, id, { ...step.change, updated_at: new Date(nowMs) });
    await tell(trx, context, { ...step, before, after });
    return { row: after, publicIds: await loadPublicIds(trx, after, MAX_FORGOTTEN) };
  });
  await services.dataPlane.forgetCredentials(publicIds);
  return row;
}

/** Its keys are revoked and stay in the list of keys; answers with how many. */
export async function removeClient(context: AuthorizedContext, id: string): Promise<number> {
  const { services, principal, nowMs } = context;
  checkManages(principal, 'clients');
  const now = new Date(nowMs);
  const { revoked, publicIds } = await inTenant(services.db, principal, async (trx) => {
    await bumpVersion(trx);
    const before = existing(await findClient(trx, principal, id));
    context.precondition.check(toClient(before, nowMs));
    const known = await loadPublicIds(trx, before, MAX_FORGOTTEN);
    const keyIds = await releaseKeys(trx, before, now);
    await deleteClient(trx, principal, id);
    const details = { revokedKeys: keyIds };
    await tell(trx, context, { action: 'client.delete', events: ['client.deleted'], before, details });
    for (const keyId of keyIds) {
      await emitEvent(trx, principal, { type: 'key.revoked', data: { keyId, clientId: id } }, now);
    }
    return { revoked: keyIds.length, publicIds: known };
  });
  await services.dataPlane.forgetCredentials(publicIds);
  return revoked;
}

export function existing(row: ClientRow | undefined): ClientRow {
  if (row === undefined) throw new Problem('not_found', { detail: 'There is no client with this id.' });
  return row;
}

/** What a client names has to be there; every fault at once. */
async function checkReferences(
  trx: Trx,
  { principal }: AuthorizedContext,
  change: Pick<ClientChange, 'allowed_endpoints' | 'rate_limit_tier'>,
  tierField: TierField,
): Promise<void> {
  const listed = change.allowed_endpoints ?? [];
  const unknown = await findUnknownEndpoints(trx, principal, endpointIds(listed));
  const errors = unknownEndpointFaults(listed, unknown);
  const tier = change.rate_limit_tier ?? undefined;
  if (tier !== undefined && (await findTier(trx, tier)) === undefined) {
    const names = (await allTiers(trx)).map(({ name }) => name).join(', ');
    errors.push({ path: `body.${tierField}`, message: `there is no such tier; there are ${names}` });
  }
  if (errors.length > 0) throw new Problem('invalid_request', { errors });
}

interface Telling extends Pick<Step, 'action' | 'events'> {
  readonly before?: ClientRow;
  readonly after?: ClientRow;
  readonly details?: Readonly<Record<string, unknown>>;
}

async function tell(trx: Trx, context: AuthorizedContext, telling: Telling): Promise<void> {
  const { principal, nowMs } = context;
  const { action, events, before, after, details } = telling;
  const row = after ?? before;
  if (row === undefined) throw new Error('nothing to tell of');
  await recordAudit(trx, context, {
    action,
    resourceType: 'api_client',
    resourceId: row.id,
    details: { name: row.name, ...details },
    before: before && toClient(before, nowMs),
    after: after && toClient(after, nowMs),
  });
  const data = { clientId: row.id, name: row.name, status: toClient(row, nowMs).status };
  for (const type of events) await emitEvent(trx, principal, { type, data }, new Date(nowMs));
}
