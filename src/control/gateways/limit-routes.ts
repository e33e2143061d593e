// The limits of an endpoint as it is called now: unlike the rest of its draft they hold at once, on whatever revision is live.

import { toOptionalJson } from '../../db/columns.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import { overrideOperations } from '../limit-overrides.ts';
import type { AuthorizedContext, Operation } from '../operation.ts';
import { checkManages } from '../permissions.ts';
import { EndpointLimits, PutEndpointLimits } from '../rate-limits/schema.ts';
import { changing } from './changing.ts';
import { findEndpointById, updateEndpoint, type EndpointRow } from './endpoint-store.ts';

export const ENDPOINT_LIMIT_OPERATIONS: readonly Operation[] = overrideOperations({
  name: 'Endpoint',
  plural: 'endpoints',
  words: 'an endpoint',
  description:
    'Without a deploy. Of a gateway that limits nothing (`rateLimitingEnabled`), it holds when that is changed.',
  override: PutEndpointLimits,
  shown: EndpointLimits,
  async show({ services, principal }, id) {
    const row = await inTenant(services.db, principal, (trx) => findEndpointById(trx, principal, id));
    return toEndpointLimits(found(row));
  },
  change,
});

async function change(context: AuthorizedContext, id: string, override: PutEndpointLimits | undefined): Promise<void> {
  const { principal, precondition, services } = context;
  checkManages(principal, 'limits');
  await changing(context, async (trx) => {
    const before = found(await findEndpointById(trx, principal, id));
    precondition.check(toEndpointLimits(before));
    const place = { gatewayId: before.gateway_id, id };
    const after = found(await updateEndpoint(trx, principal, place, { limit_override: toOptionalJson(override) }));
    await recordAudit(trx, context, {
      action: 'endpoint.limit',
      resourceType: 'endpoint',
      resourceId: id,
      details: { gatewayId: before.gateway_id, method: before.method, path: before.path },
      before: toEndpointLimits(before),
      after: toEndpointLimits(after),
    });
  });
  await services.publish();
}

function toEndpointLimits(row: EndpointRow): EndpointLimits {
  return { id: row.id, gatewayId: row.gateway_id, override: row.limit_override ?? {} };
}

function found(row: EndpointRow | undefined): EndpointRow {
  if (row === undefined) throw new Problem('not_found', { detail: 'There is no endpoint with this id.' });
  return row;
}
