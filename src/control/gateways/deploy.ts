// Puts a gateway's draft on the air: checked as a whole, kept as a revision.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Policy } from '../../gateway/policy.ts';
import { checkSnapshot, type GatewayConfig } from '../../gateway/snapshot.ts';
import { newId } from '../../lib/id.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import type { Author } from './draft.ts';
import { toCallersTerms } from './deploy-faults.ts';
import { toChanges } from './deploy-changes.ts';
import { allEndpoints } from './endpoint-store.ts';
import { findRevision, insertRevision, otherLiveConfigs } from './revision-store.ts';
import type { Deployment } from './schema.ts';
import { updateGateway, type GatewayRow } from './store.ts';
import { toDraft } from './to-config.ts';

/** What a configuration is held against. */
export interface Surroundings {
  readonly policies: readonly Policy[];
  readonly management: GatewayConfig;
}

/** Within the caller's transaction, which has counted the configuration version. Throws `undeployable` with every fault. */
export async function deployGateway(
  trx: Kysely<Database>,
  author: Author,
  gateway: GatewayRow,
  surroundings: Surroundings,
): Promise<Deployment> {
  const draft = toDraft(gateway, await allEndpoints(trx, author, gateway.id));
  const found = await checkBesideOthers(trx, draft.config, surroundings);
  refuse([...draft.faults, ...found.map((fault) => toCallersTerms(fault, draft))]);

  const before =
    gateway.deployed_revision_id === null ? undefined : await findRevision(trx, author, gateway.deployed_revision_id);
  const deployedAt = new Date(author.nowMs);
  const revisionId = newId('rev', author.nowMs);
  const revision = await insertRevision(trx, author, {
    id: revisionId,
    gatewayId: gateway.id,
    config: draft.config,
    createdBy: author.by,
    createdAt: deployedAt,
  });
  await updateGateway(trx, author, gateway.id, { deployed_revision_id: revisionId });
  const changes = toChanges(before, draft.config);
  return { gatewayId: gateway.id, revision, revisionId, deployedAt: deployedAt.toISOString(), changes };
}

/** Throws when what a gateway had on the air before cannot go back there now. */
export async function checkReturn(
  trx: Kysely<Database>,
  author: Author,
  gateway: GatewayRow,
  surroundings: Surroundings,
): Promise<void> {
  if (gateway.deployed_revision_id === null) return;
  const config = await findRevision(trx, author, gateway.deployed_revision_id);
  refuse(await checkBesideOthers(trx, config, surroundings));
}

/** Faults with paths below the candidate; whatever the others have wrong is not its fault, but stands in its way as well. */
async function checkBesideOthers(
  trx: Kysely<Database>,
  candidate: GatewayConfig,
  { policies, management }: Surroundings,
): Promise<Fault[]> {
  const gateways = [management];
  for (const config of await otherLiveConfigs(trx, candidate.id ?? '')) {
    // What other tenants call their gateways is their affair.
    gateways.push(config.tenantId === candidate.tenantId ? config : { ...config, name: '(of another tenant)' });
  }
  gateways.push(candidate);
  const own = `gateways[${gateways.length - 1}].`;
  return checkSnapshot({ version: 0, gateways }, policies).map(({ path, message }) =>
    path.startsWith(own)
      ? { path: path.slice(own.length), message }
      : { path, message: `another gateway stands in the way: ${message}` },
  );
}

function refuse(errors: readonly Fault[]): void {
  if (errors.length > 0) throw new Problem('undeployable', { errors });
}
