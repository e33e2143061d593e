// What a gateway was, is and would be: revisions, what differs between two, and the way back to one.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import type { GatewayConfig } from '../../gateway/snapshot.ts';
import { findChanges } from '../../lib/difference.ts';
import { Problem } from '../../lib/problem.ts';
import type { GatewayDocument } from './declaration-schema.ts';
import { checkBesideOthers, type Surroundings } from './deploy-check.ts';
import { toChanges } from './deploy-changes.ts';
import { keepRevision, refuse } from './deploy.ts';
import { findDocumentChanges, toDocument } from './document.ts';
import { parseDocument } from './document-parse.ts';
import type { Author } from './draft.ts';
import { allEndpoints } from './endpoint-store.ts';
import { replaceDraft } from './replace-draft.ts';
import type { Deployment, Difference, Revision, RevisionEntry, Rollback } from './revision-schema.ts';
import { findRevisionByNumber, parseConfig, type RevisionLine, type RevisionRow } from './revision-store.ts';
import type { GatewayRow } from './store.ts';
import { toRowsDraft } from './to-config.ts';

/** `live`, `draft` or the number of a revision. */
export type Side = string;

export async function compareSides(
  trx: Kysely<Database>,
  scope: TenantScope,
  gateway: GatewayRow,
  sides: { readonly from: Side; readonly to: Side },
): Promise<Difference> {
  const from = await loadSide(trx, scope, gateway, sides.from);
  const to = await loadSide(trx, scope, gateway, sides.to);
  const hasDocuments = [from, to].every(({ config, document }) => config === undefined || document !== undefined);
  return {
    from: from.name,
    to: to.name,
    routes: toChanges(from.config, to.config),
    // Revisions from before there were documents can be told apart by what was made of them only.
    fields: hasDocuments
      ? findDocumentChanges(from.document, to.document)
      : findChanges(from.config ?? {}, to.config ?? {}),
  };
}

/** Brings a revision back as a new one. Throws `undeployable` when what it was cannot go on the air now. */
export async function rollBack(
  trx: Kysely<Database>,
  author: Author,
  gateway: GatewayRow,
  { wish, surroundings }: { readonly wish: Rollback; readonly surroundings: Surroundings },
): Promise<Deployment> {
  const number = wish.revision ?? (gateway.deployed_number ?? 0) - 1;
  if (number < 1) {
    throw new Problem('not_found', { detail: 'There is no revision before the one that is live.' });
  }
  const row = await existingRevision(trx, author, gateway, number);
  const config = parseConfig(row.config);
  const [faults = []] = await checkBesideOthers(trx, [config], surroundings);
  refuse(faults);
  const document = parseDocument(row.document);
  if (wish.restoreDraft === true) {
    if (document === undefined) {
      const message = 'the revision is from before drafts were kept with it; leave this out';
      throw new Problem('invalid_request', { errors: [{ path: 'body.restoreDraft', message }] });
    }
    await replaceDraft(trx, author, gateway, document);
  }
  return keepRevision(trx, author, gateway, { config, document, restored: number });
}

export async function existingRevision(
  trx: Kysely<Database>,
  scope: TenantScope,
  gateway: GatewayRow,
  number: number,
): Promise<RevisionRow> {
  const row = await findRevisionByNumber(trx, scope, gateway.id, number);
  if (row !== undefined) return row;
  throw new Problem('not_found', { detail: `The gateway has no revision ${number}.` });
}

export function toRevisionEntry({ changes, ...row }: RevisionLine, gateway: GatewayRow): RevisionEntry {
  return {
    ...toRevisionFields(row, gateway),
    ...(changes !== null && {
      changes: { added: changes.added.length, removed: changes.removed.length, changed: changes.changed.length },
    }),
  };
}

export function toRevision({ changes, document, ...row }: RevisionRow, gateway: GatewayRow): Revision {
  return {
    ...toRevisionFields(row, gateway),
    ...(changes !== null && { changes }),
    ...(document !== null && { document }),
  };
}

function toRevisionFields(row: Omit<RevisionLine, 'changes'>, gateway: GatewayRow) {
  return {
    id: row.id,
    revision: row.number,
    isLive: row.id === gateway.deployed_revision_id,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    ...(row.restored !== null && { restored: row.restored }),
  };
}

interface Content {
  readonly name: string;
  /** Undefined: nothing was ever deployed. */
  readonly config: GatewayConfig | undefined;
  readonly document: GatewayDocument | undefined;
}

async function loadSide(trx: Kysely<Database>, scope: TenantScope, gateway: GatewayRow, side: Side): Promise<Content> {
  if (side === 'draft') {
    const endpoints = await allEndpoints(trx, scope, gateway.id);
    return { name: 'draft', config: toRowsDraft(gateway, endpoints).config, document: toDocument(gateway, endpoints) };
  }
  const number = side === 'live' ? gateway.deployed_number : Number(side);
  if (number === null) return { name: 'live', config: undefined, document: undefined };
  const row = await existingRevision(trx, scope, gateway, number);
  return { name: String(number), config: parseConfig(row.config), document: parseDocument(row.document) };
}
