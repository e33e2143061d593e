// The operations on OpenAPI documents of gateways.

import { Type } from 'typebox';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import { operation, type Operation } from '../operation.ts';
import { checkPermission } from '../permissions.ts';
import { IdParams } from '../schema-parts.ts';
import { existingGateway, MAY_CREATE, MAY_READ, MAY_UPDATE } from './changing.ts';
import { toDocument } from './document.ts';
import { parseDocument } from './document-parse.ts';
import { allEndpoints } from './endpoint-store.ts';
import * as schema from './import-schema.ts';
import { importOpenApi } from './import.ts';
import { readOpenApi } from './openapi-document.ts';
import { toOpenApiDocument } from './openapi-export.ts';
import { findRevisionByNumber } from './revision-store.ts';

const MAX_BODY_BYTES = 16 * 1024 * 1024;

const importDocument = operation(MAY_UPDATE, {
  id: 'importOpenApi',
  method: 'POST',
  path: '/gateways/import',
  summary: 'Make endpoints of an OpenAPI document',
  description:
    'Of a new gateway, for which the permission to create gateways is needed, or of one that is there. A draft: look at `notCarried`, and deploy. What the document says of security becomes keys and scopes; an operation of which it says nothing needs a key, unless its gateway says otherwise.',
  tag: 'Declarations',
  body: schema.ImportRequest,
  maxBodyBytes: MAX_BODY_BYTES,
  replies: { 200: schema.Imported, 201: schema.Imported },
  faults: ({ body }) => wishFaults(body),
  async handle({ body }, context) {
    const read = readOpenApi(body.document);
    if (!read.ok) throw new Problem('invalid_request', { errors: [{ path: 'body.document', message: read.fault }] });
    if (body.gatewayId === undefined) checkPermission(MAY_CREATE, context.principal);
    const imported = await importOpenApi(context, body, read.document);
    return { status: imported.gatewayId === undefined || body.gatewayId !== undefined ? 200 : 201, data: imported };
  },
});

const describeGateway = operation(MAY_READ, {
  id: 'getGatewayOpenApi',
  method: 'GET',
  path: '/gateways/{id}/openapi.json',
  summary: 'Describe a gateway as an OpenAPI 3.1 document',
  description: 'What is live; the draft where nothing is yet.',
  tag: 'Declarations',
  params: IdParams,
  isBare: true,
  replies: { 200: Type.Object({ openapi: Type.String() }, { additionalProperties: true }) },
  async handle({ params }, { services, principal }) {
    const document = await inTenant(services.db, principal, async (trx) => {
      const gateway = await existingGateway(trx, principal, params.id);
      const live =
        gateway.deployed_number === null
          ? undefined
          : await findRevisionByNumber(trx, principal, gateway.id, gateway.deployed_number);
      return (
        parseDocument(live?.document ?? null) ?? toDocument(gateway, await allEndpoints(trx, principal, gateway.id))
      );
    });
    return { status: 200, data: { openapi: '3.1.0', ...toOpenApiDocument(document) } };
  },
});

export const IMPORT_OPERATIONS: readonly Operation[] = [importDocument, describeGateway];

function wishFaults({ gatewayId, name, routePrefix, target }: Partial<schema.ImportRequest>): Fault[] {
  if (gatewayId === undefined) return [];
  const message = 'goes without gatewayId: it is for a gateway that is made';
  return Object.entries({ name, routePrefix, target }).flatMap(([field, value]) =>
    value === undefined ? [] : [{ path: `body.${field}`, message }],
  );
}
