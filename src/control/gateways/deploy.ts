// Puts gateways' drafts on the air: checked as a whole, kept as revisions.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { GatewayConfig } from '../../gateway/snapshot.ts';
import { newId } from '../../lib/id.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import { checkBesideOthers, type Surroundings } from './deploy-check.ts';
import { toChanges } from './deploy-changes.ts';
import { toDraftsTerms } from './deploy-faults.ts';
import type { GatewayDocument } from './declaration-schema.ts';
import { toDocument } from './document.ts';
import type { Author } from './draft.ts';
import { allEndpoints } from './endpoint-store.ts';
import type { Deployment } from './revision-schema.ts';
import { findRevision, insertRevision } from './revision-store.ts';
import { updateGateway, type GatewayRow } from './store.ts';
import { toRowsDraft } from './to-config.ts';

/** Within the caller's transaction, which has counted the configuration version. Throws `undeployable` with every fault. */
export async function deployGateway(
  trx: Kysely<Database>,
  author: Author,
  gateway: GatewayRow,
  surroundings: Surroundings,
): Promise<Deployment> {
  const endpoints = await allEndpoints(trx, author, gateway.id);
  const draft = toRowsDraft(gateway, endpoints);
  const [found = []] = await checkBesideOthers(trx, [draft.config], surroundings);
  refuse(toDraftsTerms(found, draft));
  return keepRevision(trx, author, gateway, { config: draft.config, document: toDocument(gateway, endpoints) });
}

/** What goes on the air, and what it was made of. */
export interface Content {
  readonly config: GatewayConfig;
  readonly document: GatewayDocument | undefined;
  /** The number of the revision that comes back with it. */
  readonly restored?: number;
}

/** For a configuration that was checked. */
export async function keepRevision(
  trx: Kysely<Database>,
  author: Author,
  gateway: GatewayRow,
  { config, document, restored }: Content,
): Promise<Deployment> {
  const live = gateway.deployed_revision_id;
  const before = live === null ? undefined : await findRevision(trx, author, live);
  const changes = toChanges(before, config);
  const revisionId = newId('rev', author.nowMs);
  const deployedAt = new Date(author.nowMs);
  const revision = await insertRevision(trx, author, {
    id: revisionId,
    gatewayId: gateway.id,
    config,
    document,
    changes,
    restored,
    createdBy: author.by,
    createdAt: deployedAt,
  });
  await updateGateway(trx, author, gateway.id, { deployed_revision_id: revisionId });
  return {
    gatewayId: gateway.id,
    revision,
    revisionId,
    deployedAt: deployedAt.toISOString(),
    ...(restored !== undefined && { restored }),
    changes,
  };
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
  const [faults = []] = await checkBesideOthers(trx, [config], surroundings);
  refuse(faults);
}

export function refuse(errors: readonly Fault[]): void {
  if (errors.length > 0) throw new Problem('undeployable', { errors: errors.slice(0, MAX_FAULTS) });
}

/** More are of no use to anybody. */
const MAX_FAULTS = 500;
