// Brings what an OpenAPI document says into a draft: a new gateway, or endpoints of one that is there.

import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import type { AuthorizedContext } from '../operation.ts';
import { authorOf, changing, existingGateway } from './changing.ts';
import { declarationFaults } from './declaration-faults.ts';
import type { GatewayDocument, Step } from './declaration-schema.ts';
import { MAX_ENDPOINTS } from './draft.ts';
import type { Imported, ImportRequest, NotCarried } from './import-schema.ts';
import type { Json } from './openapi-document.ts';
import { convertOpenApi } from './openapi-import.ts';
import { declareEndpoints, declareGateway } from './replace-draft.ts';
import type { GatewayRow } from './store.ts';

export async function importOpenApi(
  context: AuthorizedContext,
  wishes: ImportRequest,
  document: Json,
): Promise<Imported> {
  const converted = convertOpenApi(document, wishes);
  const declaration = converted.gateway;
  const notCarried = [...converted.notCarried, ...(wishes.gatewayId === undefined ? [] : keptByGateway(declaration))];
  check(declaration);
  return changing<Imported>(context, async (trx, undo) => {
    const { gateway, steps } = await bringIn(trx, context, declaration, wishes.gatewayId);
    if (wishes.dryRun === true) return undo({ declaration, steps, notCarried });
    await recordAudit(trx, context, {
      action: 'gateway.import',
      resourceType: 'gateway',
      resourceId: gateway.id,
      details: { name: gateway.name, endpoints: steps.flatMap(({ endpoint }) => endpoint ?? []) },
    });
    return { gatewayId: gateway.id, declaration, steps, notCarried };
  });
}

async function bringIn(
  trx: Transaction<Database>,
  context: AuthorizedContext,
  declaration: GatewayDocument,
  gatewayId: string | undefined,
): Promise<{ gateway: GatewayRow; steps: Step[] }> {
  const author = authorOf(context);
  const made =
    gatewayId === undefined
      ? await declareGateway(trx, author, undefined, declaration)
      : { gateway: await existingGateway(trx, author, gatewayId), steps: [] };
  const wanted = { endpoints: declaration.endpoints, prune: false };
  const more = await declareEndpoints(trx, author, made.gateway, wanted);
  // What was there before is nobody's question here.
  return { gateway: made.gateway, steps: [...made.steps, ...more.filter(({ action }) => action !== 'keep')] };
}

/** A gateway that is there stays what it is: only endpoints come to it. */
function keptByGateway({ upstreamServices = [], description, version }: GatewayDocument): NotCarried[] {
  const why = 'the gateway keeps its own';
  return [
    ...(upstreamServices.length > 0 ? [{ what: 'servers', why, count: 1, places: ['servers'] }] : []),
    ...((description ?? version) === undefined
      ? []
      : [{ what: 'facts about the API', why, count: 1, places: ['info'] }]),
  ];
}

/** What the conversion cannot mend. */
function check(declaration: GatewayDocument): void {
  const count = declaration.endpoints?.length ?? 0;
  const errors = declarationFaults([declaration]).map(({ path, message }) => ({
    path: 'body.document',
    message: `becomes a gateway whose ${path.replace(/^gateways\[0\]\.?/, '')} ${message}`,
  }));
  if (count > MAX_ENDPOINTS) {
    const message = `has ${count} operations: a gateway has at most ${MAX_ENDPOINTS} endpoints`;
    errors.push({ path: 'body.document', message });
  }
  if (errors.length > 0) throw new Problem('invalid_request', { errors });
}
