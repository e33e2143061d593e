// Makes gateways what a declaration says, all or nothing: drafts and what is live.

import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Fault } from '../../lib/problem.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import type { AuthorizedContext } from '../operation.ts';
import { checkPermission } from '../permissions.ts';
import { authorOf, changing, MAY_CREATE, MAY_DELETE } from './changing.ts';
import type { AppliedDeclaration, ApplyDeclaration, GatewayDocument, Step } from './declaration-schema.ts';
import { checkBesideOthers } from './deploy-check.ts';
import { toDeclarationsTerms } from './deploy-faults.ts';
import { keepRevision, refuse } from './deploy.ts';
import { routeOf, toDocument } from './document.ts';
import { allEndpoints, type EndpointRow } from './endpoint-store.ts';
import { normalizePath } from './rules.ts';
import { declareEndpoints, declareGateway } from './replace-draft.ts';
import { findRevisionByNumber } from './revision-store.ts';
import { allGateways, deleteGateway, findGatewayByName, type GatewayRow } from './store.ts';
import { toRowsDraft, type Draft } from './to-config.ts';
import { recordDeployment, recordGateway } from './trail.ts';

/** Throws `undeployable` with every fault, `plan_changed`, or for want of a permission that the plan needs. */
export async function applyDeclaration(
  context: AuthorizedContext,
  body: ApplyDeclaration,
): Promise<AppliedDeclaration> {
  return changing(context, (trx, undo) => apply({ trx, undo }, context, body));
}

interface Doing {
  readonly trx: Transaction<Database>;
  readonly undo: (plan: AppliedDeclaration) => never;
}

/** One gateway of the declaration, its draft as it is declared. */
interface Declared {
  readonly gateway: GatewayRow;
  readonly endpoints: readonly EndpointRow[];
  readonly steps: readonly Step[];
  readonly draft: Draft;
}

async function apply(
  { trx, undo }: Doing,
  context: AuthorizedContext,
  { gateways: documents, prune = false, dryRun = false, expectedPlan }: ApplyDeclaration,
): Promise<AppliedDeclaration> {
  const declared: Declared[] = [];
  for (const [i, document] of documents.entries()) declared.push(await declare(trx, context, { document, prune, i }));
  const pruned = prune ? await pruneGateways(trx, context, documents) : [];
  refuse(await findFaults(trx, context, declared));

  const changed: Declared[] = [];
  for (const one of declared) if (await differsFromLive(trx, context, one)) changed.push(one);
  const plan = [
    ...declared.flatMap(({ steps }) => steps),
    ...pruned.map(({ name }): Step => ({ action: 'delete', gateway: name })),
    ...changed.map(({ gateway }): Step => ({ action: 'deploy', gateway: gateway.name })),
  ];
  const planId = toPlanId(plan);
  const isQuiet = plan.every(({ action }) => action === 'keep');
  if (dryRun || isQuiet) return undo({ planId, plan, isApplied: !dryRun, deployments: [] });
  if (expectedPlan !== undefined && expectedPlan !== planId) throw new Problem('plan_changed');

  const author = authorOf(context);
  const deployed = [];
  for (const { gateway, endpoints, draft } of changed) {
    const content = { config: draft.config, document: toDocument(gateway, endpoints) };
    deployed.push({ gateway, deployment: await keepRevision(trx, author, gateway, content) });
  }
  for (const one of declared) await recordDeclared(trx, context, one);
  for (const before of pruned) await recordGateway(trx, context, 'delete', { before });
  for (const { gateway, deployment } of deployed) await recordDeployment(trx, context, gateway, deployment);
  return { planId, plan, isApplied: true, deployments: deployed.map(({ deployment }) => deployment) };
}

async function declare(
  trx: Kysely<Database>,
  context: AuthorizedContext,
  { document, prune, i }: { readonly document: GatewayDocument; readonly prune: boolean; readonly i: number },
): Promise<Declared> {
  const author = authorOf(context);
  const present = await findGatewayByName(trx, author, document.name);
  if (present === undefined) checkPermission(MAY_CREATE, context.principal);
  const { gateway, steps } = await declareGateway(trx, author, present, document);
  const more = await declareEndpoints(trx, author, gateway, { endpoints: document.endpoints, prune });
  const endpoints = await allEndpoints(trx, author, gateway.id);
  const places = new Map(
    document.endpoints?.map(({ method, path }, j) => [routeOf({ method, path: normalizePath(path) }), `[${j}]`]),
  );
  const placeOf = (endpoint: EndpointRow): string => {
    const route = routeOf(endpoint);
    return `gateways[${i}].endpoints${places.get(route) ?? `["${route}"]`}`;
  };
  return { gateway, endpoints, steps: [...steps, ...more], draft: toRowsDraft(gateway, endpoints, placeOf) };
}

async function pruneGateways(
  trx: Kysely<Database>,
  context: AuthorizedContext,
  documents: readonly GatewayDocument[],
): Promise<GatewayRow[]> {
  const names = new Set(documents.map(({ name }) => name.toLowerCase()));
  const all = await allGateways(trx, context.principal);
  const rest = all.filter(({ name }) => !names.has(name.toLowerCase()));
  if (rest.length > 0) checkPermission(MAY_DELETE, context.principal);
  for (const { id } of rest) await deleteGateway(trx, context.principal, id);
  return rest;
}

/** In terms of the declaration. */
async function findFaults(
  trx: Kysely<Database>,
  { services }: AuthorizedContext,
  declared: readonly Declared[],
): Promise<Fault[]> {
  if (declared.length === 0) return [];
  const found = await checkBesideOthers(
    trx,
    declared.map(({ draft }) => draft.config),
    services,
  );
  return declared.flatMap(({ draft }, i) => toDeclarationsTerms(found[i] ?? [], draft, i));
}

async function differsFromLive(
  trx: Kysely<Database>,
  context: AuthorizedContext,
  { gateway, endpoints, draft }: Declared,
): Promise<boolean> {
  if (gateway.deployed_number === null) return true;
  const live = await findRevisionByNumber(trx, context.principal, gateway.id, gateway.deployed_number);
  const meant = { config: draft.config, document: toDocument(gateway, endpoints) };
  // Through JSON, as what is stored went.
  return !isDeepStrictEqual(JSON.parse(JSON.stringify(meant)), { config: live?.config, document: live?.document });
}

async function recordDeclared(
  trx: Transaction<Database>,
  context: AuthorizedContext,
  { gateway, steps }: Declared,
): Promise<void> {
  const of = (wanted: Step['action']): string[] =>
    steps.flatMap(({ action, endpoint }) => (action === wanted && endpoint !== undefined ? [endpoint] : []));
  const own = steps.find(({ action, endpoint }) => endpoint === undefined && action !== 'deploy');
  const details = { created: of('create'), updated: of('update'), deleted: of('delete') };
  if (own === undefined && Object.values(details).every((routes) => routes.length === 0)) return;
  await recordAudit(trx, context, {
    action: 'gateway.apply',
    resourceType: 'gateway',
    resourceId: gateway.id,
    details: { name: gateway.name, fields: own?.fields?.map(({ path }) => path) ?? [], endpoints: details },
  });
}

function toPlanId(plan: readonly Step[]): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('base64url');
}
