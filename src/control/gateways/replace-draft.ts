// Makes a gateway's draft what a document says: the smallest changes that lead there.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { findChanges } from '../../lib/difference.ts';
import { Problem } from '../../lib/problem.ts';
import type { GatewayDocument, Step } from './declaration-schema.ts';
import { routeOf, toComparableGateway } from './document.ts';
import {
  createGateway,
  MAX_ENDPOINTS,
  namingEndpoint,
  ownerOf,
  replaceEndpoint,
  replaceGateway,
  toNewEndpoint,
  type Author,
} from './draft.ts';
import { fillEndpoint, toEndpointFields } from './endpoint-columns.ts';
import type { CreateEndpoint } from './endpoint-schema.ts';
import {
  allEndpoints,
  clearOperationIds,
  deleteEndpoints,
  insertEndpoints,
  type EndpointRow,
} from './endpoint-store.ts';
import { fillGateway, toGatewayFields } from './gateway-columns.ts';
import { withSealedSecrets } from './service-secrets.ts';
import type { GatewayRow } from './store.ts';

export interface ReplacedDraft {
  readonly gateway: GatewayRow;
  readonly steps: readonly Step[];
}

/** The gateway itself; made when there is none. A status that is not declared stays as it is: it belongs to those who operate. */
export async function declareGateway(
  trx: Kysely<Database>,
  author: Author,
  present: GatewayRow | undefined,
  { endpoints: _endpoints, ...declared }: GatewayDocument,
): Promise<ReplacedDraft> {
  if (present === undefined) {
    const gateway = await createGateway(trx, author, declared);
    return { gateway, steps: [{ action: 'create', gateway: gateway.name }] };
  }
  const terms = withSealedSecrets({ status: present.status, ...declared }, ownerOf(author, present.id));
  const fields = findChanges(toComparableGateway(toGatewayFields(present)), toComparableGateway(fillGateway(terms)));
  if (fields.length === 0) return { gateway: present, steps: [] };
  const gateway = await replaceGateway(trx, author, present, terms);
  return { gateway, steps: [{ action: 'update', gateway: gateway.name, fields }] };
}

/** Its endpoints. Those that are not declared are deleted when `prune` says so; else they stay, and the steps tell. */
export async function declareEndpoints(
  trx: Kysely<Database>,
  author: Author,
  gateway: GatewayRow,
  { endpoints = [], prune }: { readonly endpoints: readonly CreateEndpoint[] | undefined; readonly prune: boolean },
): Promise<Step[]> {
  const undeclared = new Map((await allEndpoints(trx, author, gateway.id)).map((row) => [routeOf(row), row]));
  const made: CreateEndpoint[] = [];
  const changed: { readonly row: EndpointRow; readonly terms: CreateEndpoint; readonly step: Step }[] = [];
  for (const terms of endpoints) {
    const fields = fillEndpoint(terms);
    const row = undeclared.get(routeOf(fields));
    undeclared.delete(routeOf(fields));
    if (row === undefined) made.push(terms);
    else {
      const changes = findChanges(toEndpointFields(row), fields);
      const step: Step = { action: 'update', gateway: gateway.name, endpoint: routeOf(row), fields: changes };
      if (changes.length > 0) changed.push({ row, terms, step });
    }
  }
  const rest = [...undeclared.values()];
  const total = endpoints.length + (prune ? 0 : rest.length);
  if (total > MAX_ENDPOINTS) {
    const message = `of gateway ${gateway.name} would be ${total}: a gateway has at most ${MAX_ENDPOINTS}`;
    throw new Problem('invalid_request', { errors: [{ path: 'body.gateways', message }] });
  }
  if (prune) await deleteEndpoints(trx, author, rest);
  // Names may change hands: all are given back before any is taken.
  await clearOperationIds(
    trx,
    author,
    changed.map(({ row }) => row),
  );
  for (const { row, terms } of changed) await replaceEndpoint(trx, author, row, terms);
  await namingEndpoint(
    insertEndpoints(
      trx,
      made.map((terms) => toNewEndpoint(author, gateway.id, terms)),
    ),
  );
  const toStep = (action: Step['action'], endpoint: string): Step => ({ action, gateway: gateway.name, endpoint });
  return [
    ...made.map((terms) => toStep('create', routeOf(fillEndpoint(terms)))),
    ...changed.map(({ step }) => step),
    ...rest.map((row) => toStep(prune ? 'delete' : 'keep', routeOf(row))),
  ];
}

/** Both, and nothing of what was there before is left. */
export async function replaceDraft(
  trx: Kysely<Database>,
  author: Author,
  present: GatewayRow,
  document: GatewayDocument,
): Promise<void> {
  const { gateway } = await declareGateway(trx, author, present, document);
  await declareEndpoints(trx, author, gateway, { endpoints: document.endpoints, prune: true });
}
